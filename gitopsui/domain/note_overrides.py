"""What people say instead of, or about, generated entries, laid over notes when these are shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from gitopsui.domain.note_entry import Entry, Newcomer, Notes, Section, SectionKind


class Audience(StrEnum):
    """Who reads; each of them also reads what is meant for those further down."""

    INTERNAL = "internal"  # the engineers of the project
    OPERATOR = "operator"  # those who run it
    PUBLIC = "public"  # everybody

    def may_read(self, meant_for: Audience) -> bool:
        order = list(Audience)
        return order.index(self) <= order.index(meant_for)


# Whom the entries of a section are meant for as long as nobody says otherwise.
_MEANT_FOR = {
    "dependencies": Audience.OPERATOR,
    "reverts": Audience.OPERATOR,
    "other": Audience.INTERNAL,
}


@dataclass(frozen=True, slots=True)
class Override:
    """
    One override. `kind` is commit, pull_request or release, `key` the full commit id, the number or the tag.
    An empty `text` leaves the generated one; a blank `language` is that of the notes.
    """

    kind: str
    key: str
    text: str = ""
    audience: Audience = Audience.PUBLIC
    is_hidden: bool = False
    advisories: tuple[str, ...] = ()
    language: str = ""
    edited_by: str = ""
    edited_at: datetime | None = None


Index = Mapping[tuple[str, str], Sequence[Override]]
SUMMARY_ENTRIES = 3


def apply_overrides(
    notes: Mapping[str, Any], overrides: Iterable[Override], *, audience: Audience, language: str = ""
) -> dict[str, Any]:
    """
    The notes (as `notes_text.to_dict`) as `audience` reads them in `language`. The notes given stay as they
    are.

    An entry that was written anew has its old text in `generated`. `hidden_count` are the entries that
    somebody hid, `withheld_count` those meant for others: nothing is lost without a word. `lead` is what is
    said about the release as a whole, `is_withheld` whether the release is not for this audience at all:
    then no entry is left either, and `withheld_by` is who said so.
    """
    index = index_overrides(overrides)
    shown = dict(notes) | {"sections": [], "hidden_count": 0, "withheld_count": 0}
    rewritten: set[str] = set()
    for section in notes.get("sections", []):
        told = _once([_tell(entry, section, index, language) for entry in section["entries"]], rewritten)
        open_ones = [entry for entry in told if not entry["is_hidden"]]
        entries = [entry for entry in open_ones if audience.may_read(Audience(entry["audience"]))]
        shown["hidden_count"] += len(told) - len(open_ones)
        shown["withheld_count"] += len(open_ones) - len(entries)
        if entries:
            shown["sections"].append(dict(section) | {"count": len(entries), "entries": entries})
    shown |= _lead(_choose(index.get(("release", str(notes.get("head", ""))), ()), language), audience)
    return _without_entries(shown) if shown["is_withheld"] else shown


def _once(told: Sequence[dict[str, Any]], rewritten: set[str]) -> list[dict[str, Any]]:
    """The entries, but of a squash that was written anew only the first: the text is that of the whole."""
    kept = []
    for entry in told:
        if entry.get("part_of") and "generated" in entry:
            sha = str(entry["shas"][0])
            if sha in rewritten:
                continue
            rewritten.add(sha)
        kept.append(entry)
    return kept


def _without_entries(shown: dict[str, Any]) -> dict[str, Any]:
    told = sum(len(section["entries"]) for section in shown["sections"])
    return shown | {"sections": [], "withheld_count": shown["withheld_count"] + told}


@dataclass(frozen=True, slots=True)
class Said:
    """The text of a commit for the people of its project; `hidden_by` is who hid it, "" where nobody did."""

    text: str
    hidden_by: str = ""


def tell_commit(
    text: str, index: Index, *, sha: str, pull_requests: Iterable[int] = (), language: str = ""
) -> Said:
    """What is shown in place of `text` of a commit: what people wrote, or that it is hidden."""
    found = _find({"shas": [sha], "pull_requests": list(pull_requests)}, index)
    hidden = next((one for one in found if one.is_hidden), None)
    if hidden is not None:
        return Said(f"hidden by {hidden.edited_by or 'somebody'}", hidden.edited_by or "somebody")
    chosen = _choose(found, language)
    return Said(chosen.text if chosen and chosen.text else text)


def summarise(shown: Mapping[str, Any]) -> str:
    """A line on notes as `apply_overrides` gives them: what people said, else the first entries."""
    if shown["is_withheld"]:
        return f"hidden by {shown['withheld_by'] or 'somebody'}"
    entries = [str(entry["text"]) for section in shown["sections"] for entry in section["entries"]]
    return str(shown["lead"]) or ", ".join(entries[:SUMMARY_ENTRIES])


def index_overrides(overrides: Iterable[Override]) -> Index:
    index: dict[tuple[str, str], list[Override]] = defaultdict(list)
    for one in overrides:
        index[one.kind, one.key].append(one)
    return index


def _tell(
    entry: Mapping[str, Any], section: Mapping[str, Any], index: Index, language: str
) -> dict[str, Any]:
    found = _find(entry, index)
    chosen = _choose(found, language)
    told = dict(entry) | {
        "audience": _MEANT_FOR.get(str(section.get("kind")), Audience.PUBLIC).value,
        # What somebody hid stays hidden, whatever another override of the same entry says.
        "is_hidden": any(one.is_hidden for one in found),
        "advisories": [],
        "is_edited": chosen is not None,
    }
    if chosen is None:
        return told
    told |= {
        "audience": chosen.audience.value,
        "advisories": list(chosen.advisories),
        "edited_by": chosen.edited_by,
        "edited_at": chosen.edited_at.isoformat() if chosen.edited_at else None,
    }
    if chosen.text:
        # The texts of what breaks are generated too: whoever writes an entry anew says it all.
        breaking = [chosen.text] if entry.get("breaking") else []
        told |= {"text": chosen.text, "breaking": breaking, "generated": generated_text(entry)}
    return told


def _find(entry: Mapping[str, Any], index: Index) -> list[Override]:
    """Those of its commits first: they say more exactly what is meant than a pull request."""
    keys = [("commit", str(sha)) for sha in entry.get("shas", ())]
    keys += [("pull_request", str(number)) for number in entry.get("pull_requests", ())]
    return [one for key in keys for one in index.get(key, ())]


def _choose(found: Sequence[Override], language: str) -> Override | None:
    for wanted in dict.fromkeys((language, "")):
        for one in found:
            if one.language == wanted:
                return one
    return None


def _lead(chosen: Override | None, audience: Audience) -> dict[str, Any]:
    if chosen is None:
        return {"lead": "", "lead_advisories": [], "is_withheld": False, "withheld_by": ""}
    is_withheld = chosen.is_hidden or not audience.may_read(chosen.audience)
    return {
        "lead": "" if is_withheld else chosen.text,
        "lead_advisories": [] if is_withheld else list(chosen.advisories),
        "is_withheld": is_withheld,
        "withheld_by": chosen.edited_by if is_withheld else "",
    }


def generated_text(entry: Mapping[str, Any]) -> str:
    """What the notes say of themselves, the texts of what breaks below."""
    return "\n".join(dict.fromkeys([str(entry.get("text", "")), *map(str, entry.get("breaking", ()))]))


def without_internals(notes: Mapping[str, Any]) -> dict[str, Any]:
    """
    The notes for people outside: no names, commits, pull requests, issues or counts of what is not told.

    Only what is listed here passes, so that a field that is added later stays inside.
    """
    return {
        "base": notes.get("base", ""),
        "head": notes.get("head", ""),
        "lead": notes.get("lead", ""),
        "lead_advisories": notes.get("lead_advisories", []),
        "sections": [
            {
                "kind": section["kind"],
                "title": section["title"],
                "count": len(section["entries"]),
                "entries": [_outside(entry) for entry in section["entries"]],
            }
            for section in notes.get("sections", [])
        ],
    }


def _outside(entry: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("text", "scope", "breaking", "is_undone", "advisories", "since")
    return {name: entry.get(name) for name in kept}


def from_dict(notes: Mapping[str, Any]) -> Notes:
    """The notes as values, for `to_markdown` and `to_html`; advisories stand behind the text."""
    sections = [
        Section(SectionKind(section["title"]), tuple(_entry(entry) for entry in section["entries"]))
        for section in notes.get("sections", [])
    ]
    return Notes(
        base=str(notes.get("base", "")),
        head=str(notes.get("head", "")),
        sections=tuple(sections),
        commit_count=int(notes.get("commit_count") or 0),
        merges=tuple(notes.get("merges", ())),
        contributors=tuple(notes.get("contributors", ())),
        newcomers=tuple(
            Newcomer(str(one.get("name", "")), str(one.get("sha", "")), one.get("pull_request"))
            for one in notes.get("new_contributors", ())
        ),
    )


def _entry(entry: Mapping[str, Any]) -> Entry:
    advisories = ", ".join(entry.get("advisories") or ())
    text, breaking = str(entry["text"]), tuple(entry.get("breaking") or ())
    shown = f"{text} ({advisories})" if advisories else text
    return Entry(
        shas=tuple(entry.get("shas") or ()),
        text=shown,
        scope=entry.get("scope"),
        breaking=tuple(shown if said == text else said for said in breaking),
        pull_requests=tuple(entry.get("pull_requests") or ()),
        issues=tuple(entry.get("issues") or ()),
        author=str(entry.get("author") or ""),
        co_authors=tuple(entry.get("co_authors") or ()),
        is_undone=bool(entry.get("is_undone")),
        part_of=str(entry.get("part_of") or ""),
        since=str(entry.get("since") or ""),
    )
