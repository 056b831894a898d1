"""
Our own reader of kubeconfig files. Libraries run the programs and open the files such a file names; here it
is text, of which a handful of keys is taken and everything dangerous refused by name.

https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gitopsui.adapters.cluster_access import ClusterAccess
from gitopsui.adapters.cluster_role import NAMESPACE, read_only_role, service_account_commands
from gitopsui.adapters.http_policy import HOST_NAME, HttpPolicy, check_url, parse_address
from gitopsui.adapters.kubeconfig_credentials import (
    read_authority,
    read_client_pair,
    read_token,
    refused,
    text_of,
)
from gitopsui.adapters.yaml_reader import read_text
from gitopsui.domain.errors import InputError, UnreadableFile

__all__ = [
    "ContextChoice",
    "Kubeconfig",
    "list_contexts",
    "parse_kubeconfig",
    "read_only_role",
    "service_account_commands",
]

MAX_BYTES = 1 << 20
PLAIN_KEY = re.compile(r"[A-Za-z][A-Za-z-]{0,39}", re.ASCII)

CLUSTER_KEYS = frozenset(
    {"server", "certificate-authority-data", "insecure-skip-tls-verify", "tls-server-name"}
)
USER_KEYS = frozenset({"token", "client-certificate-data", "client-key-data"})
CONTEXT_KEYS = frozenset({"cluster", "user", "namespace"})
NOT_WORTH_A_NOTE = frozenset({"extensions", "disable-compression"})

# In the order they are looked for: what runs programs first.
REFUSED_USER_KEYS = (
    (
        "exec",
        "KUBECONFIG_EXEC",
        "exec is not allowed, it would run a program here; use a service account token.",
    ),
    (
        "auth-provider",
        "KUBECONFIG_EXEC",
        "auth-provider is not allowed, it can run a program here; use a service account token.",
    ),
    *(
        (
            key,
            "KUBECONFIG_IMPERSONATE",
            f"{key} (impersonation) is not allowed; use a token of the account itself.",
        )
        for key in ("as", "as-uid", "as-groups", "as-user-extra")
    ),
    *(
        (key, "KUBECONFIG_FILE", f"{key} names a file of another machine; paste its content ({instead}).")
        for key, instead in (
            ("tokenFile", "token"),
            ("client-certificate", "client-certificate-data"),
            ("client-key", "client-key-data"),
        )
    ),
    *(
        (key, "KUBECONFIG_AUTH", "Clusters no longer take a user name and a password; use a token.")
        for key in ("username", "password")
    ),
)


@dataclass(frozen=True, slots=True)
class ContextChoice:
    name: str
    cluster: str
    namespace: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Kubeconfig:
    """
    One context of a kubeconfig. `contexts` are the names of all of them, in the order of the file; `notes`
    are sentences on what was left out or is worth knowing. `namespace` is "" when the context names none.
    """

    access: ClusterAccess
    context: str
    cluster_name: str
    namespace: str
    contexts: tuple[str, ...]
    notes: tuple[str, ...]


def parse_kubeconfig(
    text: str, *, context: str = "", allow_insecure: bool = False, policy: HttpPolicy
) -> Kubeconfig:
    """
    The access that `context` (else the current one, else the only one) describes. Nothing is contacted.

    Raises InputError: KUBECONFIG_SHAPE, KUBECONFIG_CONTEXT, KUBECONFIG_EXEC, KUBECONFIG_IMPERSONATE,
    KUBECONFIG_FILE, KUBECONFIG_AUTH, KUBECONFIG_TLS, the codes of `check_url` and those of the YAML reader.
    No message holds a value of the file but names and the server's host.
    """
    document = read_document(text)
    choice = choose_context(document, context)
    entry = entry_of(document, "contexts", choice.name)
    user = entry_of(document, "users", text_of(entry, "user"))
    cluster = entry_of(document, "clusters", choice.cluster)
    check_user(user)
    access, notes = read_access(cluster, user, policy=policy, allow_insecure=allow_insecure)
    ignored = (
        *find_ignored(cluster, CLUSTER_KEYS),
        *find_ignored(user, USER_KEYS),
        *find_ignored(entry, CONTEXT_KEYS),
    )
    names = tuple(found.name for found in contexts_of(document))
    return Kubeconfig(access, choice.name, choice.cluster, choice.namespace, names, (*notes, *ignored))


def list_contexts(text: str) -> tuple[ContextChoice, ...]:
    """What a file offers to choose from, also when its contexts cannot be used. Raises InputError."""
    return contexts_of(read_document(text))


def read_document(text: str) -> Mapping[str, Any]:
    if len(text) > MAX_BYTES:
        raise refused("This is larger than any kubeconfig: 1 MiB at most.", "KUBECONFIG_SHAPE")
    try:
        documents = read_text(text.encode(errors="replace"))
    except UnreadableFile as error:
        # Its message may quote a line, and a line may be a token.
        place = f" in line {error.line}" if error.line else ""
        raise refused(f"The kubeconfig is not YAML that we read{place}.", error.code) from None
    if len(documents) != 1 or not isinstance(documents[0], dict):
        raise refused("This is not a kubeconfig: one document with clusters and users.", "KUBECONFIG_SHAPE")
    document: dict[str, Any] = documents[0]
    if document.get("kind", "Config") != "Config":
        raise refused("This is not a kubeconfig: its kind is not Config.", "KUBECONFIG_SHAPE")
    return document


def contexts_of(document: Mapping[str, Any]) -> tuple[ContextChoice, ...]:
    current = text_of(document, "current-context")
    found = []
    for name, body in entries_of(document, "contexts").items():
        namespace = text_of(body, "namespace")
        if namespace and not NAMESPACE.fullmatch(namespace):
            raise refused("The namespace of a context is not a valid name.", "KUBECONFIG_SHAPE")
        found.append(ContextChoice(name, text_of(body, "cluster"), namespace, name == current))
    return tuple(found)


def choose_context(document: Mapping[str, Any], wanted: str) -> ContextChoice:
    choices = contexts_of(document)
    name = wanted or text_of(document, "current-context")
    for choice in choices:
        if choice.name == name or (not name and len(choices) == 1):
            return choice
    message = "The kubeconfig has no such context." if name else "Choose one of the contexts."
    raise InputError(message, code="KUBECONFIG_CONTEXT", field="context")


def entries_of(document: Mapping[str, Any], section: str) -> dict[str, Mapping[str, Any]]:
    """The named bodies of `clusters`, `users` or `contexts`, in the order of the file."""
    items = document.get(section) or []
    if not isinstance(items, list):
        raise refused(f"{section} must be a list.", "KUBECONFIG_SHAPE")
    found: dict[str, Mapping[str, Any]] = {}
    for item in items:
        body = item.get(section.removesuffix("s")) if isinstance(item, dict) else None
        name = item.get("name") if isinstance(item, dict) else None
        if not isinstance(name, str) or not name or not isinstance(body or {}, dict):
            raise refused(f"An entry of {section} has no name or no content.", "KUBECONFIG_SHAPE")
        if name in found:
            raise refused(f"Two entries of {section} have the same name.", "KUBECONFIG_SHAPE")
        found[name] = body or {}
    return found


def entry_of(document: Mapping[str, Any], section: str, name: str) -> Mapping[str, Any]:
    found = entries_of(document, section).get(name)
    if found is None:
        message = f"The chosen context names an entry that {section} does not have."
        raise InputError(message, code="KUBECONFIG_CONTEXT", field="context")
    return found


def check_user(user: Mapping[str, Any]) -> None:
    for key, code, message in REFUSED_USER_KEYS:
        if user.get(key):
            raise refused(message, code)


def read_access(
    cluster: Mapping[str, Any], user: Mapping[str, Any], *, policy: HttpPolicy, allow_insecure: bool
) -> tuple[ClusterAccess, tuple[str, ...]]:
    server = read_server(cluster, policy)
    is_insecure = read_insecure(cluster, allow_insecure=allow_insecure)
    authority = read_authority(cluster)
    certificate, key, notes = read_client_pair(user)
    token = read_token(user)
    if not token and not certificate:
        message = "The user has neither a token nor a client certificate; use a service account token."
        raise refused(message, "KUBECONFIG_AUTH")
    access = ClusterAccess(server=server, ca_data=authority, token=token, is_insecure=is_insecure)
    named = replace(access, tls_server_name=read_server_name(cluster))
    with_pair = replace(named, client_certificate=certificate, client_key=key)
    return with_pair, (*notes, *trust_notes(with_pair))


def read_server(cluster: Mapping[str, Any], policy: HttpPolicy) -> str:
    server = text_of(cluster, "server").strip()
    try:
        check_url(server, policy)
    except InputError as error:
        raise refused(f"server: {error.message}", error.code) from None
    return server.rstrip("/")


def read_insecure(cluster: Mapping[str, Any], *, allow_insecure: bool) -> bool:
    is_insecure = bool(cluster.get("insecure-skip-tls-verify"))
    if is_insecure and not allow_insecure:
        message = (
            "insecure-skip-tls-verify is not allowed: anybody on the way could read the token. "
            "Add certificate-authority-data, or let an administrator allow it for this cluster."
        )
        raise refused(message, "KUBECONFIG_TLS")
    return is_insecure


def read_server_name(cluster: Mapping[str, Any]) -> str:
    name = text_of(cluster, "tls-server-name").lower()
    if name and not HOST_NAME.fullmatch(name) and parse_address(name) is None:
        raise refused("tls-server-name is not a host name.", "KUBECONFIG_TLS")
    return name


def trust_notes(access: ClusterAccess) -> tuple[str, ...]:
    if access.server.startswith("http://"):
        return ("This server is spoken to without TLS, because an operator listed its address.",)
    if access.is_insecure:
        return ("The certificate of this server is not verified.",)
    if not access.ca_data:
        return ("No certificate authority is given: the server must have a publicly trusted certificate.",)
    return ()


def find_ignored(body: Mapping[str, Any], known: frozenset[str]) -> tuple[str, ...]:
    """Sentences on keys that are not taken; a key that looks like anything but a key is not repeated."""
    others = [str(key) for key in body if key not in known | NOT_WORTH_A_NOTE]
    return tuple(
        f"{key} is ignored." if PLAIN_KEY.fullmatch(key) else "A key we do not know is ignored."
        for key in others
    )
