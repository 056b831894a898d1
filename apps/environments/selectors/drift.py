"""The drift of an application, by resource and field, as its table shows it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Case, Count, OuterRef, QuerySet, Subquery, When
from django.utils.dateparse import parse_datetime

from apps.environments.models import Application, ApplicationQuerySet, DriftedResource
from apps.environments.selectors.commits import CommitNote, commit_note
from apps.environments.selectors.drift_diff import ResourceDiff, as_drawn
from gitopsui.domain.drift import DriftKind, SyncStatus
from gitopsui.domain.text_diff import TextDiff, diff_texts

FIELDS, SIDE, UNIFIED = VIEWS = ("fields", "side", "unified")
VIEW_WORDS = ((FIELDS, "Fields"), (SIDE, "Side by side"), (UNIFIED, "Unified"))
MOST_RESOURCES = 100
_FIELD_COUNT = re.compile(r"^\d+ fields? differs?\.\s*")


@dataclass(frozen=True, slots=True)
class DriftRow:
    """One field. `diff` is there for texts of several lines: their lines beside each other."""

    index: int
    parent_path: str
    field: str
    desired: str | None
    live: str | None
    manager: str
    changed_at: datetime | None
    diff: TextDiff | None = None


@dataclass(frozen=True, slots=True)
class DriftGroup:
    pk: int
    kind: str
    name: str
    verdict: str
    reason: str
    since: datetime
    commit: CommitNote | None
    rows: list[DriftRow]
    diff: ResourceDiff | None = None


@dataclass(frozen=True, slots=True)
class DriftCount:
    """How much differs: fields of resources that both have, and whole resources."""

    fields: int = 0
    missing: int = 0
    extra: int = 0

    @property
    def short(self) -> str:
        """`3 fields, 1 missing, 2 not in Git`, where there is little room."""
        parts = [_plural(self.fields, "field")] if self.fields else []
        parts += [f"{self.missing:,} missing"] if self.missing else []
        parts += [f"{self.extra:,} not in Git"] if self.extra else []
        return ", ".join(parts)

    @property
    def words(self) -> str:
        """`3 fields, 1 resource missing, 2 not in Git`; "" where nothing differs."""
        parts = [_plural(self.fields, "field")] if self.fields else []
        if self.missing:
            parts.append(f"{_plural(self.missing, 'resource')} missing")
        if self.extra:
            noun = str(self.extra) if self.missing else _plural(self.extra, "resource")
            parts.append(f"{noun} not in Git")
        return ", ".join(parts)


def view_of(asked: str | None) -> str:
    """The view somebody asked for, the fields where there is no such view."""
    return asked if asked in VIEWS else FIELDS


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def open_drifts(application: Application) -> list[DriftedResource]:
    """What differs now and counts, in the order of the page, one more than it shows at most."""
    return list(_open(application)[: MOST_RESOURCES + 1])


def _open(application: Application) -> QuerySet[DriftedResource]:
    return application.drifts.filter(resolved_at=None, is_silenced=False)


def drift_of(
    application: Application, drifts: Sequence[DriftedResource], diffs: Mapping[int, ResourceDiff]
) -> dict[str, Any]:
    """The panel: `drifts` are those of `open_drifts`, `diffs` their texts by key where they are asked for."""
    shown = drifts[:MOST_RESOURCES]
    groups = [_group(application, row, diffs.get(row.pk)) for row in shown]
    rest = _open(application).count() - MOST_RESOURCES if len(drifts) > MOST_RESOURCES else 0
    return {
        "groups": groups,
        "count": count_of(shown),
        "rest": rest,
        **_measured(application, shown),
        "earlier_count": application.drifts.exclude(resolved_at=None).count(),
    }


def _measured(application: Application, drifts: Sequence[DriftedResource]) -> dict[str, Any]:
    """The commit of the last comparison, and the newer one that Git has where nothing was compared since."""
    known = application.compared_sha or application.desired_sha
    sha = next((row.desired_sha for row in drifts if row.desired_sha), known)
    newer = application.desired_sha if sha != application.desired_sha else ""
    repository = application.repository
    return {"commit": commit_note(repository, sha), "newer": commit_note(repository, newer)}


def count_of(drifts: Iterable[DriftedResource]) -> DriftCount:
    """What of these counts; a resource that could not be compared does not."""
    fields = missing = extra = 0
    for row in drifts:
        fields += len(row.changes) if row.verdict == DriftKind.MODIFIED else 0
        missing += row.verdict == DriftKind.MISSING
        extra += row.verdict == DriftKind.EXTRA
    return DriftCount(fields, missing, extra)


def with_whole_counts(applications: ApplicationQuerySet) -> ApplicationQuerySet:
    """Each with how many whole resources it lacks or has too many, for `count_in`."""
    counts = {
        name: Case(When(sync=SyncStatus.OUT_OF_SYNC, then=Subquery(_number(verdict))), default=None)
        for name, verdict in (("missing_count", DriftKind.MISSING), ("extra_count", DriftKind.EXTRA))
    }
    return applications.annotate(**counts)


def _number(verdict: DriftKind) -> QuerySet[Any]:
    found = DriftedResource.objects.filter(
        application=OuterRef("pk"), resolved_at=None, is_silenced=False, verdict=verdict
    )
    return found.order_by().values("application").annotate(number=Count("pk")).values("number")


def count_in(applications: Iterable[Application]) -> DriftCount:
    """What differs in them together; each must come from `with_whole_counts`, else all counts as fields."""
    fields = missing = extra = 0
    for one in applications:
        lacking, more = getattr(one, "missing_count", None) or 0, getattr(one, "extra_count", None) or 0
        missing, extra = missing + lacking, extra + more
        fields += max(0, one.drift_count - lacking - more)
    return DriftCount(fields, missing, extra)


def digest_of(drifts: Iterable[DriftedResource]) -> str:
    """Changes when anything does that the panel shows of them."""
    facts = [(row.pk, row.verdict, row.reason, row.changes, row.desired_sha) for row in drifts]
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _group(application: Application, row: DriftedResource, diff: ResourceDiff | None) -> DriftGroup:
    rows = drift_rows(row)
    # The rows below say how many fields differ; what else the reason says is worth a line.
    reason = _FIELD_COUNT.sub("", row.reason) if rows else row.reason
    commit = commit_note(application.repository, row.desired_sha)
    return DriftGroup(row.pk, row.kind, row.name, row.verdict, reason, row.first_seen_at, commit, rows, diff)


def drift_rows(row: DriftedResource) -> list[DriftRow]:
    return [_drift_row(index, change) for index, change in enumerate(row.changes)]


def _drift_row(index: int, change: dict[str, Any]) -> DriftRow:
    parent, name = split_path(change["path"])
    at = parse_datetime(change["changed_at"]) if change.get("changed_at") else None
    desired, live = change["desired"], change["live"]
    return DriftRow(index, parent, name, desired, live, change["manager"], at, _lines_of(desired, live))


def _lines_of(desired: str | None, live: str | None) -> TextDiff | None:
    if desired is None or live is None or "\n" not in desired + live:
        return None
    return as_drawn(diff_texts(desired, live), is_unified=True)


def split_path(path: str) -> tuple[str, str]:
    """
    `spec.template.spec.containers[web]` and `env[LOG_LEVEL].value`: cut behind the first list item that
    others follow, else before the last name.
    """
    end = path.find("].")
    if end > 0:
        return path[: end + 1], path[end + 2 :]
    opening = path.find("[") if path.endswith("]") else len(path)
    dot = path.rfind(".", 0, opening)
    return (path[:dot], path[dot + 1 :]) if dot > 0 else ("", path)
