"""What is odd about the tags of releases, told once when they are read and stored beside each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from apps.environments.models import Component
from apps.releases.models import Release
from apps.releases.selectors.trusted_keys import NOT_YET, verdict_of
from apps.repositories.models import Repository, Revision
from apps.repositories.selectors.commits import graph_of, has_whole_history
from gitopsui.domain.signature import Verdict, describe
from gitopsui.domain.text import visible

Flag = dict[str, str]
MOST_NAMED = 3
FLAGS = {
    Verdict.GOOD: "signed",
    Verdict.BAD: "bad",
    Verdict.EXPIRED: "expired",
    Verdict.UNKNOWN: "unknown",
    Verdict.UNCHECKED: "unchecked",
    Verdict.UNSIGNED: "unsigned",
}


def update_flags(component: Component) -> None:
    """
    Store for each release of `component` what is odd about its tag, a code and a sentence for each.

    What has to be looked up in the history waits until all of it is stored; signatures are stored already.
    """
    source = component.source
    if source is None:
        return
    rows = {row.short: row for row in source.revisions.filter(kind="tag", gone_at=None)}
    releases = list(
        component.releases.only("pk", "tag", "commit_sha", "dated_at", "moved_note", "flags", "signature")
    )
    found = _Finder(source, rows)
    changed = [release for release in releases if _set(release, found.flags_of(release))]
    Release.objects.bulk_update(changed, ["flags"], batch_size=200)


def _set(release: Release, flags: list[Flag]) -> bool:
    if release.flags == flags:
        return False
    release.flags = flags
    return True


class _Finder:
    """What all tags are judged by, read once."""

    def __init__(
        self,
        source: Repository,
        rows: Mapping[str, Revision],
    ) -> None:
        self.rows = rows
        self.twins: dict[str, list[str]] = defaultdict(list)
        for row in rows.values():
            self.twins[row.commit_sha].append(row.short)
        self.graph = graph_of(source) if has_whole_history(source) else None
        self.reached: set[int] = set()
        if self.graph is not None:
            heads = source.revisions.filter(kind="branch", gone_at=None).values_list("commit_sha", flat=True)
            found = (self.graph.find(sha) for sha in heads)
            self.reached = self.graph.ancestors(number for number in found if number is not None)

    def flags_of(self, release: Release) -> list[Flag]:
        row = self.rows.get(release.tag)
        found = [
            *self._moved(release, row),
            *self._place(release),
            *self._twins(release),
            *self._date(release),
            *self._signature(release),
        ]
        return [{"code": code, "text": text} for code, text in found]

    def _moved(self, release: Release, row: Revision | None) -> Iterable[tuple[str, str]]:
        if release.moved_note:
            yield "moved", release.moved_note
        elif row is not None and row.previous_sha == row.commit_sha:
            at = f"{row.seen_at:%Y-%m-%d %H:%M} UTC"
            yield "remade", f"The tag was made anew at the same commit, seen on {at}."
        elif row is not None and row.previous_sha:
            yield (
                "moved",
                f"The tag was moved from {row.previous_sha[:8]} to {row.commit_sha[:8]}, "
                f"seen on {row.seen_at:%Y-%m-%d %H:%M} UTC.",
            )

    def _place(self, release: Release) -> Iterable[tuple[str, str]]:
        if self.graph is None:
            return
        number = self.graph.find(release.commit_sha)
        if number is None:
            yield "unreachable", f"Its commit {release.commit_sha[:8]} is not in the history that was read."
        elif number not in self.reached:
            yield (
                "foreign",
                "No branch of the repository leads to its commit: a branch was deleted, or the tag came "
                "from a fork.",
            )

    def _twins(self, release: Release) -> Iterable[tuple[str, str]]:
        others = sorted(name for name in self.twins[release.commit_sha] if name != release.tag)
        if others:
            named = ", ".join(visible(name) for name in others[:MOST_NAMED])
            more = f" and {len(others) - MOST_NAMED} more" if len(others) > MOST_NAMED else ""
            yield "twice", f"The same commit is tagged {named}{more} too."

    def _date(self, release: Release) -> Iterable[tuple[str, str]]:
        if release.dated_at is None:
            yield "undated", "Its date is no date."

    def _signature(self, release: Release) -> Iterable[tuple[str, str]]:
        of, signature = verdict_of(release)
        if signature.reason == NOT_YET:
            return
        text = describe(signature, of=of)
        if signature.verdict is Verdict.UNSIGNED and not (release.signature or {}).get("is_annotated"):
            text = "The tag is only a name, without author and signature."
        yield FLAGS[signature.verdict], text
