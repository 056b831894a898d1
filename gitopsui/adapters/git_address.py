"""
Which remotes may be spoken to, and which names of branches and tags may be asked for.

`check_url` and `check_ref_name` guard forms and imports: they look at text alone, nothing is resolved or
started, and no message quotes what was typed, since it may hold a password. `find_peer` guards the use: it
resolves the host, and answers the address that passed the check and that Git must then be pinned to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import SplitResult, unquote

from gitopsui.adapters.git_names import COMMIT_ID, REF_FORBIDDEN
from gitopsui.adapters.http_policy import (
    HttpPolicy,
    Target,
    check_host,
    format_host_port,
    host_of,
    parse_address,
    port_of,
    split_url,
    unwrap,
)
from gitopsui.adapters.http_socket import connect
from gitopsui.domain.errors import GitError, HttpError, InputError

DEFAULT_PORTS = {"https": 443, "ssh": 22, "http": 80}
MAX_URL_LENGTH = 2000
MAX_REF_BYTES = 240

# user@host:path, the short form of ssh. The user is asked for: without it `C:\repo` and `data:x` look alike.
SCP_FORM = re.compile(r"(?P<user>[\w.][\w.-]*)@(?P<host>[^/:@\s]+):(?!:)(?P<path>[^\s]+)", re.ASCII)
SSH_USER = re.compile(r"[\w.][\w.-]*", re.ASCII)
# Names Git gives a meaning of its own before it looks for a branch or a tag.
OWN_MEANING = frozenset({"@", "HEAD", "FETCH_HEAD", "ORIG_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD"})
PEER_CODES = {"URL_ADDRESS": "GIT_ADDRESS", "HTTP_TIMEOUT": "GIT_TIMEOUT"}


@dataclass(frozen=True, slots=True)
class GitPolicy:
    """
    What a mirror may reach and how much it may take.

    `allowed_hosts` empty means any public host; `*.example.org` means every name below it; only a host named
    in full may have a private address. `plain_http` holds `host:port` pairs of the operator that may be
    spoken to over plain HTTP and may be on loopback. `ca_file` is trusted and not the system's own list.
    """

    allowed_hosts: tuple[str, ...] = ()
    plain_http: frozenset[str] = frozenset()
    max_bytes: int = 1 << 30
    min_free_bytes: int = 1 << 30
    connect_timeout: timedelta = timedelta(seconds=10)
    total_timeout: timedelta = timedelta(seconds=120)
    ca_file: Path | None = None

    def allows_local(self, host: str, port: int) -> bool:
        return format_host_port(host, port) in {entry.lower() for entry in self.plain_http}

    def as_http_policy(self, host: str, port: int) -> HttpPolicy:
        """The same rules for one connection; a host that is named in full may be private."""
        named = {format_host_port(host, port)} if host in self.allowed_hosts else set()
        return HttpPolicy(
            allowed_hosts=self.allowed_hosts,
            private_hosts=self.plain_http | named,
            connect_timeout=self.connect_timeout,
            total_timeout=self.connect_timeout,
        )


@dataclass(frozen=True, slots=True)
class GitUrl:
    """
    A remote that passed the check. `url` is what Git gets. Two spellings of one repository have the same
    `same_as`: host in lower case, default port left out, no final `/` and no `.git`.
    """

    url: str
    scheme: str
    host: str
    port: int
    same_as: str = field(compare=False)

    def __str__(self) -> str:
        return self.url


def check_url(raw: str, policy: GitPolicy) -> GitUrl:
    """
    The remote somebody typed, or InputError URL_SCHEME, URL_SYNTAX, URL_USERINFO, URL_HOST or URL_ADDRESS.

    Accepted are `https://host[:port]/path`, `ssh://[user@]host[:port]/path` and `user@host:path`.
    """
    text = raw.strip()
    if len(text) > MAX_URL_LENGTH:
        raise _refuse("URL_SYNTAX", f"The address is longer than {MAX_URL_LENGTH} characters.")
    short = SCP_FORM.fullmatch(text)
    long = f"ssh://{short['user']}@{short['host']}/{short['path'].removeprefix('/')}" if short else text
    scheme = _check_scheme(long)
    if "?" in long or "#" in long:
        raise _refuse("URL_SYNTAX", "The address must not hold a query (?) or a fragment (#).")
    # The rules for a host are those of HTTP; only the scheme differs.
    parts = split_url("https" + long[len(scheme) :])
    _check_parts(parts, scheme)
    host, port = host_of(parts), port_of(parts) or DEFAULT_PORTS[scheme]
    _check_target(Target(scheme, host, port), policy)
    path = parts.path.rstrip("/")
    place = _place(parts, scheme, host, port)
    url = f"{short['user']}@{host}:{short['path'].rstrip('/')}" if short else f"{scheme}://{place}{path}"
    same_as = f"{scheme}://{place.rpartition('@')[2]}{path.removesuffix('.git')}"
    return GitUrl(url, scheme, host, port, same_as)


def check_ref_name(name: str) -> str:
    """
    The short name of a branch or tag somebody typed, unchanged.

    Raises InputError REF_OPTION (it would be an option), REF_AMBIGUOUS (Git gives it another meaning, or it
    is a full name or a commit id) or REF_INVALID (no branch or tag can be called so, or `+`, which forces).
    """
    if name.startswith("-"):
        raise _refuse("REF_OPTION", "The name of a branch or tag must not begin with a hyphen here.")
    if not name or name.startswith("+") or REF_FORBIDDEN.search(name) or not _fits_ref(name):
        raise _refuse("REF_INVALID", "No branch or tag can have this name.")
    if name in OWN_MEANING or name.startswith("refs/") or COMMIT_ID.fullmatch(name):
        message = "This is not the short name of a branch or tag: Git would read it as something else."
        raise _refuse("REF_AMBIGUOUS", message)
    return name


def find_peer(url: GitUrl, policy: GitPolicy) -> str:
    """
    The numeric address of the remote that may be used and accepts connections.

    Raises GitError GIT_ADDRESS, GIT_UNREACHABLE or GIT_TIMEOUT. The connection made here is the connect
    timeout of Git over HTTP, which has none of its own.
    """
    try:
        with connect(url.host, url.port, policy.as_http_policy(url.host, url.port)) as connection:
            address = str(connection.getpeername()[0])
    except HttpError as error:
        code = PEER_CODES.get(error.code, "GIT_UNREACHABLE")
        raise GitError(error.message, code=code, permanent=code == "GIT_ADDRESS") from error
    if _is_loopback(address) and not policy.allows_local(url.host, url.port):
        raise GitError(f"{url.host} leads to this machine itself.", code="GIT_ADDRESS", permanent=True)
    return address


def _check_scheme(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    if not separator or scheme.lower() not in DEFAULT_PORTS:
        message = "The address must begin with https:// or ssh://, or have the form git@host:path."
        raise _refuse("URL_SCHEME", message)
    return scheme.lower()


def _check_parts(parts: SplitResult, scheme: str) -> None:
    user, at, _ = parts.netloc.rpartition("@")
    if at and not (scheme == "ssh" and SSH_USER.fullmatch(user)):
        message = "The address must not hold a password or token; enter it as a credential."
        raise _refuse("URL_USERINFO", message)
    path = unquote(parts.path)
    if not path.strip("/") or ".." in path.split("/") or any(character < " " for character in path):
        raise _refuse("URL_SYNTAX", "The address must name a repository after the host.")


def _check_target(target: Target, policy: GitPolicy) -> None:
    http_policy = policy.as_http_policy(target.host, target.port)
    is_local = policy.allows_local(target.host, target.port)
    if target.scheme == "http" and not is_local:
        raise _refuse("URL_SCHEME", "Plain http:// is not allowed: use https:// or ssh://.")
    check_host(target, http_policy)
    if parse_address(target.host) and _is_loopback(target.host) and not is_local:
        raise _refuse("URL_ADDRESS", "The address leads to this machine itself.")
    if not is_local and not http_policy.allows_host(target.host):
        raise _refuse("URL_HOST", "The host is not on the list of allowed hosts.")


def _place(parts: SplitResult, scheme: str, host: str, port: int) -> str:
    user, at, _ = parts.netloc.rpartition("@")
    shown = f"[{host}]" if ":" in host else host
    return f"{user}{at}{shown}" + ("" if port == DEFAULT_PORTS[scheme] else f":{port}")


def _is_loopback(address: str) -> bool:
    parsed = parse_address(address)
    return parsed is not None and unwrap(parsed).is_loopback


def _fits_ref(name: str) -> bool:
    try:
        return len(name.encode()) <= MAX_REF_BYTES
    except UnicodeEncodeError:
        return False


def _refuse(code: str, message: str) -> InputError:
    return InputError(message, code=code)
