"""What pages of other nouns say about promotions: what is under way there, and where one would be started."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from django.db.models import F, FilteredRelation, Q, QuerySet
from django.urls import reverse
from django.utils.http import urlencode

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import has_role
from apps.environments.models import Application
from apps.promotions.models import Promotion
from apps.promotions.selectors.facts import prospective_facts
from apps.promotions.selectors.pages import GateRow, gate_rows
from apps.promotions.selectors.rollback import spell_like
from apps.promotions.selectors.under_way import Marks, marks_of, with_marks
from apps.releases.selectors.versions import bare_version, shown_version
from gitopsui.domain.promotion import GateState, Phase, PromotionKind, prognosis


@dataclass(frozen=True, slots=True)
class PlaceLinks:
    """
    One application: what is under way and locked, and where its buttons lead; "" for whoever may not.
    `url` is its
    page, `promote_version` what its left neighbour `promote_from` has.
    """

    environment: str
    url: str
    marks: Marks
    promote_url: str
    promote_version: str
    promote_from: str
    rollback_url: str
    lock_url: str


def promote_url(project_slug: str, **query: str) -> str:
    asked = urlencode({name.rstrip("_"): value for name, value in query.items() if value})
    return f"{reverse('promotion-new', args=[project_slug])}?{asked}"


def again_url(promotion: Promotion) -> str:
    """Where one that is stale is planned again, with what runs now; "" for any other, and for a rollback."""
    if promotion.phase != Phase.STALE or promotion.kind == PromotionKind.ROLLBACK:
        return ""
    source = promotion.source_environment
    items = list(promotion.items.values_list("component__slug", "to_version"))
    slugs = list(dict.fromkeys(slug for slug, _ in items))
    asked = [("into", promotion.environment.name), *(("component", slug) for slug in slugs)]
    if source:
        asked.append(("from", source.name))
    elif len(slugs) == 1:
        asked.append(("version", items[0][1]))
    return f"{reverse('promotion-new', args=[promotion.project.slug])}?{urlencode(asked)}"


def read_places(applications: QuerySet[Application], person: Person, *, now: datetime) -> list[PlaceLinks]:
    """In the order of the environments: one query."""
    lag = FilteredRelation("component__lags", condition=Q(component__lags__environment=F("environment")))
    rows = (
        with_marks(applications, now=now)
        .select_related("component__project", "environment")
        .annotate(
            lag=lag,
            lag_of=F("lag__behind__name"),
            lag_count=F("lag__commit_count"),
            lag_here=F("lag__here_version"),
            lag_there=F("lag__there_version"),
        )
        .order_by("environment__position", "environment__name", "pk")
    )
    return [_place(row, person) for row in rows]


def _place(row: Any, person: Person) -> PlaceLinks:
    component, environment = row.component, row.environment
    slug, marks = component.project.slug, marks_of(row)
    may = has_role(person, Role.PROMOTER, component.project, environment=environment.name)
    is_behind = row.lag_of and row.lag_there and row.lag_here != row.lag_there and row.lag_count != 0
    promote = may and is_behind and marks.promotion is None
    asked = {"from_": row.lag_of or "", "into": environment.name, "component": component.slug}
    return PlaceLinks(
        environment=environment.name,
        url=reverse("application-detail", args=[row.pk]),
        marks=marks,
        promote_url=promote_url(slug, **asked) if promote else "",
        promote_version=row.lag_there or "",
        promote_from=row.lag_of or "",
        rollback_url=f"{reverse('rollback-new', args=[slug])}?application={row.pk}" if may else "",
        lock_url=f"{reverse('lock-new', args=[slug])}?application={row.pk}" if may else "",
    )


@dataclass(frozen=True, slots=True)
class ReleaseLink:
    """Where a release is promoted: an environment, what it asks for now ("" for unknown), and the preview."""

    environment: str
    now: str
    url: str


def release_links(project: Project, component: str, version: str, person: Person) -> list[ReleaseLink]:
    """
    The environments that have the component and another version of it, as far as the person may promote into
    them, in their order. The release itself is the source, so that it needs to run nowhere yet.
    """
    rows = Application.objects.filter(component__project=project, component__name=component)
    found = rows.select_related("environment", "component").order_by("environment__position", "pk")
    links: dict[str, ReleaseLink] = {}
    for row in found:
        name, now = row.environment.name, row.desired_version
        is_there = bare_version(now or shown_version(row)) == version
        if not is_there and name not in links and has_role(person, Role.PROMOTER, project, environment=name):
            asked = {"into": name, "component": row.component.slug, "version": spell_like(version, now)}
            links[name] = ReleaseLink(name, now, promote_url(project.slug, **asked))
    return list(links.values())


@dataclass(frozen=True, slots=True)
class MayItGo:
    """The prognosis beside a comparison: what is shut by name, what passes in one line."""

    shut: list[GateRow]
    passed: str
    count: int
    promote_url: str
    version: str


def may_it_go(
    project: Project, component: str, source: Any, target: Any, person: Person, *, now: datetime
) -> MayItGo | None:
    """For a comparison into an environment; None where nothing could be promoted. Points of releases."""
    into = _environment(target)
    if not into or not source.version or bare_version(source.version) == bare_version(target.version):
        return None
    rows = Application.objects.filter(component__project=project, component__name=component)
    found = list(
        rows.filter(environment__name=into).select_related(
            "component__project", "component__source", "environment__project", "repository", "cluster"
        )
    )
    if not found:
        return None
    environments = {one.name: one for one in project.environments.all()}
    origin = environments.get(_environment(source))
    wanted = [(one, source.version) for one in found]
    facts = prospective_facts(found[0].environment, wanted, now=now, proposer=person.get_username())
    gates = gate_rows(prognosis(facts))
    may = has_role(person, Role.PROMOTER, project, environment=into)
    asked = {"from_": origin.name if origin else "", "into": into, "component": found[0].component.slug}
    return MayItGo(
        shut=[one for one in gates if one.state != GateState.PASS],
        passed=", ".join(one.title for one in gates if one.state == GateState.PASS),
        count=len(gates),
        promote_url=promote_url(project.slug, **asked, version="" if origin else source.version)
        if may
        else "",
        version=source.version,
    )


def _environment(point: Any) -> str:
    """The environment a side of a comparison is, as it is now; "" for a release, a commit, or the past."""
    key = str(point.key)
    return (
        str(point.environment or key.removeprefix("env:"))
        if key.startswith("env:") and "@" not in key
        else ""
    )


@dataclass(frozen=True, slots=True)
class PromotionLink:
    """`promotion 118` and its page."""

    words: str
    url: str


def link_to(pk: int, kind: str) -> PromotionLink:
    """The link to a promotion of this `kind`."""
    words = "rollback" if kind == PromotionKind.ROLLBACK else "promotion"
    return PromotionLink(f"{words} {pk}", reverse("promotion-detail", args=[pk]))


class HasConfigCommit(Protocol):
    """The part of a config commit that tells where it came from."""

    @property
    def sha(self) -> str: ...
    @property
    def repository_id(self) -> int: ...
    @property
    def pull_request(self) -> int | None: ...


def origins_of(commits: Sequence[HasConfigCommit]) -> list[PromotionLink | None]:
    """
    The promotion whose pull request brought each of these commits: by the id it was pushed or merged under,
    else by the number in the subject, which is left where a forge made one commit of it. One query.
    """
    shas = {one.sha for one in commits}
    numbers = {str(one.pull_request) for one in commits if one.pull_request}
    if not shas:
        return []
    rows = Promotion.objects.filter(repository__in={one.repository_id for one in commits}).filter(
        Q(head_sha__in=shas) | Q(merge_sha__in=shas) | Q(number__in=numbers, merged_at__isnull=False)
    )
    found: dict[tuple[int, str], PromotionLink] = {}
    for pk, repository, kind, *marks in rows.order_by("pk").values_list(
        "pk", "repository", "kind", "number", "head_sha", "merge_sha"
    ):
        link = link_to(pk, kind)
        found |= {(repository, mark): link for mark in marks if mark}
    return [
        found.get((one.repository_id, one.sha)) or found.get((one.repository_id, str(one.pull_request)))
        for one in commits
    ]
