"""The body of a pull request: the page of its promotion as Markdown, whole and short enough."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gitopsui.domain.gate_facts import Gate, GateState, Override
from gitopsui.domain.notes import Entry, Notes, Section, SectionKind
from gitopsui.domain.pull_body import (
    MOST_EDIT_LINES,
    MOST_ENTRIES,
    MOST_LABEL,
    Answered,
    Edited,
    Moved,
    PullFacts,
    Shipped,
    labels_of,
    mark_of,
    write_body,
)

LOCK = Gate("lock", GateState.BLOCK, "ops locked it")


def entries(*texts: str) -> tuple[Entry, ...]:
    return tuple(Entry((f"{number:040x}",), text) for number, text in enumerate(texts))


def notes(*sections: Section, count: int = 3) -> Notes:
    return Notes("1.0.0", "2.0.0", sections, commit_count=count)


SHIPPED = Shipped(
    component="cart",
    from_version="1.0.0",
    to_version="2.0.0",
    notes=notes(
        Section(SectionKind.BREAKING, (Entry(("a" * 40,), "Drop v1", scope="api", breaking=("Use v2",)),)),
        Section(SectionKind.NEW, entries("Add coupons", "Pay later, fixes #12 for @ada")),
    ),
    already=("Round prices (there as 0123abcd: same change)",),
    lost=("Hotfix the till",),
    url="https://gitops.example.org/compare",
)
FACTS = PullFacts(
    url="https://gitops.example.org/promotions/7/",
    mark=mark_of(7, [LOCK]),
    heading="cart: 1.0.0 to 2.0.0 in production",
    proposer="proposer",
    moves=(Moved("cart in production", "1.0.0", "2.0.0", "registry.example.org/shop/cart"),),
    shipped=(SHIPPED,),
    edits=(Edited("apps/cart.yaml", "changed", (" a: 1", "-tag: 1.0.0", "+tag: 2.0.0")),),
    gates=(Answered("Lock", "block", "ops locked it: a | b"), Answered("Soak time", "pass", "It ran.")),
)


def test_it_says_what_the_page_says() -> None:
    body = write_body(FACTS)
    for line in (
        "| cart in production | 1.0.0 | 2.0.0 | `registry.example.org/shop/cart:2.0.0` |",
        "| Lock | **blocks** | ops locked it: a \\| b |",
        "| Soak time | passes | It ran. |",
        "#### cart 1.0.0 → 2.0.0",
        "3 commits arrive, 1 there already under another commit, 1 would be lost. "
        "[Compare](https://gitops.example.org/compare)",
        "**Breaking changes (1)**",
        "- api: Drop v1",
        "  > Use v2",
        "**New (2)**",
        "- Add coupons",
        "**Already there (1)**",
        "**Would be lost (1)**",
        "- Hotfix the till",
        "`apps/cart.yaml` is changed.",
        "```diff",
        "-tag: 1.0.0",
        "+tag: 2.0.0",
        FACTS.mark,
    ):
        assert line in body.split("\n"), line
    assert "](https://gitops.example.org/promotions/7/)" in body
    assert "Left out" not in body
    assert "@ada" not in body
    assert "#12" not in body


def test_the_same_facts_give_the_same_text() -> None:
    assert write_body(FACTS) == write_body(replace(FACTS))


def test_a_digest_is_written_as_one() -> None:
    moved = Moved("cart in production", "1.0.0", "sha256:12ab", "registry.example.org/shop/cart")
    body = write_body(replace(FACTS, moves=(moved,)))
    assert "`registry.example.org/shop/cart@sha256:12ab`" in body
    assert "| unknown | 2 |   |" in write_body(replace(FACTS, moves=(Moved("cart", "", "2"),)))


def test_what_is_not_known_says_why() -> None:
    unknown = Shipped("cart", "", "2.0.0", notes(count=0), problem="No commit is known of 2.0.0.")
    body = write_body(replace(FACTS, shipped=(unknown,), reason="Because | <b>"))
    assert "#### cart unknown → 2.0.0" in body
    assert "No commit is known of 2.0.0." in body
    assert "> Because | &lt;b>" in body
    nothing = replace(unknown, problem="")
    assert "No commit arrives, and none is lost." in write_body(replace(FACTS, shipped=(nothing,)))


def test_gates_that_somebody_opened_are_told_with_the_reason() -> None:
    opened = Override("lock", "admin", "the drift is the bug")
    body = write_body(replace(FACTS, opened=(opened,), gates=(Answered("Lock", "open", "Opened."),)))
    assert "> Gate “lock” was opened by admin: the drift is the bug" in body.split("\n")
    assert "| Lock | opened by hand | Opened. |" in body


def test_long_lists_are_counted_and_cut() -> None:
    many = Section(SectionKind.FIXED, entries(*(f"Mend {number}" for number in range(MOST_ENTRIES + 3))))
    lines = tuple(f"+line {number}" for number in range(MOST_EDIT_LINES + 2))
    shipped = replace(SHIPPED, notes=notes(many))
    body = write_body(replace(FACTS, shipped=(shipped,), edits=(Edited("a.yaml", "added", lines),)))
    assert f"**Fixed ({MOST_ENTRIES + 3})**" in body
    assert "- … and 3 more" in body
    assert " … 2 more lines" in body


@pytest.mark.parametrize("limit", [2_000, 5_000, 50_000])
def test_it_is_never_too_long_and_says_what_was_left_out(limit: int) -> None:
    nasty = "<&amp;>|`*@#" * 40
    section = Section(SectionKind.NEW, entries(*[nasty] * 200))
    facts = replace(
        FACTS,
        heading=nasty,
        proposer=nasty,
        reason=nasty * 20,
        moves=(Moved(nasty, nasty, nasty, nasty),) * 300,
        gates=(Answered(nasty, nasty, nasty),) * 100,
        opened=(Override(nasty, nasty, nasty),) * 20,
        shipped=(replace(SHIPPED, component=nasty, notes=notes(section), lost=(nasty,) * 99),) * 50,
        edits=(Edited(nasty, "changed", (f"+{nasty}",) * 99),) * 99,
    )
    body = write_body(facts, limit=limit)
    assert len(body) <= limit
    assert "Left out here for length: " in body
    assert body.rstrip().endswith(facts.mark)
    assert body.count("```diff") * 2 == body.count("\n```")


def test_what_has_no_room_leaves_the_gates_and_the_way_to_the_page() -> None:
    section = Section(SectionKind.NEW, entries(*["Something that takes a line"] * 25))
    facts = replace(FACTS, shipped=(replace(SHIPPED, notes=notes(section)),) * 20)
    body = write_body(facts, limit=3_000)
    assert "| Lock | **blocks** |" in body
    assert "+tag: 2.0.0" in body
    assert "](https://gitops.example.org/promotions/7/)" in body


def test_labels_have_no_comma_and_are_short_enough_for_every_forge() -> None:
    assert labels_of("production", is_rollback=False) == ("gitopsui", "into production")
    assert labels_of("a,b", is_rollback=True) == ("gitopsui", "into a b", "rollback")
    assert len(labels_of("x" * 200, is_rollback=False)[1]) == MOST_LABEL


def test_the_mark_tells_other_answers_apart_and_not_other_words() -> None:
    later = replace(LOCK, reason="ops locked it a minute longer")
    assert mark_of(7, [LOCK]) == mark_of(7, [later])
    assert mark_of(7, [LOCK]) != mark_of(7, [replace(LOCK, state=GateState.PASS)])
    assert mark_of(7, [LOCK]) != mark_of(7, [replace(LOCK, overridden_by="admin")])
    assert mark_of(7, [LOCK]) != mark_of(8, [LOCK])
    assert mark_of(7, []) != mark_of(7, [LOCK])
