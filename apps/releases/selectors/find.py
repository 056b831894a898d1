"""Is my fix live? Commits by id, pull request, issue, author or word, and where each runs since when."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from apps.accounts.models import Project
from apps.environments.models import Component, Environment
from apps.releases.models import DeploymentRecord
from apps.releases.selectors.overrides import index_of, numbers_in
from apps.releases.selectors.own_commits import keep_own, own_commits
from apps.releases.selectors.points import find_commits_of
from apps.repositories.models import Repository, StoredCommit
from apps.repositories.selectors.commits import find_commits, graph_of, signatures_of
from gitopsui.domain.commit import Commit, parse_message
from gitopsui.domain.graph import Graph
from gitopsui.domain.note_overrides import tell_commit

MOST_MATCHES = 12
MOST_STAYS = 120  # of one component in one environment, newest first
MOST_RELEASES = 400


@dataclass(frozen=True, slots=True)
class Stop:
    """
    One environment on the way of a change. `state` is `live`, `was` (it ran there, and does not any more),
    `coming` (Git asks for a version that has it), `not yet` or `unknown`; `version` is the one that brought
    or brings it, `runs` the one that runs.
    """

    environment: str
    state: str
    version: str
    arrived_at: datetime | None
    runs: str
    note: str


@dataclass(frozen=True, slots=True)
class Match:
    """
    A change that was found, with its way through the environments of one component. `signature` of its commit
    is unsigned, unknown (there is one that nobody checked) or "" (not read yet).
    """

    component: str
    component_url: str
    repository: str
    sha: str
    title: str
    author: str
    at: datetime | None
    pull_request: int | None
    issues: tuple[str, ...]
    first_release: str
    first_release_url: str
    signature: str
    stops: list[Stop]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found for `query`; `more` says that there is more than is shown."""

    query: str
    matches: list[Match]
    more: bool
    unread: list[str]


def find_change(project: Project, query: str) -> Answer:
    """
    The commits of the project's source repositories that `query` names, newest first, each with where it is.

    `query` may be a commit id, `#12`, an issue such as `SHOP-12`, `author:name`, or words of the message.
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
        signatures = signatures_of(source, [commit.sha for commit in commits])
        for component in by_source[pk or 0]:
            traveller = _Traveller(component, source)
            matches += [
                traveller.follow(commit, signatures.get(commit.sha, ""))
                for commit in keep_own(commits[:MOST_MATCHES], own_commits(component))
            ]
    matches.sort(key=lambda match: (match.at is not None, match.at), reverse=True)
    unread = [source.name for source in sources.values() if source and not _is_read(source)]
    return Answer(query, matches[:MOST_MATCHES], more or len(matches) > MOST_MATCHES, unread)


def _is_read(source: Repository) -> bool:
    return StoredCommit.objects.filter(repository=source).exists()


class _Traveller:
    """Follows changes of one component; what is needed of the database is read once."""

    def __init__(self, component: Component, source: Repository) -> None:
        self.component = component
        self.source = source
        self.graph: Graph = graph_of(source)
        self.stays = _read_stays(component)
        self.desired = _read_desired(component)
        versions = {stay.version for stays in self.stays.values() for stay in stays}
        self.commits = find_commits_of(component, versions | set(self.desired.values()))
        self.said = index_of(component)
        self.releases = list(
            component.releases.order_by("-position").only("pk", "tag", "version", "commit_sha", "component")[
                :MOST_RELEASES
            ]
        )

    def follow(self, commit: Commit, signature: str) -> Match:
        message = parse_message(commit.message)
        title = message.description or message.header
        said = tell_commit(title, self.said, sha=commit.sha, pull_requests=numbers_in(commit.message))
        release = next((r for r in self.releases if self._has(r.commit_sha, commit.sha)), None)
        return Match(
            component=self.component.name,
            component_url=reverse(
                "component-detail", args=[self.component.project.slug, self.component.slug]
            ),
            repository=self.source.name,
            sha=commit.sha,
            title=said.text,
            author=commit.author_name,
            at=commit.committed_at,
            pull_request=message.pull_request,
            issues=() if said.hidden_by else message.issues,
            first_release=release.version if release else "",
            first_release_url=reverse("release-detail", args=[release.pk]) if release else "",
            signature=signature,
            stops=[self._stop(environment, commit.sha) for environment in self.stays],
        )

    def _stop(self, environment: Environment, sha: str) -> Stop:
        stays = self.stays[environment]
        runs = stays[0].version if stays and stays[0].to_at is None else ""
        holding = [self._holds(stay.version, sha) for stay in stays]
        if not stays:
            return Stop(environment.name, "not yet", "", None, "", "Nothing was seen to run there.")
        if holding[0] is None:
            return Stop(environment.name, "unknown", "", None, runs, f"No commit is known of {runs or 'it'}.")
        if holding[0]:
            # The unbroken run of stays that have it: the oldest of them brought it.
            count = next((n for n, holds in enumerate(holding) if not holds), len(holding))
            first = stays[count - 1]
            is_older = count == len(stays)
            note = "or before: that is as far as the record goes" if is_older else ""
            return Stop(environment.name, "live", first.version, first.from_at, runs, note)
        earlier = next((stay for stay, holds in zip(stays, holding, strict=True) if holds), None)
        if earlier is not None:
            return Stop(environment.name, "was", earlier.version, earlier.from_at, runs, "It was taken back.")
        asked = self.desired.get(environment.pk, "")
        if asked and asked != runs and self._holds(asked, sha):
            return Stop(environment.name, "coming", asked, None, runs, f"Git asks for {asked} there.")
        return Stop(environment.name, "not yet", "", None, runs, "")

    def _holds(self, version: str, sha: str) -> bool | None:
        """Whether a version has the commit; None where the version's commit is not known."""
        found = self.commits.get(version)
        if found is None or self.graph.find(found.sha) is None:
            return None
        return self._has(found.sha, sha)

    def _has(self, tip: str, sha: str) -> bool:
        change, head = self.graph.find(sha), self.graph.find(tip)
        return change is not None and head is not None and self.graph.is_ancestor(change, head)


def _read_stays(component: Component) -> dict[Environment, list[DeploymentRecord]]:
    """What ran in each environment of the component, newest first, environments in their order."""
    applications = component.applications.select_related("environment")
    places: dict[Environment, list[DeploymentRecord]] = {
        application.environment: []
        for application in applications.order_by("environment__position", "environment__name")
    }
    records = DeploymentRecord.objects.filter(application__component=component).select_related(
        "application__environment"
    )
    for record in records.order_by("-from_at", "-pk")[: MOST_STAYS * max(1, len(places))]:
        places[record.application.environment].append(record)
    return places


def _read_desired(component: Component) -> dict[int, str]:
    rows = component.applications.values_list("environment", "desired_version")
    return {environment: version for environment, version in rows if version}


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
