"""The drift of an application, by resource and field, as its table shows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from apps.environments.models import Application, DriftedResource

_FIELD_COUNT = re.compile(r"^\d+ fields? differs?\.\s*")


@dataclass(frozen=True, slots=True)
class DriftRow:
    parent_path: str
    field: str
    desired: str | None
    live: str | None
    manager: str
    changed_at: datetime | None


@dataclass(frozen=True, slots=True)
class DriftGroup:
    kind: str
    name: str
    verdict: str
    reason: str
    since: datetime
    rows: list[DriftRow]


def drift_of(application: Application) -> dict[str, Any]:
    groups = [_group(row) for row in application.drifts.filter(resolved_at=None)]
    return {
        "groups": groups,
        "field_count": sum(len(group.rows) for group in groups),
        "resource_count": len(groups),
    }


def _group(row: DriftedResource) -> DriftGroup:
    rows = [_drift_row(change) for change in row.changes]
    # The rows below say how many fields differ; what else the reason says is worth a line.
    reason = _FIELD_COUNT.sub("", row.reason) if rows else row.reason
    return DriftGroup(row.kind, row.name, row.verdict, reason, row.first_seen_at, rows)


def _drift_row(change: dict[str, Any]) -> DriftRow:
    parent, name = split_path(change["path"])
    at = parse_datetime(change["changed_at"]) if change.get("changed_at") else None
    return DriftRow(parent, name, change["desired"], change["live"], change["manager"], at)


def split_path(path: str) -> tuple[str, str]:
    """
    `spec.template.spec.containers[web]` and `resources.limits.memory`: cut behind the last list item
    that others follow, else before the last name.
    """
    end = path.rfind("].")
    if end > 0:
        return path[: end + 1], path[end + 2 :]
    opening = path.rfind("[") if path.endswith("]") else len(path)
    dot = path.rfind(".", 0, opening)
    return (path[:dot], path[dot + 1 :]) if dot > 0 else ("", path)
