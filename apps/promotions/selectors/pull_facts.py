"""What the pull request of a promotion says, gathered from what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from django.conf import settings
from django.urls import reverse

from apps.promotions.models import Promotion, PromotionItem
from apps.promotions.selectors.edits import EditRow, edit_rows
from apps.promotions.selectors.pages import compare_url_of, compare_versions, gate_rows, problem_of
from apps.releases.selectors.comparison import CommitLine
from apps.releases.selectors.overrides import shown_notes
from gitopsui.domain.gate_facts import Gate, Override
from gitopsui.domain.note_overrides import Audience, from_dict
from gitopsui.domain.notes import to_dict
from gitopsui.domain.pull_body import Answered, Edited, Moved, PullFacts, Shipped, mark_of
from gitopsui.domain.text_diff import Change, Line, Mark, Row

_SIGNS = {Change.SAME: " ", Change.REMOVED: "-", Change.ADDED: "+"}


def pull_facts(promotion: Promotion, gates: Sequence[Gate]) -> PullFacts:
    """The same reader as on our own pages: the people of the project."""
    items = list(
        promotion.items.select_related(
            "component__source", "component__project", "application__component", "application__environment"
        )
    )
    return PullFacts(
        url=f"{settings.GITOPSUI_URL}{reverse('promotion-detail', args=[promotion.pk])}",
        mark=mark_of(promotion.pk, gates),
        heading=promotion.title,
        proposer=promotion.proposer_name,
        reason=promotion.reason,
        moves=tuple(_moved(one) for one in items),
        shipped=tuple(_shipped(items)),
        edits=tuple(_edited(row) for row in edit_rows(promotion.preview.get("files", []), is_unified=True)),
        gates=tuple(Answered(row.title, row.state, row.reason) for row in gate_rows(gates)),
        opened=tuple(Override(one.gate, one.name, one.reason, one.at) for one in promotion.overrides.all()),
    )


def _moved(item: PromotionItem) -> Moved:
    return Moved(str(item.application), item.from_version, item.to_version, item.component.image)


def _shipped(items: Sequence[PromotionItem]) -> Iterator[Shipped]:
    """Each way of each component once, however many of its applications go it."""
    ways = {(one.component_id, one.from_version, one.to_version): one.component for one in items}
    for (_, before, after), component in ways.items():
        found = compare_versions(component, before, after)
        notes = shown_notes(component, to_dict(found.notes), audience=Audience.INTERNAL)
        address = compare_url_of(component, found)
        yield Shipped(
            component=component.name,
            from_version=before,
            to_version=after,
            notes=from_dict(notes),
            already=tuple(_already(line) for line in found.already),
            lost=tuple(line.text for line in found.lost),
            problem=problem_of(component, found),
            url=f"{settings.GITOPSUI_URL}{address}" if address else "",
        )


def _already(line: CommitLine) -> str:
    return f"{line.text} (there as {line.twin[:8]}: {line.reason})"


def _edited(row: EditRow) -> Edited:
    pieces = row.diff.pieces if row.diff else ()
    lines: list[str] = []
    for piece in pieces:
        lines += [f" … {len(piece.rows):,} lines"] if piece.is_folded else [_line(one) for one in piece.rows]
    return Edited(row.path, row.change, tuple(lines), row.note)


def _line(row: Row) -> str:
    line = row.new or row.old
    return _SIGNS.get(row.change, " ") + (_plain(line) if line else "")


def _plain(line: Line) -> str:
    """As the file has it, without what a page draws for tabs, blanks and ends."""
    texts = {Mark.TAB: "\t", Mark.RETURN: "", Mark.END: ""}
    return "".join(
        " " * len(run.text) if run.mark is Mark.BLANK else texts.get(run.mark, run.text) for run in line.runs
    )
