"""The drifted resources of an application as whole texts: what Git asks for beside what is live."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.environments.models import Application, DesiredState, DriftedResource
from gitopsui.domain.drift import DriftKind
from gitopsui.domain.identity import Manifest, find_key, flatten
from gitopsui.domain.live_view import KeptChange, LiveView, live_view
from gitopsui.domain.mask_text import BULLETS, display
from gitopsui.domain.masked_diff import OTHER_VALUE
from gitopsui.domain.normalize import canonical
from gitopsui.domain.text import CUT
from gitopsui.domain.text_diff import MOST_BYTES, MOST_LINES, Piece, TextDiff, diff_texts, unified
from gitopsui.domain.yaml_text import to_yaml

MOST_DIFFS = 25
MOST_VOLATILE = 50
MOST_FOLDED = 400  # unchanged lines in one fold that are written into the page
VALUE_LIMIT = 2_000  # characters a change keeps of a value
_OTHER_SECRET = f"{BULLETS}{OTHER_VALUE}"


@dataclass(frozen=True, slots=True)
class ResourceDiff:
    """One resource by the key of its drift. Without `diff` the sentences in `notes` say why."""

    diff: TextDiff | None
    notes: list[str]


def find_state(application: Application, *, with_manifests: bool) -> DesiredState | None:
    """What Git asks for, as it was rendered last; without the manifests where nobody reads them."""
    states = DesiredState.objects.filter(digest=application.desired_digest)
    return (states if with_manifests else states.defer("manifests")).first()


def volatile_fields(state: DesiredState | None) -> list[str]:
    """The fields that two renders of the same inputs do not agree on: `Secret cart: data.password`."""
    fields = state.volatile[:MOST_VOLATILE] if state else []
    return [f"{field.get('key', '')}: {field.get('path', '')}" for field in fields if isinstance(field, dict)]


def diffs_of(
    application: Application, state: DesiredState, drifts: Sequence[DriftedResource], *, is_unified: bool
) -> dict[int, ResourceDiff]:
    """The diffs of the first resources, by the key of the row they belong to."""
    manifests = flatten(state.manifests)
    found = {}
    for row in drifts[:MOST_DIFFS]:
        one = _diff_of(row, _find(manifests, row, application.namespace))
        found[row.pk] = replace(one, diff=as_drawn(one.diff, is_unified=is_unified)) if one.diff else one
    return found


def as_drawn(diff: TextDiff, *, is_unified: bool) -> TextDiff:
    """The diff with its rows in the order of the view, and without folds that no page should carry."""
    return replace(diff, pieces=tuple(_piece(piece, is_unified) for piece in diff.pieces))


def _piece(piece: Piece, is_unified: bool) -> Piece:
    if piece.is_folded:
        return replace(piece, rows=piece.rows if len(piece.rows) <= MOST_FOLDED else ())
    return replace(piece, rows=tuple(unified(piece.rows))) if is_unified else piece


def _find(manifests: Sequence[Manifest], row: DriftedResource, namespace: str) -> Manifest | None:
    """What Git asks for in the place of the row: of two with one key the last counts."""
    best: Manifest | None = None
    for manifest in manifests:
        key = find_key(manifest)
        if (key.kind, key.name) != (row.kind, row.name):
            continue
        if key.namespace in (row.namespace, "") or row.namespace in (namespace, ""):
            best = manifest
    return best


def _diff_of(row: DriftedResource, desired: Manifest | None) -> ResourceDiff:
    if row.verdict == DriftKind.EXTRA:
        return ResourceDiff(None, ["Git does not ask for it, so there is nothing to compare it with."])
    if desired is None:
        return ResourceDiff(None, ["What Git asks for here is not kept any more; the next check brings it."])
    if row.verdict == DriftKind.MISSING:
        return ResourceDiff(diff_texts(_text(desired), ""), [])
    if row.verdict != DriftKind.MODIFIED:
        return ResourceDiff(None, ["It could not be compared."])
    wanted = canonical(desired, row.group, row.kind)
    cut = [change for change in row.changes if _is_cut(change)]
    # Of a long value only its beginning is kept on the live side: compare it with as much of Git's.
    shortened = live_view(wanted, [_begin(change) for change in cut], group=row.group, kind=row.kind)
    live = live_view(
        shortened.manifest, [_kept(change) for change in row.changes], group=row.group, kind=row.kind
    )
    diff = diff_texts(_text(shortened.manifest), _text(live.manifest))
    return ResourceDiff(diff, _notes(live, bool(cut), diff))


def _text(manifest: Manifest) -> str:
    return display(to_yaml(manifest))


def _kept(change: dict[str, Any]) -> KeptChange:
    desired, live = change["desired"], change["live"]
    if live is not None and live == desired and BULLETS in live:
        live = live.replace(BULLETS, _OTHER_SECRET, 1)
    return KeptChange(change["path"], desired, live)


def _begin(change: dict[str, Any]) -> KeptChange:
    return KeptChange(change["path"], change["desired"], change["desired"])


def _is_cut(change: dict[str, Any]) -> bool:
    return any(
        len(side or "") >= VALUE_LIMIT and str(side).endswith(CUT)
        for side in (change["desired"], change["live"])
    )


def _notes(live: LiveView, is_shortened: bool, diff: TextDiff) -> list[str]:
    notes = []
    if is_shortened:
        notes.append(f"Of long values the first {VALUE_LIMIT:,} characters are kept and compared.")
    if live.unplaced:
        notes.append(f"Not shown here, see the fields: {', '.join(live.unplaced[:5])}.")
    if diff.is_cut:
        notes.append(cut_note(diff))
    return notes


def cut_note(diff: TextDiff) -> str:
    """What a page says of texts that are too long to be compared as a whole; "" of others."""
    if not diff.is_cut:
        return ""
    return f"Only the first {MOST_LINES:,} lines or {MOST_BYTES // 1_000} kB are compared here."
