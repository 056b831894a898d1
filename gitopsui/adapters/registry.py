"""
Tags, digests and labels of an image, read from its registry. Nothing is ever written there.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from types import TracebackType
from typing import Any, Self
from urllib.parse import urljoin, urlsplit

from gitopsui.adapters.http import parse_json
from gitopsui.adapters.http_policy import HttpPolicy, Target, format_host_port
from gitopsui.adapters.http_transport import Exchange
from gitopsui.adapters.registry_auth import RegistryCredential, SignIn
from gitopsui.adapters.registry_call import RegistrySession, check_status
from gitopsui.adapters.registry_manifest import (
    ACCEPT,
    DIGEST,
    ImageLabels,
    config_in,
    digest_of,
    image_in,
    is_index,
    labels_in,
    read_document,
    unusable,
)
from gitopsui.domain.errors import HttpError, InputError, RegistryError
from gitopsui.domain.image import DEFAULT_REGISTRY, find_image

__all__ = ["ImageLabels", "Registry", "RegistryCredential", "TagList", "endpoint_of"]

PAGE_SIZE = 1000
MOST_PAGES = 50
MOST_TAGS = 20_000
LIST_TIMEOUT = timedelta(minutes=2)  # of all pages together
TAGS_BYTES = 4 << 20
DOCUMENT_BYTES = (
    4 << 20
)  # https://github.com/opencontainers/distribution-spec/blob/main/spec.md#pushing-manifests
NO_TLS = {"HTTP_TLS", "HTTP_UNREACHABLE", "HTTP_BROKEN", "HTTP_TIMEOUT"}

API_HOSTS = {DEFAULT_REGISTRY: "registry-1.docker.io"}
# Where well-known registries hand out tokens and keep blobs: allowing the registry allows these.
# https://docs.docker.com/desktop/setup/allow-list/
COMPANIONS = {
    DEFAULT_REGISTRY: (
        "registry-1.docker.io",
        "auth.docker.io",
        "production.cloudflare.docker.com",
        "production.cloudfront.docker.com",
        "docker-images-prod.6aa30f8b08e16409b46e0173d6de2f56.r2.cloudflarestorage.com",
    ),
    "ghcr.io": ("pkg-containers.githubusercontent.com",),
    "quay.io": ("*.quay.io",),
}
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_NEXT = re.compile(r'<([^<>]{1,4096})>\s*;[^,<]*\brel="?next"?')


@dataclass(frozen=True, slots=True)
class TagList:
    """The tags a registry has, sorted by name. Not complete: what is not named may still be there."""

    names: tuple[str, ...]
    is_complete: bool = True


def endpoint_of(host: str, *, scheme: str = "https") -> str:
    """The `scheme://host:port` a credential for images of `host` (as in a reference) belongs to."""
    target = Target.of(f"{scheme}://{API_HOSTS.get(host, host)}")
    return f"{scheme}://{format_host_port(target.host, target.port)}"


class Registry:
    """
    One registry, asked about many images. Use it in a `with`.

    `host` is what stands before the first slash of a reference, `docker.io` included. A host and port the
    operator trusts may be spoken to in plain HTTP: where the credential says so, and without one where it
    does not speak TLS. Everything raises HttpError for what happens on the way and RegistryError otherwise.
    """

    def __init__(
        self,
        host: str,
        policy: HttpPolicy,
        credential: RegistryCredential | None = None,
        *,
        page_size: int = PAGE_SIZE,
        list_timeout: timedelta = LIST_TIMEOUT,
    ) -> None:
        self.host = host
        self._session = RegistrySession(_with_companions(policy, host))
        self._credential = credential
        self._sign_in = SignIn(self._session, credential)
        self._page_size = page_size
        self._list_timeout = list_timeout
        self._origin = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._session.close()

    def tags(self, repository: str) -> TagList:
        """
        All tags of an image, at most 20,000. A page is only followed on this registry: a link that leads
        elsewhere ends the list, as does the time for it. Then it is not complete.
        """
        path = f"/v2/{self._checked(repository)}/tags/list"
        query = f"n={self._page_size}"
        names: dict[str, None] = {}
        ends_at = time.monotonic() + self._list_timeout.total_seconds()
        for _ in range(MOST_PAGES):
            answer = self._read("GET", f"{path}?{query}", repository, max_bytes=TAGS_BYTES)
            known = len(names)
            names |= dict.fromkeys(_tag_names(answer.body))
            if not (link := _NEXT.search(answer.headers.get("link", ""))):
                return TagList(tuple(sorted(names)))
            query = self._next_query(link[1], path)
            is_over = len(names) >= MOST_TAGS or time.monotonic() >= ends_at
            if not query or len(names) == known or is_over:
                break
        return TagList(tuple(sorted(names)[:MOST_TAGS]), is_complete=False)

    def head(self, repository: str, tag: str) -> str:
        """The digest of a tag: the registry's word, computed where it does not give it."""
        if not _TAG.fullmatch(tag):
            raise RegistryError("This is no tag.", code="REGISTRY_NAME", permanent=True)
        path = f"/v2/{self._checked(repository)}/manifests/{tag}"
        answer = self._send("HEAD", path, repository, max_bytes=DOCUMENT_BYTES)
        # Some registries know no HEAD.
        told = "" if answer.status in (405, 501) else self._told(check_status(answer, self.host))
        return told or digest_of(self._read("GET", path, repository, max_bytes=DOCUMENT_BYTES).body)

    def labels(self, repository: str, digest: str) -> ImageLabels:
        """
        What the image under a digest says of itself; of several platforms linux/amd64 or the first says it.
        Each document is checked against its digest.
        """
        name = self._checked(repository)
        documents = [self._manifest(name, digest)]
        if is_index(documents[0]):
            documents.insert(0, self._manifest(name, image_in(documents[0])))
        if is_index(documents[0]):
            raise unusable()
        return labels_in(self._config(name, config_in(documents[0])), *documents)

    def _manifest(self, repository: str, digest: str) -> dict[str, Any]:
        if not DIGEST.fullmatch(digest):
            raise RegistryError("This is no digest we know.", code="REGISTRY_NAME", permanent=True)
        path = f"/v2/{repository}/manifests/{digest}"
        return read_document(self._read("GET", path, repository, max_bytes=DOCUMENT_BYTES).body, digest)

    def _config(self, repository: str, digest: str) -> dict[str, Any]:
        path = f"/v2/{repository}/blobs/{digest}"
        answer = self._send("GET", path, repository, max_bytes=DOCUMENT_BYTES)
        if 300 <= answer.status < 400 and (target := answer.headers.get("location", "")):
            answer = self._read_elsewhere(_resolve(f"{self._origin}{path}", target))
        return read_document(check_status(answer, self.host).body, digest)

    def _read_elsewhere(self, url: str) -> Exchange:
        """The storage of the registry, asked once and without a credential."""
        try:
            return self._session.fetch("GET", url, headers={}, max_bytes=DOCUMENT_BYTES)
        except HttpError as error:
            if error.permanent:
                error.hint = "The registry keeps its blobs on another host, which is not allowed."
            raise

    def _read(self, method: str, path: str, repository: str, *, max_bytes: int) -> Exchange:
        return check_status(self._send(method, path, repository, max_bytes=max_bytes), self.host)

    def _send(self, method: str, path: str, repository: str, *, max_bytes: int) -> Exchange:
        """One call; a second one where the first is answered with a challenge that we can answer."""
        self._origin = self._origin or self._find_origin()
        url, scope = f"{self._origin}{path}", f"repository:{repository}:pull"
        headers = {"Accept": ACCEPT if "/manifests/" in path else "application/json"}
        if "/blobs/" in path:
            headers = {"Accept": "*/*"}
        known = self._sign_in.headers(scope)
        answer = self._session.fetch(method, url, headers={**headers, **known}, max_bytes=max_bytes)
        if answer.status != 401:
            return answer
        signed = self._sign_in.answer(answer.headers.get("www-authenticate", ""), scope, self.host)
        if not signed or signed == known:
            return answer
        return self._session.fetch(method, url, headers={**headers, **signed}, max_bytes=max_bytes)

    def _find_origin(self) -> str:
        """`scheme://host:port` without a final slash."""
        if self._credential is not None:
            scheme = self._credential.endpoint.partition("://")[0]
            if self._credential.endpoint != endpoint_of(self.host, scheme=scheme):
                message = f"The stored credential is not one for {self.host}."
                raise RegistryError(message, code="REGISTRY_CREDENTIAL", permanent=True)
            return self._credential.endpoint
        secure = _endpoint(self.host)
        target = Target.of(secure)
        if not self._session.policy.allows_private(target.host, target.port):
            return secure
        return self._try_out(secure)

    def _try_out(self, secure: str) -> str:
        """Nothing secret is sent: whether TLS is spoken decides, and its failure is told where neither is."""
        try:
            self._session.fetch("GET", f"{secure}/v2/", headers={}, max_bytes=DOCUMENT_BYTES)
        except HttpError as error:
            if error.code not in NO_TLS:
                raise
            plain = _endpoint(self.host, scheme="http")
            try:
                self._session.fetch("GET", f"{plain}/v2/", headers={}, max_bytes=DOCUMENT_BYTES)
            except HttpError:
                raise error from None
            return plain
        return secure

    def _next_query(self, link: str, path: str) -> str:
        """The query of the next page, "" where the link leads to another host or to something else."""
        parts = urlsplit(_resolve(f"{self._origin}{path}", link))
        is_here = parts.netloc == urlsplit(self._origin).netloc or parts.netloc == self.host
        return parts.query if is_here and parts.path == path else ""

    def _told(self, answer: Exchange) -> str:
        digest = answer.headers.get("docker-content-digest", "")
        return digest if DIGEST.fullmatch(digest) else ""

    def _checked(self, repository: str) -> str:
        found = find_image(f"{self.host}/{repository}")
        if found is None or found.repository != repository or found.tag or found.digest:
            raise RegistryError("This is no name of an image.", code="REGISTRY_NAME", permanent=True)
        return repository


def _endpoint(host: str, *, scheme: str = "https") -> str:
    try:
        return endpoint_of(host, scheme=scheme)
    except InputError as error:
        raise RegistryError(error.message, code=error.code, permanent=True) from None


def _resolve(base: str, link: str) -> str:
    """`link` as an address of its own, "" where it is none."""
    try:
        return urljoin(base, link)
    except ValueError:
        return ""


def _with_companions(policy: HttpPolicy, host: str) -> HttpPolicy:
    """A list of allowed hosts names registries, not the hosts they work with."""
    if not policy.allowed_hosts or not policy.allows_host(host):
        return policy
    return replace(policy, allowed_hosts=(*policy.allowed_hosts, *COMPANIONS.get(host, ())))


def _tag_names(body: bytes) -> list[str]:
    """Raises RegistryError REGISTRY_FORMAT. A name that is none by the specification is left out."""
    answer = parse_json(body)
    # An image whose last tag was deleted has null.
    listed = (answer.get("tags") or []) if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        raise RegistryError("The registry sent no list of tags.", code="REGISTRY_FORMAT")
    return [name for name in listed if isinstance(name, str) and _TAG.fullmatch(name)]
