"""Where one can go back to: what ran in an application before, and releases that are not marked bad."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from apps.environments.models import Application
from apps.releases.models import DeploymentRecord, Release
from apps.releases.selectors.versions import bare_version, shown_version

MOST_CHOICES = 20


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version one can go back to: until when it ran, None for a release that never ran there."""

    version: str
    ran_until: datetime | None = None


def bad_versions(component_id: int) -> dict[str, str]:
    """The releases of a component that are marked bad: tag and bare version → why."""
    found: dict[str, str] = {}
    rows = Release.objects.filter(component=component_id, is_bad=True)
    for tag, version, reason in rows.values_list("tag", "version", "bad_reason"):
        found[tag] = found[version] = reason
    return found


def is_bad(version: str, bad: dict[str, str]) -> bool:
    return version in bad or bare_version(version) in bad


def find_earlier(application: Application) -> list[Earlier]:
    """What ran there before, newest first, then the other releases; never what is marked bad."""
    bad = bad_versions(application.component_id)
    current = {bare_version(one) for one in (shown_version(application), application.desired_version) if one}
    found: dict[str, Earlier] = {}
    records = DeploymentRecord.objects.filter(application=application).exclude(version="")
    for version, until in records.order_by("-from_at").values_list("version", "to_at")[: MOST_CHOICES * 4]:
        bare = bare_version(version)
        if bare not in current and not is_bad(version, bad):
            found.setdefault(bare, Earlier(version, until))
    releases = application.component.releases.filter(is_bad=False, is_prerelease=False)
    for version in releases.order_by("position").values_list("version", flat=True)[: MOST_CHOICES * 2]:
        if version not in current and not is_bad(version, bad):
            found.setdefault(version, Earlier(spell_like(version, application.desired_version)))
    return list(found.values())[:MOST_CHOICES]


def spell_like(version: str, example: str) -> str:
    """A bare version as the image tags of the application are written: with `v` where `example` has it."""
    spelled = version.replace("+", "_")
    return f"{example[0]}{spelled}" if example[:1] in ("v", "V") and example[1:2].isdigit() else spelled
