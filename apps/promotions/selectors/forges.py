"""What is known of the forge of a repository."""

from __future__ import annotations

from datetime import datetime

from apps.promotions.models import BUILT_IN, ForgeConnection, ForgePause
from apps.repositories.models import Repository
from gitopsui.adapters.forge.call import ForgeAccess
from gitopsui.adapters.forge.detect import FoundForge, find_known
from gitopsui.domain.errors import ForgeError


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


def guess_for(repository: Repository) -> FoundForge | None:
    return find_known(repository.url)
