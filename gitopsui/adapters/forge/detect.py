"""Which forge a repository lies on: by its host where that is known, else by asking the host."""

from __future__ import annotations

import re
from dataclasses import dataclass

from gitopsui.adapters.forge.call import translate
from gitopsui.adapters.forge.fields import Fields
from gitopsui.adapters.http import HttpPolicy, HttpSession, session
from gitopsui.domain.errors import HttpError

KNOWN = {
    "github.com": ("github", "https://api.github.com"),
    "gitlab.com": ("gitlab", "https://gitlab.com/api/v4"),
    "codeberg.org": ("gitea", "https://codeberg.org/api/v1"),
}
_VERSION = re.compile(r"\d+\.\d+", re.ASCII)


@dataclass(frozen=True, slots=True)
class FoundForge:
    """`kind` is github, gitlab or gitea; `path` the owner and name of the repository there."""

    kind: str
    api_url: str
    path: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where the remote of a repository is: `origin` without a final slash, `path` without `.git`."""

    origin: str
    host: str
    path: str


def place_of(url: str) -> Place | None:
    """
    From a checked address of a remote, `https://…`, `ssh://…` or `git@host:path`. The web pages of a remote
    that is reached by ssh are on the usual port of https.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        scheme, rest = "ssh", url.replace(":", "/", 1)
    netloc, _, path = rest.partition("/")
    netloc = netloc.rpartition("@")[2].lower()
    host = netloc.removeprefix("[").partition("]")[0] if "[" in netloc else netloc.partition(":")[0]
    path = path.strip("/").removesuffix(".git")
    if not host or "/" not in path:
        return None
    return Place(f"{scheme}://{netloc}" if scheme in ("http", "https") else f"https://{host}", host, path)


def find_known(url: str) -> FoundForge | None:
    """The forge at a host everybody knows; None for any other. Contacts nothing."""
    place = place_of(url)
    # ssh on the port of https: https://docs.github.com/en/authentication/troubleshooting-ssh
    host = place.host.removeprefix("ssh.").removeprefix("altssh.") if place else ""
    if place is None or host not in KNOWN:
        return None
    kind, api_url = KNOWN[host]
    return FoundForge(kind, api_url, place.path)


def probe(url: str, policy: HttpPolicy) -> FoundForge | None:
    """
    Ask the host of a remote which forge it is, without a token; None where it is none that we know.

    Raises ForgeError where the operator does not allow the host, or it cannot be reached.
    """
    place = place_of(url)
    if place is None:
        return None
    owner, _, name = place.path.rpartition("/")
    prefix, _, owner = owner.rpartition("/")
    gitea = f"{place.origin}/{prefix}".rstrip("/") + "/api/v1"
    with session(policy) as http:
        # Gitea in a folder of its host is asked first: a GitLab there would have answered 404.
        if _is_gitea(http, gitea, place.host):
            return FoundForge("gitea", gitea, f"{owner}/{name}")
        if _is_gitlab(http, f"{place.origin}/api/v4", place.host):
            return FoundForge("gitlab", f"{place.origin}/api/v4", place.path)
        if _is_github(http, f"{place.origin}/api/v3", place.host):
            return FoundForge("github", f"{place.origin}/api/v3", place.path)
    return None


def _is_gitea(http: HttpSession, api_url: str, host: str) -> bool:
    status, _, fields = _get(http, f"{api_url}/version", host)
    return status == 200 and _VERSION.match(fields.text("version")) is not None


def _is_gitlab(http: HttpSession, api_url: str, host: str) -> bool:
    """It tells its version to nobody without a token, but refuses in its own way."""
    status, headers, fields = _get(http, f"{api_url}/version", host)
    refused = status == 401 and fields.text("message") == "401 Unauthorized"
    return refused or "x-gitlab-meta" in headers or (status == 200 and bool(fields.text("revision")))


def _is_github(http: HttpSession, api_url: str, host: str) -> bool:
    status, headers, fields = _get(http, f"{api_url}/meta", host)
    is_meta = fields.flag("verifiable_password_authentication") is not None
    return "x-github-request-id" in headers or (status == 200 and is_meta)


def _get(http: HttpSession, url: str, host: str) -> tuple[int, dict[str, str], Fields]:
    """No JSON, or a redirect to a page of signing in, only says that it is not this forge."""
    try:
        answer = http.get(url)
    except HttpError as error:
        if error.code in ("HTTP_REDIRECT", "HTTP_TOO_LARGE", "HTTP_BROKEN"):
            return 0, {}, Fields({})
        raise translate(error, host) from error
    try:
        return answer.status, dict(answer.headers), Fields.of(answer.json())
    except HttpError:
        return answer.status, dict(answer.headers), Fields({})
