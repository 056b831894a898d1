"""Who wrote a live field and when, read from managedFields."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gitopsui.domain.diff import Step
from gitopsui.domain.removal import parse_mark
from gitopsui.domain.tree import mapping, objects, text

# The managers under which GitOps tools and people apply whole objects.
_APPLIERS = frozenset(
    {
        "argocd-controller",
        "fleet-agent",
        "flux",
        "gitopsui",
        "helm",
        "helm-controller",
        "kapp-controller",
        "kluctl-controller",
        "kubectl",
        "kustomize-controller",
    }
)
# Left behind by an apply of the old kind; these own fields that nobody looks after any more.
_STALE = frozenset({"kubectl-client-side-apply", "before-first-apply", "kubectl-last-applied"})
# A manager that owns less than this part of what Git asks for did not apply it.
_LEAST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Entry:
    """One manager and the set of fields it owns."""

    manager: str
    operation: str
    subresource: str
    at: datetime | None
    fields: Mapping[str, Any]


def entries_of(manifest: Any) -> tuple[Entry, ...]:
    """The managers of a live object, in its own order; what cannot be read is left out."""
    return tuple(
        Entry(
            text(item.get("manager")),
            text(item.get("operation")),
            text(item.get("subresource")),
            parse_time(item.get("time")),
            mapping(item.get("fieldsV1")),
        )
        for item in objects(mapping(mapping(manifest).get("metadata")).get("managedFields"))
        if item.get("manager")
    )


def parse_time(value: Any) -> datetime | None:
    """A time of the API server, aware; None when it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    if not isinstance(value, datetime):
        return None
    return value if value.tzinfo else value.replace(tzinfo=UTC)


def find_applier(entries: Sequence[Entry], want: Mapping[str, Any]) -> Entry | None:
    """The manager that applies this object server-side: of all that do, the one that owns most of it."""
    appliers = [entry for entry in entries if entry.operation == "Apply" and not entry.subresource]
    # A person may apply a part of an object by kubectl; a GitOps tool always applies the whole.
    if len(appliers) == 1 and appliers[0].manager in _APPLIERS - {"kubectl"}:
        return appliers[0]
    shares = [(_share(want, entry.fields), entry.manager in _APPLIERS) for entry in appliers]
    best = max(shares, default=(0.0, False))
    return appliers[shares.index(best)] if best[0] >= _LEAST_SHARE else None


def _share(want: Mapping[str, Any], owned: Mapping[str, Any]) -> float:
    total, covered = _count({name: value for name, value in want.items() if name not in _IDENTITY}, owned)
    return covered / total if total else 0.0


_IDENTITY = frozenset({"apiVersion", "kind", "status", "metadata"})


def _count(want: Mapping[str, Any], owned: Mapping[str, Any]) -> tuple[int, int]:
    """Leaves of what Git asks for, and how many of them are owned. A list counts as one."""
    total = covered = 0
    for name, value in want.items():
        node = owned.get(f"f:{name}")
        if isinstance(value, dict) and value and isinstance(node, dict) and node:
            inner_total, inner_covered = _count(value, node)
            total, covered = total + inner_total, covered + inner_covered
        else:
            total, covered = total + 1, covered + (node is not None)
    return total, covered


def owners_at(entries: Sequence[Entry], trail: Sequence[Step]) -> list[Entry]:
    """The managers that own a field or a part of it."""
    return [entry for entry in entries if _owns(entry.fields, trail)]


def find_writer(entries: Sequence[Entry], trail: Sequence[Step]) -> Entry | None:
    """
    The owner of a field that wrote last; without times, the one named last. Who names the field itself
    wins over whoever owns only what lies around it: a server leaves `f:labels: {}` with the manager whose
    label somebody else took over.
    """
    owners = owners_at(entries, trail)
    named = [entry for entry in owners if _owns(entry.fields, trail, is_named=True)]
    return max(named or owners, key=lambda entry: entry.at or _BEGINNING, default=None)


_BEGINNING = datetime.min.replace(tzinfo=UTC)


def is_shared(entries: Sequence[Entry], trail: Sequence[Step], applier: Entry) -> bool:
    """Whether somebody else wants a field too, so that it stays when the applier drops it."""
    return any(
        entry is not applier and entry.manager not in _STALE and entry.manager not in _APPLIERS
        for entry in owners_at(entries, trail)
    )


def _owns(node: Any, trail: Sequence[Step], *, is_named: bool = False) -> bool:
    """With `is_named` only where the set goes all the way to the field."""
    for step in trail:
        if not isinstance(node, dict):
            return False
        if not node:
            # An empty set in the middle of the way: the object or list is owned as one.
            return not is_named
        node = _item(node, step) if step.index >= 0 else node.get(f"f:{step.name}")
        if node is None:
            return False
    return isinstance(node, dict)


def _item(node: Mapping[str, Any], step: Step) -> Any:
    if step.keys is None:
        return node.get(f"i:{step.index}")
    for mark, inner in node.items():
        if str(mark).startswith("k:") and _names(parse_mark(mark), step.keys):
            return inner
    return None


def _names(named: Any, keys: Mapping[str, Any]) -> bool:
    return isinstance(named, dict) and all(named.get(name) == value for name, value in keys.items())
