"""What is known of the forge of a repository."""

from __future__ import annotations

from apps.promotions.models import ForgeConnection
from apps.repositories.models import Repository
from gitopsui.adapters.forge.detect import FoundForge, find_known


def is_in_use(connection: ForgeConnection) -> bool:
    """Whether pull requests are made there: a connection without a token is only what we know so far."""
    return connection.kind != "builtin" and bool(connection.token)


def guess_for(repository: Repository) -> FoundForge | None:
    return find_known(repository.url)
