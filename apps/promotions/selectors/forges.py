"""What is known of the forge of a repository."""

from __future__ import annotations

import re
from datetime import datetime
from urllib.parse import urlsplit

from apps.promotions.models import BUILT_IN, ForgeConnection, ForgePause
from apps.repositories.models import Repository
from gitopsui.adapters.forge.call import ForgeAccess
from gitopsui.adapters.forge.detect import FoundForge, find_known
from gitopsui.adapters.http_policy import Target
from gitopsui.domain.errors import ForgeError, InputError

# Where the API is told from the forge by its host; elsewhere it lies under the address of the forge.
_API_HOSTS = {"api.github.com": "github.com"}
_API_PATH = re.compile(r"/api/v\d+$", re.ASCII)


def is_in_use(connection: ForgeConnection) -> bool:
    """Whether pull requests are made there: a connection without a token is only what we know so far."""
    return connection.kind != BUILT_IN and bool(connection.token)


def pause_of(endpoint: str, *, now: datetime) -> datetime | None:
    """Until when whatever answers at `endpoint` asked to be left alone; None where it may be asked."""
    return ForgePause.objects.filter(endpoint=endpoint, until__gt=now).values_list("until", flat=True).first()


def busy_until(connection: ForgeConnection, *, now: datetime) -> datetime | None:
    """Until when its forge wants to be left alone; None where it may be asked."""
    if not is_in_use(connection):
        return None
    try:
        return pause_of(ForgeAccess(connection.api_url, connection.path).endpoint, now=now)
    except ForgeError:
        return None


def forge_host(api_url: str) -> str:
    """
    The forge at this address as people call it: `github.com`, `git.example.org:8443`, `example.org/gitlab`.
    "" where it is no address.
    """
    try:
        target, path = Target.of(api_url), urlsplit(api_url).path
    except InputError:
        return ""
    host = _API_HOSTS.get(target.host, target.host)
    port = "" if (target.scheme, target.port) == ("https", 443) else f":{target.port}"
    return f"{host}{port}{_API_PATH.sub('', path.rstrip('/'))}"


def connected_hosts() -> list[str]:
    """The forges that repositories lie on, by name."""
    urls = ForgeConnection.objects.exclude(kind=BUILT_IN).values_list("api_url", flat=True).distinct()
    return sorted({host for url in urls if (host := forge_host(url))})


def guess_for(repository: Repository) -> FoundForge | None:
    return find_known(repository.url)
