"""What the pages show of a CHANGELOG file."""

from __future__ import annotations

from typing import Any

from apps.environments.models import Component
from apps.releases.models import Changelog, Release
from gitopsui.domain.keep_a_changelog import canonical


def find_changelog(component: Component) -> Changelog | None:
    return Changelog.objects.filter(component=component).first()


def entries_of(changelog: Changelog | None, release: Release) -> list[dict[str, Any]]:
    """What a changelog says about a release: mostly one entry, more where a heading stands twice."""
    if changelog is None:
        return []
    wanted = canonical(release.version)
    versioned = [entry for entry in changelog.entries if entry["version"]]
    return [entry for entry in versioned if canonical(entry["version"]) == wanted]
