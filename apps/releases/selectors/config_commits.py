"""The config commits that touch an application, joined to the source commits they carried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from apps.environments.models import Application, Component, ConfigCommit
from apps.releases.models import Release
from apps.releases.selectors.comparison import CommitLine, Differ, line_of, told_lines
from apps.releases.selectors.overrides import index_of_repository, tell_subject
from apps.releases.selectors.points import Found, find_commits_of
from apps.releases.selectors.standing import with_addresses
from apps.releases.selectors.versions import find_releases
from apps.repositories.selectors.commits import commits_by_id
from gitopsui.domain.graph import UnknownCommit
from gitopsui.domain.web_address import commit_address, pull_request_address

PAGE_ROWS = 20
NEWEST = 6
MOST_LINES = 12  # source commits that are listed with a config commit


@dataclass(frozen=True, slots=True)
class Carried:
    """
    The source commits between two versions. `lines` are the first of those that came, or where none came of
    those that went, `more` how many follow; `compare_url` tells all. `reason` says why nothing is known.
    """

    arrives_count: int = 0
    lost_count: int = 0
    lines: tuple[CommitLine, ...] = ()
    compare_url: str = ""
    reason: str = ""

    @property
    def more(self) -> int:
        return max(0, (self.arrives_count or self.lost_count) - len(self.lines))


@dataclass(frozen=True, slots=True)
class ConfigRow:
    """A commit of the config repository. `release` is that of its new version; `carried` only with one."""

    sha: str
    url: str
    subject: str
    author: str
    at: datetime
    environment: str
    application_url: str
    repository_id: int
    pull_request: int | None
    pull_request_url: str
    previous_version: str
    version: str
    change: str
    is_unrendered: bool
    carried: Carried | None = None
    release: Release | None = None


@dataclass(frozen=True, slots=True)
class _Versions:
    """What is known of the versions that some commits speak of, read for all of them together."""

    component: Component
    commits: Mapping[str, Found] = field(default_factory=dict)
    releases: Mapping[str, Release] = field(default_factory=dict)

    def key_of(self, version: str) -> str:
        """How an address of Compare names it."""
        release, found = self.releases.get(version), self.commits[version]
        is_release = release is not None and release.commit_sha == found.sha
        return f"tag:{release.tag}" if release and is_release else f"commit:{found.sha}"

    def compare_url(self, old: str, new: str) -> str:
        page = reverse("compare", args=[self.component.project.slug, self.component.slug])
        return f"{page}?{urlencode({'from': self.key_of(new), 'into': self.key_of(old)})}"


def newest_of(application_id: int) -> tuple[list[ConfigRow], bool]:
    """The newest ones of an application, and whether there are more. One query where there are none."""
    commits = with_places(ConfigCommit.objects.filter(application=application_id))
    related = ("application__component__project", "application__component__source")
    found = list(commits.select_related(*related)[: NEWEST + 1])
    if not found:
        return [], False
    return read_rows(found[0].application.component, found[:NEWEST]), len(found) > NEWEST


def read_page(application: Application, number: str) -> Page[ConfigRow]:
    page = Paginator(commits_of(application), PAGE_ROWS).get_page(number)
    rows: Page[ConfigRow] = page  # type: ignore[assignment]
    rows.object_list = read_rows(application.component, list(page.object_list))
    return rows


def commits_of(application: Application) -> QuerySet[ConfigCommit]:
    return with_places(application.config_commits.all())


def with_places(commits: QuerySet[ConfigCommit]) -> QuerySet[ConfigCommit]:
    """The rows with what `read_rows` shows of their application, in the same query."""
    return commits.select_related("application__environment", "application__repository")


def read_rows(component: Component, commits: Sequence[ConfigCommit]) -> list[ConfigRow]:
    """The rows of these commits of the component's applications, in their order. Some seven queries."""
    changed = [commit for commit in commits if commit.changes_version]
    named = {version for one in changed for version in (one.version, one.previous_version)}
    versions = _Versions(component)
    if named:
        commits_of_versions = find_commits_of(component, named)
        versions = _Versions(component, commits_of_versions, find_releases(component, named))
    carried = _read_carried(versions, {(one.previous_version, one.version) for one in changed})
    repositories = {one.application.repository_id for one in commits}
    said = {pk: index_of_repository(pk) for pk in repositories}
    return [
        _row(
            one,
            tell_subject(one.subject, said[one.application.repository_id], sha=one.sha).text,
            carried[one.previous_version, one.version] if one.changes_version else None,
            versions.releases.get(one.version) if one.changes_version else None,
        )
        for one in commits
    ]


def _row(commit: ConfigCommit, subject: str, carried: Carried | None, release: Release | None) -> ConfigRow:
    application, number = commit.application, commit.pull_request
    remote = application.repository.url
    return ConfigRow(
        sha=commit.sha,
        url=commit_address(remote, commit.sha),
        subject=subject,
        author=commit.author,
        at=commit.at,
        environment=application.environment.name,
        application_url=reverse("application-detail", args=[application.pk]),
        repository_id=application.repository_id,
        pull_request=number,
        pull_request_url=pull_request_address(remote, number) if number else "",
        previous_version=commit.previous_version,
        version=commit.version,
        change=commit.change,
        is_unrendered=commit.is_unrendered,
        carried=carried,
        release=release,
    )


def _read_carried(versions: _Versions, pairs: set[tuple[str, str]]) -> dict[tuple[str, str], Carried]:
    """What each of these pairs (old, new) carried; the commits that are listed are read together."""
    component = versions.component
    differ = Differ(component) if component.source is not None and versions.commits else None
    told, listed = {}, {}
    for pair in pairs:
        told[pair], listed[pair] = _count(versions, differ, *pair)
    wanted = list(dict.fromkeys(sha for shas in listed.values() for sha in shas))
    if not wanted or component.source is None:
        return told
    (listed_lines,) = told_lines(component, map(line_of, commits_by_id(component.source, wanted)))
    lines = {line.sha: line for line in with_addresses(component, listed_lines)}
    return {
        pair: replace(carried, lines=tuple(lines[sha] for sha in listed[pair] if sha in lines))
        for pair, carried in told.items()
    }


def _count(versions: _Versions, differ: Differ | None, old: str, new: str) -> tuple[Carried, list[str]]:
    """How many commits, and the ids of the first of them."""
    if not old:
        return Carried(reason="the first version that is known here"), []
    unknown = next((version for version in (new, old) if version not in versions.commits), "")
    if differ is None or unknown:
        missing = unknown or new
        return Carried(reason=f"no commit is known of {missing}"), []
    try:
        found = differ.between(source=versions.commits[new].sha, target=versions.commits[old].sha)
    except UnknownCommit:
        return Carried(reason="its commits are not all read yet"), []
    carried = Carried(len(found.arriving), len(found.lost), compare_url=versions.compare_url(old, new))
    return carried, (found.arriving or found.lost)[:MOST_LINES]
