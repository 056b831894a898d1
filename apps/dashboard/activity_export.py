"""The audit trail as files: JSON lines and CSV, row by row, so many in one request and no more."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import QuerySet

from apps.core.models import AuditEvent

MOST_ROWS = 10_000
CHUNK = 500
COLUMNS = (
    "id", "at", "actor", "verb", "object_type", "object_id", "object", "project_id", "before", "after",
    "request_id",
)  # fmt: skip
# A cell that begins so is a formula to a program for tables: https://owasp.org/www-community/attacks/CSV_Injection
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def next_before(rows: QuerySet[AuditEvent]) -> int | None:
    """Where the next file goes on, as the `before` of its address; None where one file holds all."""
    last_two = list(rows.values_list("pk", flat=True)[MOST_ROWS - 1 : MOST_ROWS + 1])
    return last_two[0] if len(last_two) == 2 else None


def as_json_lines(rows: QuerySet[AuditEvent]) -> Iterator[str]:
    for event in _read(rows):
        yield json.dumps(_fields(event), ensure_ascii=False) + "\n"


def as_csv(rows: QuerySet[AuditEvent]) -> Iterator[str]:
    """https://www.rfc-editor.org/rfc/rfc4180, a line of names first; what looks like a formula is quoted."""
    yield _line(list(COLUMNS))
    for event in _read(rows):
        fields = _fields(event)
        sides = {name: json.dumps(fields[name], ensure_ascii=False) for name in ("before", "after")}
        yield _line([_cell(value) for value in (fields | sides).values()])


FORMATS: dict[str, tuple[Callable[[QuerySet[AuditEvent]], Iterator[str]], str]] = {
    "jsonl": (as_json_lines, "application/x-ndjson; charset=utf-8"),
    "csv": (as_csv, "text/csv; charset=utf-8"),
}


def _read(rows: QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    """Some at a time, each with a query of its own: no cursor stays open while somebody reads slowly."""
    before, left = None, MOST_ROWS
    while left > 0:
        some = rows if before is None else rows.filter(pk__lt=before)
        chunk = list(some[: min(CHUNK, left)])
        yield from chunk
        if len(chunk) < CHUNK:
            return
        before, left = chunk[-1].pk, left - len(chunk)


def _fields(event: AuditEvent) -> dict[str, Any]:
    values = (
        event.pk, event.at.isoformat(), event.actor_name, event.verb, event.object_type, event.object_id,
        event.object_label, event.project_id, event.before, event.after, event.request_id,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text


def _line(cells: list[str]) -> str:
    buffer = io.StringIO()
    csv.writer(buffer).writerow(cells)
    return buffer.getvalue()
