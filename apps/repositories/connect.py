"""Builds the Git door for a repository from its row, its credential and the operator's settings."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings

from apps.repositories.models import Credential, Repository
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.git_access import GitAccess
from gitopsui.adapters.git_address import GitPolicy


def git_policy() -> GitPolicy:
    """What the operator lets us reach."""
    return GitPolicy(
        allowed_hosts=tuple(settings.GITOPSUI_GIT_HOSTS),
        plain_http=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS),
        min_free_bytes=settings.GITOPSUI_MIN_FREE_BYTES,
    )


def mirror(repository: Repository) -> Mirror:
    """The mirror of `repository`; nothing is reached before it is asked for something."""
    folder = Path(settings.GITOPSUI_MIRRORS)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return Mirror(
        folder / f"{repository.mirror_id}.git",
        repository.url,
        access=_access(repository.credential),
        policy=git_policy(),
    )


def _access(credential: Credential | None) -> GitAccess | None:
    if credential is None:
        return None
    return GitAccess(
        username=credential.username,
        password=credential.password,
        ssh_key=credential.ssh_key,
        known_hosts=credential.known_hosts,
    )
