"""Is my fix live? Changes by commit, pull request, issue, author or word, and where each runs since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from apps.accounts.models import Project
from apps.environments.models import Component
from apps.releases.selectors.branches import name_branches
from apps.releases.selectors.changes import Change, Found, look_around
from apps.releases.selectors.links import Link, Links, links_of
from apps.releases.selectors.overrides import index_of, numbers_in
from apps.releases.selectors.travel import Stop, Traveller
from apps.repositories.models import Repository, StoredCommit
from apps.repositories.selectors.commits import find_commits, signatures_of
from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.note_overrides import Said, tell_commit
from gitopsui.domain.references import without_pull_request

MOST_MATCHES = 12


@dataclass(frozen=True, slots=True)
class CommitOfChange:
    """
    A commit that a change stands in the repository as. `reason` says why it is the same change, "" for the
    first; `branch` is one that has it. `signature` is unsigned, unknown (there is one that nobody checked) or
    "" (not read yet). Addresses are "" where the host is not known.
    """

    sha: str
    url: str
    reason: str
    branch: str
    author: str
    at: datetime | None
    pull_request: int | None
    pull_request_url: str
    signature: str

    @property
    def number(self) -> str:
        """`#12`."""
        return f"#{self.pull_request}" if self.pull_request else ""


@dataclass(frozen=True, slots=True)
class Match:
    """
    A change that was found: its commits, the one others were picked from first, and its way through the
    environments of one component. `releases` are the oldest that have one of its commits.
    """

    component: str
    component_url: str
    repository: str
    title: str
    commits: list[CommitOfChange]
    issues: list[Link]
    releases: list[dict[str, str]]
    stops: list[Stop]

    @property
    def first(self) -> CommitOfChange:
        return self.commits[0]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for `query`; `more` says that there is more than is shown."""

    query: str
    matches: list[Match]
    more: bool
    unread: list[str]


def find_change(project: Project, query: str) -> Answer:
    """
    The changes in the project's source repositories that `query` names, newest first, each with where it is.

    `query` may be a commit id, `#12`, an issue such as `SHOP-12`, `author:name`, or words of the message.
    What was picked or brought to another line again is one change.
    """
    components = list(
        Component.objects.filter(project=project, source__isnull=False).select_related("project", "source")
    )
    sources = {component.source_id: component.source for component in components}
    by_source: dict[int, list[Component]] = defaultdict(list)
    for component in components:
        by_source[component.source_id or 0].append(component)
    matches: list[Match] = []
    more = False
    for pk, source in sources.items():
        if source is None:
            continue
        commits = find_commits(source, query, limit=MOST_MATCHES + 1)
        more = more or len(commits) > MOST_MATCHES
        if commits:
            found = look_around(source, commits[:MOST_MATCHES])
            matches += _follow(by_source[pk or 0], source, found)
    matches.sort(key=lambda match: (match.first.at is not None, match.first.at), reverse=True)
    unread = [source.name for source in sources.values() if source and not _is_read(source)]
    return Answer(query, matches[:MOST_MATCHES], more or len(matches) > MOST_MATCHES, unread)


def _is_read(source: Repository) -> bool:
    return StoredCommit.objects.filter(repository=source).exists()


def _follow(components: Sequence[Component], source: Repository, found: Found) -> list[Match]:
    """The ways of what was found in a repository through the environments of its components."""
    shas = [commit.sha for commit in found.alike.commits]
    facts = signatures_of(source, shas), name_branches(source, shas)
    matches = []
    for component in components:
        changes = found.changes_of(component)
        if changes:
            teller = _Teller(component, source, found, *facts)
            matches += [teller.tell(change) for change in changes]
    return matches


class _Teller:
    """Tells changes of one component with what people wrote about them."""

    def __init__(
        self,
        component: Component,
        source: Repository,
        found: Found,
        signatures: dict[str, str],
        branches: dict[str, str],
    ) -> None:
        self.component, self.source = component, source
        self.signatures, self.branches = signatures, branches
        self.links: Links = links_of(component)
        self.traveller = Traveller(component, found.reach, self.links)
        self.said = index_of(component)

    def tell(self, change: Change) -> Match:
        told = [self._said(commit) for commit in change.commits]
        is_hidden = any(one.hidden_by for one in told)
        messages = [commit.message for commit in change.commits]
        return Match(
            component=self.component.name,
            component_url=reverse(
                "component-detail", args=[self.component.project.slug, self.component.slug]
            ),
            repository=self.source.name,
            title=told[0].text,
            commits=[self._commit(commit, change) for commit in change.commits],
            issues=[] if is_hidden else self.links.issues_in(messages),
            releases=self.traveller.releases_with(change),
            stops=list(self.traveller.stops_of(change)),
        )

    def _said(self, commit: Commit) -> Said:
        message = parse_message(commit.message)
        title = without_pull_request(message.description or message.header)
        return tell_commit(title, self.said, sha=commit.sha, pull_requests=numbers_in(commit.message))

    def _commit(self, commit: Commit, change: Change) -> CommitOfChange:
        number = parse_message(commit.message).pull_request
        return CommitOfChange(
            sha=commit.sha,
            url=self.links.commit(commit.sha),
            reason=change.words_of(commit.sha),
            branch=self.branches.get(commit.sha, ""),
            author=commit.author_name,
            at=commit.committed_at,
            pull_request=number,
            pull_request_url=self.links.pull_request(number),
            signature=self.signatures.get(commit.sha, ""),
        )


def heading_of(answer: Answer) -> str:
    """`Live in staging. Not yet in production.`; of the first match."""
    if not answer.query:
        return "Is my fix live?"
    if not answer.matches:
        return f"Nothing matches “{answer.query}”"
    return describe_stops(answer.matches[0].stops)


def describe_stops(stops: Sequence[Stop]) -> str:
    words = {
        "live": "Live in {}",
        "coming": "On its way to {}",
        "was": "Taken back from {}",
        "not yet": "Not yet in {}",
        "unknown": "Not known of {}",
    }
    grouped: dict[str, list[str]] = defaultdict(list)
    for stop in stops:
        grouped[stop.state].append(stop.environment)
    parts = [text.format(_list(grouped[state])) for state, text in words.items() if grouped[state]]
    return ". ".join(parts) + "." if parts else "It is in no environment."


def _list(names: Iterable[str]) -> str:
    *most, last = list(names)
    return f"{', '.join(most)} and {last}" if most else last


EXAMPLES = ("4c9e1b7", "#1480", "SHOP-2291", "author:release-bot", "late answer")
