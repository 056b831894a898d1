"""Keeps which commits touch the paths of a component in a repository with several."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Protocol

from apps.environments.models import Component
from apps.releases.models import PathCommits, ReleasePolicy


class PathHistory(Protocol):
    """The part of `Mirror` that paths are read from."""

    def touching(self, paths: Sequence[str]) -> list[str]: ...


def update_path_commits(component: Component, *, git: PathHistory) -> bool:
    """
    Bring the commits of the component's paths level with the refs and the policy; whether they changed.

    Raises GitError when the mirror cannot be read.
    """
    paths = ReleasePolicy.objects.filter(component=component).values_list("paths", flat=True).first()
    source = component.source
    if not paths or source is None:
        return bool(PathCommits.objects.filter(component=component).delete()[0])
    digest = hashlib.sha256(json.dumps([paths, source.pk, source.refs_digest]).encode()).hexdigest()
    if PathCommits.objects.filter(component=component, digest=digest).exists():
        return False
    ids = [bytes.fromhex(sha) for sha in git.touching(paths)]
    PathCommits.objects.update_or_create(
        component=component,
        defaults={"digest": digest, "ids": b"".join(ids), "id_bytes": len(ids[0]) if ids else 20},
    )
    return True
