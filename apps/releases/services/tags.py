"""The release list of a component: one row for each tag that names a version of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from apps.environments.models import Component
from apps.releases.models import Release
from gitopsui.domain.changelog import pick_family
from gitopsui.domain.version import Tag, base_of, parse_tag

TAG_CHARS = 300
_FACTS = [
    "version",
    "position",
    "is_prerelease",
    "commit_sha",
    "dated_at",
    "base_tag",
    "base_sha",
    "moved_note",
]
NO_NOTES: dict[str, Any] = {
    "notes": None,
    "notes_html": "",
    "notes_sha": "",
    "notes_error": "",
    "commit_count": None,
    "change_count": None,
    "breaking_count": 0,
    "summary": "",
    "words": "",
}


@dataclass(slots=True)
class _Plan:
    """What has to be written; `reset` are the rows whose notes are to be written anew."""

    fresh: list[Release] = field(default_factory=list)
    changed: list[Release] = field(default_factory=list)
    reset: list[int] = field(default_factory=list)


def store_releases(component: Component, *, now: datetime) -> None:
    """
    Bring the release rows level with the tags of the source repository. The notes of a tag that was moved
    are kept and say so; those of a tag that got another base are written anew.

    Raises InputError (TAG_PATTERN).
    """
    tagged = read_tags(component)
    stored = {row.tag: row for row in component.releases.defer("notes", "notes_html", "words")}
    plan = _plan(component, tagged, stored, now)
    gone = [row.pk for tag, row in stored.items() if tag not in {tag.raw for tag in tagged}]
    with transaction.atomic():
        for start in range(0, len(gone), 500):
            Release.objects.filter(pk__in=gone[start : start + 500]).delete()
        Release.objects.bulk_create(plan.fresh, batch_size=200)
        Release.objects.bulk_update(plan.changed, _FACTS, batch_size=100)
        for start in range(0, len(plan.reset), 500):
            Release.objects.filter(pk__in=plan.reset[start : start + 500]).update(**NO_NOTES)
        # What could not be read then may have arrived with what changed.
        component.releases.exclude(notes_error="").update(notes_error="")


def read_tags(component: Component) -> dict[Tag, str]:
    """
    The tags of the component's versions with their commits, highest first.

    Without a pattern they are those called after the component (`cart/v1.0.0`), and where there are none,
    those that most versions of the repository are named like.
    """
    if component.source is None:
        return {}
    rows = component.source.revisions.filter(kind="tag", gone_at=None).exclude(commit_sha="")
    pattern = component.tag_pattern or None
    commits: dict[Tag, str] = {}
    for short, sha, date in rows.values_list("short", "commit_sha", "dated_at"):
        tag = parse_tag(short, pattern=pattern, date=date) if len(short) <= TAG_CHARS else None
        if tag is not None and tag.version is not None:
            commits[tag] = sha
    if component.tag_pattern:
        return {tag: commits[tag] for tag in sorted(commits, reverse=True)}
    own = [tag for tag in commits if _is_called_after(tag, component)]
    return {tag: commits[tag] for tag in (sorted(own, reverse=True) if own else pick_family(commits))}


def _is_called_after(tag: Tag, component: Component) -> bool:
    """`cart/v1.0.0`, `cart-1.0.0` and `@shop/cart@1.0.0` are all of cart."""
    family = tag.family.rstrip("/-_@+.").rpartition("/")[2].casefold()
    return bool(family) and family in (component.name.casefold(), component.slug.casefold())


def _plan(
    component: Component, tagged: Mapping[Tag, str], stored: Mapping[str, Release], now: datetime
) -> _Plan:
    plan = _Plan()
    for position, (tag, sha) in enumerate(tagged.items()):
        base = base_of(tag, tagged)
        facts = _facts(tag, sha, base, tagged) | {"position": position}
        row = stored.get(tag.raw)
        if row is None:
            plan.fresh.append(Release(component=component, tag=tag.raw, **facts))
            continue
        if row.notes_sha and row.commit_sha != sha:
            facts["moved_note"] = _moved_note(row, sha, now)
        has_other_base = row.base_tag != facts["base_tag"]
        if has_other_base and row.notes_sha and not (row.moved_note or "moved_note" in facts):
            plan.reset.append(row.pk)
        if any(getattr(row, name) != value for name, value in facts.items()):
            for name, value in facts.items():
                setattr(row, name, value)
            plan.changed.append(row)
    return plan


def _facts(tag: Tag, sha: str, base: Tag | None, tagged: Mapping[Tag, str]) -> dict[str, Any]:
    return {
        "version": str(tag.version),
        "is_prerelease": tag.is_prerelease,
        "commit_sha": sha,
        "dated_at": tag.date,
        "base_tag": base.raw if base else "",
        "base_sha": tagged[base] if base else "",
    }


def _moved_note(row: Release, sha: str, now: datetime) -> str:
    if row.notes_sha == sha:
        return ""
    return (
        f"The tag was moved from {row.commit_sha[:8]} to {sha[:8]}, seen on {now:%Y-%m-%d %H:%M} UTC. "
        f"These notes are of {row.notes_sha[:8]}, where it stood when they were written."
    )
