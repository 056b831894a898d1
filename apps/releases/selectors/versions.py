"""Which versions run where, and which release a version is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Q

from apps.environments.models import Application, Component, Environment
from apps.releases.models import Release


@dataclass(frozen=True, slots=True)
class Place:
    """A component in an environment: the versions of its applications, "" among them for an unknown one."""

    environment: Environment
    versions: tuple[str, ...]


def shown_version(application: Application) -> str:
    """What runs; where no cluster has ever said it, what Git asks for."""
    return application.live_version if runs_in_cluster(application) else application.desired_version


def runs_in_cluster(application: Application) -> bool:
    """Whether a cluster has said what runs."""
    has_looked = application.checked_at is not None or bool(application.live_version)
    return application.cluster_id is not None and has_looked


def places_of(component: Component) -> list[Place]:
    """The environments the component has applications in, as the project orders them."""
    return group_places(component.applications.select_related("environment"))


def group_places(applications: Iterable[Application]) -> list[Place]:
    """The environments of these applications of one component, as the project orders them."""
    versions: dict[Environment, set[str]] = defaultdict(set)
    for application in applications:
        versions[application.environment].add(shown_version(application))
    order = sorted(versions, key=lambda environment: (environment.position, environment.name))
    return [Place(environment, tuple(sorted(versions[environment]))) for environment in order]


def bare_version(version: str) -> str:
    """
    A version without `v`, as `Release.version` has it. An image tag cannot hold the `+` of build metadata;
    by custom `_` stands there: https://helm.sh/docs/chart_best_practices/conventions/#version-numbers
    """
    bare = version[1:] if version[:1] in ("v", "V") and version[1:2].isdigit() else version
    return bare.replace("_", "+")


def is_version_of(version: str, release: Release) -> bool:
    """Whether what runs as `version` is that release."""
    return version == release.tag or bare_version(version) == release.version


def find_releases(component: Component, versions: Iterable[str]) -> dict[str, Release]:
    """
    The releases of these versions, by version, in one query: the tag of that very name, else the only
    one that names the version; `1.0.0+3` is not `1.0.0+4`.
    """
    found = find_releases_of((component.pk, version) for version in versions)
    return {version: release for (_, version), release in found.items()}


def find_releases_of(named: Iterable[tuple[int, str]]) -> dict[tuple[int, str], Release]:
    """The same for versions of several components, each with the id of its component, in one query."""
    wanted = {(component, version) for component, version in named if version}
    if not wanted:
        return {}
    tags = {version for _, version in wanted}
    rows = Release.objects.filter(
        Q(tag__in=tags) | Q(version__in={bare_version(version) for version in tags}),
        component__in={component for component, _ in wanted},
    )
    by_tag: dict[tuple[int, str], Release] = {}
    by_version: dict[tuple[int, str], list[Release]] = defaultdict(list)
    for release in rows.only("pk", "component", "tag", "version", "commit_sha", "is_bad", "signature"):
        by_tag[release.component_id, release.tag] = release
        by_version[release.component_id, release.version].append(release)
    answers: dict[tuple[int, str], Release] = {}
    for component, version in wanted:
        same = by_version[component, bare_version(version)]
        match = by_tag.get((component, version)) or (same[0] if len(same) == 1 else None)
        if match is not None:
            answers[component, version] = match
    return answers
