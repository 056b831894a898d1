"""
The source repositories of the demo: a year of Conventional Commits, pull requests and tags per component.

Everything follows from the table of releases, a seed and the moment the history ends.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from apps.demo.changelog import Changelog
from apps.demo.hotfix import Hotfix
from apps.demo.phrases import CHORES, PATTERNS, VOCABULARIES, Line
from apps.demo.releases import RELEASES, Release
from apps.demo.repositories import NewCommit, NewTag, Step, email_of

Chance = random.Random
SEED = 20
# Kind → how often, beside what the release itself asks for.
_WEIGHTS: Mapping[str, int] = {
    "fix": 26, "feat": 18, "deps": 17, "chore": 12, "test": 9, "refactor": 9, "docs": 5, "perf": 4,
}  # fmt: skip
_LIGHT_TAGS = frozenset({"pricing"})
_BRANCH_EVERY = 19  # so many commits apart a branch is merged by a merge commit
_REVERT_EVERY = 67
FIRST_MINOR = 4


def build_source_history(component: str, *, until: datetime, seed: int = SEED) -> list[Step]:
    """All commits and tags of one component, oldest first; the last tag is of the last release."""
    return _write_history(_Author(component, _chance(f"{seed}:{component}")), until)


def _write_history(author: _Author, until: datetime) -> list[Step]:
    steps: list[Step] = [author.first_commit(until - timedelta(days=365))]
    before: Release | None = None
    begin = until - timedelta(days=364, hours=20)
    changelog, hotfixes = Changelog(author.component), list[Hotfix]()
    for release in RELEASES[author.component]:
        end = release.tagged_at(until)
        if release.is_hotfix:
            assert before is not None, "a hotfix mends something"
            hotfixes.append(Hotfix(author.component, release, before, end))
            steps.append(hotfixes[-1].begin_branch(at=begin + timedelta(hours=1)))
            continue
        count = release.commit_count or max(4, round((end - begin) / timedelta(days=2.1)))
        written = list(author.write(_moments(begin, end, count, author.random), release, before))
        steps += changelog.note(written, release, end)
        steps.append(author.tag(release, end))
        before, begin = release, end
    # What a hotfix takes over from main must be written before.
    return [*steps, *(step for hotfix in hotfixes for step in hotfix.write(steps))]


def build_more_commits(
    component: str, release: Release, before: Release, *, at: datetime, count: int, ordinal: int = 0
) -> list[Step]:
    """
    Commits of the last half hour before `at` and the tag of a release that follows `before`.

    `ordinal` counts the releases that came after the year of history already.
    """
    author = _Author(component, _chance(f"{SEED}:{component}"))
    _write_history(author, at)
    author.go_on(ordinal, _chance(f"{SEED}:{component}:{release.version}"))
    steps = list(
        author.write(_moments(at - timedelta(minutes=30), at, count, author.random), release, before)
    )
    return [*(step for step in steps if step.branch == "main" and not step.merges), author.tag(release, at)]


def _chance(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same every time is what is wanted, not a secret


def tag_name(version: str) -> str:
    return f"v{version}"


def _moments(begin: datetime, end: datetime, count: int, chance: random.Random) -> list[datetime]:
    """`count` moments in between, in order, none at the ends."""
    share = (end - begin) / (count + 1)
    return [begin + share * (i + 1 + chance.uniform(-0.4, 0.4)) for i in range(count)]


@dataclass(slots=True)
class _Author:
    """Writes commits, and remembers what was said and which pull request and package version come next."""

    component: str
    random: random.Random
    number: int = 0
    written: int = 0
    decks: dict[str, list[Line]] = field(default_factory=dict)
    package_minors: dict[str, int] = field(default_factory=dict)
    recent_fix: tuple[str, str, str] | None = None

    def go_on(self, ordinal: int, chance: Chance) -> None:
        """Forward to a later release: numbers, packages and sentences of those between are used up."""
        self.random, self.recent_fix = chance, None
        self.number += 12 * ordinal
        for package in VOCABULARIES[self.component].packages:
            self.package_minors[package] = self.package_minors.get(package, FIRST_MINOR) + ordinal
        for kind in list(self.decks) * 2 * ordinal:
            self._draw(kind)

    def first_commit(self, at: datetime) -> NewCommit:
        text = f"# {self.component}\n\nA stand-in for a real service: the demo needs only its history.\n"
        message = f"chore: begin {self.component} in a repository of its own"
        return NewCommit(at, "platform engineer", message, {"README.md": text, **self._file("", message)})

    def tag(self, release: Release, at: datetime) -> NewTag:
        is_light = self.component in _LIGHT_TAGS or "-" in release.version
        message = "" if is_light else f"{self.component} {release.version}\n"
        return NewTag(at, tag_name(release.version), message)

    def write(
        self, moments: Sequence[datetime], release: Release, before: Release | None
    ) -> Iterator[NewCommit]:
        """Commits that deserve the step from `before` to `release`, one for each moment, and merges."""
        kinds = self._kinds(len(moments), release, before)
        for i, (at, kind) in enumerate(zip(moments, kinds, strict=True)):
            self.written += 1
            if self.written % _REVERT_EVERY == 0 and self.recent_fix and i:
                yield self._revert(at)
            elif self.written % _BRANCH_EVERY == 0 and not release.commit_count and kind != "deps":
                yield from self._branch(at, kind)
            else:
                yield self._commit(at, kind)

    def _kinds(self, count: int, release: Release, before: Release | None) -> list[str]:
        weights = dict(_WEIGHTS)
        change = release.change_since(before)
        if change == "patch":
            weights |= {"feat": 0, "perf": 0}
        kinds = self.random.choices(list(weights), list(weights.values()), k=count)
        kinds[0] = {"major": "breaking", "minor": "feat", "patch": "fix"}[change]
        if change == "major" and count > 9:
            kinds[6] = "breaking"
        self.random.shuffle(kinds)
        return kinds

    def _commit(self, at: datetime, kind: str, *, branch: str = "main") -> NewCommit:
        self.number += self.random.choice((1, 1, 1, 2, 3))
        if kind == "deps":
            return self._dependency(at)
        scope, header, rest = self._message(kind)
        suffix = f" (#{self.number})" if branch == "main" else ""
        key = f"{self.component}-{self.written}" if suffix else ""
        if kind == "fix" and key and len(header) < 60:
            self.recent_fix = (key, f"{header}{suffix}", scope)
        message = "\n\n".join([f"{header}{suffix}", *rest])
        starts_at = "main" if branch != "main" else ""
        return NewCommit(at, self._who(kind), message, self._file(scope, message), branch, starts_at, key=key)

    def _message(self, kind: str) -> tuple[str, str, list[str]]:
        """Scope, header and the paragraphs below it."""
        if kind == "breaking":
            lines = VOCABULARIES[self.component].breaking
            scope, text, footer = lines[self._next_index("breaking", len(lines))]
            return scope, f"feat({scope})!: {text}", [f"BREAKING CHANGE: {footer}"]
        if kind == "chore":
            kind, scope, text = CHORES[self._next_index("chore", len(CHORES))]
        else:
            scope, text = self._draw(kind)
        header = f"{kind}({scope}): {text}" if scope else f"{kind}: {text}"
        return scope, header, self._below(kind)

    def _below(self, kind: str) -> list[str]:
        footers = []
        if kind in ("fix", "feat") and self.random.random() < 0.3:
            word = "Fixes" if kind == "fix" else "Refs"
            footers.append(f"{word}: SHOP-{1000 + self.number + self.random.randrange(400)}")
        if self.random.random() < 0.08:
            role = self.random.choice(("shop designer", "search engineer", "data engineer"))
            footers.append(f"Co-authored-by: {role} <{email_of(role)}>")
        return ["\n".join(footers)] if footers else []

    def _dependency(self, at: datetime) -> NewCommit:
        package = self.random.choice(VOCABULARIES[self.component].packages)
        minor = self.package_minors.get(package, FIRST_MINOR)
        self.package_minors[package] = minor + 1
        message = f"chore(deps): bump {package} from 2.{minor}.0 to 2.{minor + 1}.0 (#{self.number})"
        return NewCommit(at, "dependency bot", message, self._file("dependencies", message))

    def _revert(self, at: datetime) -> NewCommit:
        assert self.recent_fix is not None, "asked for only when there is one"
        key, header, scope = self.recent_fix
        self.recent_fix = None
        reason = "Orders of the test account failed with it; it comes back with a test."
        message = f'Revert "{header}"\n\nThis reverts commit {{id:{key}}}.\n\n{reason}'
        return NewCommit(at, self._who("fix"), message, self._file(scope, message))

    def _branch(self, at: datetime, kind: str) -> Iterator[NewCommit]:
        """Two commits on a branch and the merge of their pull request."""
        branch = f"work/{self.component}-{self.written}"
        for hours, what in ((5, kind), (3, "test")):
            commit = self._commit(at - timedelta(minutes=hours), what, branch=branch)
            yield commit
        message = f"Merge pull request #{self.number} from shop/{branch}\n\n{commit.message.splitlines()[0]}"
        yield NewCommit(at, f"{self.component} maintainer", message, {}, merges=branch)

    def _draw(self, kind: str) -> Line:
        """The next sentence of this kind; each is used once before any comes again."""
        deck = self.decks.get(kind)
        if not deck:
            deck = self._deck(kind)
            self.random.shuffle(deck)
            self.decks[kind] = deck
        return deck.pop()

    def _deck(self, kind: str) -> list[Line]:
        words = VOCABULARIES[self.component]
        own = {"feat": words.features, "fix": words.fixes}.get(kind, ())
        made = [
            (scope, pattern.format(what)) for scope, what in words.operations for pattern in PATTERNS[kind]
        ]
        return [*own, *made]

    def _next_index(self, name: str, size: int) -> int:
        """0, 1, 2 … and round again, counted by name."""
        index = self.package_minors.get(f"#{name}", 0)
        self.package_minors[f"#{name}"] = index + 1
        return index % size

    def _who(self, kind: str) -> str:
        if kind in ("ci", "build", "chore"):
            return "platform engineer"
        roles = ("maintainer", "engineer", "engineer", "engineer", "tester")
        return f"{self.component} {self.random.choice(roles)}"

    def _file(self, scope: str, message: str) -> dict[str, str]:
        name = (scope or "service").replace(" ", "_")
        title = message.partition("\n")[0]
        text = f'"""A stand-in for real code. Last change: {title}"""\n\nCHANGE = {self.written}\n'
        return {f"src/{self.component}/{name}.py": text}
