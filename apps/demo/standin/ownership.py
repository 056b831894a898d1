"""
Who wrote which field: `managedFields` of an object after an update or a server-side apply.

The rules are those of https://kubernetes.io/docs/reference/using-api/server-side-apply/: an update takes
the fields it changes away from everybody else, an apply takes what it names, shares what is equal, and
refuses (409) what somebody else set to another value, unless it is forced.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from .answers import ApiError, Cause, apply_conflict
from .fieldsets import Comparison, Path, Paths, compare, field_set, from_fields_v1, to_fields_v1
from .merging import merge, without_paths
from .shapes import Shape

Manifest = dict[str, Any]
Operation = Literal["Apply", "Update"]

_NEVER_OWNED = frozenset(
    {
        ("f:apiVersion",),
        ("f:kind",),
        ("f:metadata",),
        *(
            ("f:metadata", f"f:{name}")
            for name in (
                "name",
                "namespace",
                "creationTimestamp",
                "selfLink",
                "uid",
                "generation",
                "managedFields",
                "resourceVersion",
            )
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Writer:
    """
    Who writes, how, and through which subresource; `api_version` is the version they speak.

    `resets` are the top-level fields this door does not write, so that nobody owns them through it.
    """

    manager: str
    operation: Operation
    api_version: str
    subresource: str = ""
    resets: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        through = f' with subresource "{self.subresource}"' if self.subresource else ""
        if self.operation == "Apply":
            return f'"{self.manager}"{through}'
        return f'"{self.manager}"{through} using {self.api_version}'


@dataclass(frozen=True, slots=True)
class Share:
    """The fields of one writer and when that set last changed."""

    paths: Paths
    time: str


Shares = dict[Writer, Share]


def read_shares(manifest: Mapping[str, Any]) -> Shares:
    """What the `managedFields` of an object say; an entry that says nothing is left out."""
    found: Shares = {}
    for entry in manifest["metadata"].get("managedFields") or ():
        writer = Writer(
            entry.get("manager", ""),
            "Apply" if entry.get("operation") == "Apply" else "Update",
            entry.get("apiVersion", ""),
            entry.get("subresource", ""),
        )
        paths = from_fields_v1(entry.get("fieldsV1") or {})
        if paths:
            found[writer] = Share(paths, entry.get("time", ""))
    return found


def write_shares(manifest: Manifest, shares: Shares) -> Manifest:
    """A copy of the object that carries these shares."""
    entries = [_entry(writer, share) for writer, share in shares.items() if share.paths]
    entries.sort(
        key=lambda item: (
            item["operation"],
            item["time"],
            item["manager"],
            item["apiVersion"],
            item.get("subresource", ""),
        )
    )
    metadata = {key: value for key, value in manifest["metadata"].items() if key != "managedFields"}
    return manifest | {"metadata": metadata | ({"managedFields": entries} if entries else {})}


def _entry(writer: Writer, share: Share) -> Manifest:
    entry: Manifest = {
        "manager": writer.manager,
        "operation": writer.operation,
        "apiVersion": writer.api_version,
        "time": share.time,
        "fieldsType": "FieldsV1",
        "fieldsV1": to_fields_v1(share.paths),
    }
    return entry | ({"subresource": writer.subresource} if writer.subresource else {})


def own_update(
    old: Manifest, new: Manifest, shares: Shares, writer: Writer, shape: Shape, *, now: str
) -> Shares:
    """The shares after `writer` turned `old` into `new` by an update, a patch or a creation."""
    changes = compare(old, new, shape)
    mine = shares.get(writer, Share(frozenset(), now))
    kept = _after(changes, shares, taken=changes.written)
    paths = _ownable((mine.paths - changes.removed) | changes.written, writer)
    return _with_share(kept, writer, paths, mine, now)


def apply(
    live: Manifest, applied: Manifest, shares: Shares, writer: Writer, shape: Shape, *, is_forced: bool
) -> tuple[Manifest, Shares, Paths]:
    """
    The merged object, the shares of the others, and what `writer` owns from now on.

    Fields that `writer` applied before, left out now and shares with nobody are gone from the object.
    Raises the 409 that names every field of somebody else that would change.
    """
    mine = _ownable(field_set(applied, shape), writer)
    merged = merge(live, applied, shape)
    others = {other: share for other, share in shares.items() if other != writer}
    before = shares[writer].paths if writer in shares else frozenset()
    merged = _pruned(merged, before, mine, others, shape)
    changes = compare(live, merged, shape)
    conflicts = [
        (other, path) for other, share in others.items() for path in sorted(share.paths & changes.written)
    ]
    if conflicts and not is_forced:
        raise _conflict(conflicts)
    return merged, _after(changes, others, taken=changes.written), mine


def _pruned(merged: Manifest, before: Paths, mine: Paths, others: Shares, shape: Shape) -> Manifest:
    """Without what was applied before and nobody owns now, unless somebody owns something below it."""
    if not before:
        return merged
    owned = _with_parents(mine.union(*(share.paths for share in others.values())))
    dropped = [path for path in _with_parents(before) if path not in owned]
    pruned: Manifest = without_paths(merged, dropped, shape)
    return pruned


def _with_parents(paths: Iterable[Path]) -> Paths:
    return frozenset(path[:length] for path in paths for length in range(1, len(path) + 1))


def _after(changes: Comparison, shares: Shares, *, taken: Paths) -> Shares:
    """Everybody's share without what was taken away or is gone."""
    lost = taken | changes.removed
    return {writer: replace(share, paths=share.paths - lost) for writer, share in shares.items()}


def own_applied(shares: Shares, others: Shares, writer: Writer, paths: Paths, *, now: str) -> Shares:
    """The shares once `writer` has applied `paths`; its time moves only when the set changed."""
    return _with_share(others, writer, paths, shares.get(writer, Share(frozenset(), now)), now)


def _with_share(shares: Shares, writer: Writer, paths: Paths, before: Share, now: str) -> Shares:
    share = before if paths == before.paths else Share(paths, now)
    return {key: value for key, value in shares.items() if key != writer} | {writer: share}


def _ownable(paths: Iterable[Path], writer: Writer) -> Paths:
    """Without what no manager owns, and without what this door does not write."""
    resets = {f"f:{name}" for name in writer.resets}
    return frozenset(path for path in paths if path not in _NEVER_OWNED and path[0] not in resets)


def _conflict(conflicts: list[tuple[Writer, Path]]) -> ApiError:
    causes = [
        Cause(dotted(path), f"conflict with {writer}", "FieldManagerConflict") for writer, path in conflicts
    ]
    if len(conflicts) == 1:
        text = f"Apply failed with 1 conflict: {causes[0].message}: {causes[0].field}"
        return apply_conflict(text, causes)
    lines: list[str] = []
    for writer in sorted({str(writer) for writer, _ in conflicts}):
        lines.append(f"conflicts with {writer}:")
        lines += [f"- {dotted(path)}" for other, path in conflicts if str(other) == writer]
    return apply_conflict(f"Apply failed with {len(conflicts)} conflicts: " + "\n".join(lines), causes)


def dotted(path: Path) -> str:
    """A path as messages write it: `.spec.template.spec.containers[name="web"].image`."""
    return "".join(_dotted_step(step) for step in path)


def _dotted_step(step: str) -> str:
    mark, _, rest = step.partition(":")
    if mark == "f":
        return f".{rest}"
    if mark == "k":
        keys = json.loads(rest)
        return "[" + ",".join(f"{key}={json.dumps(value)}" for key, value in keys.items()) + "]"
    return f"[={rest}]"
