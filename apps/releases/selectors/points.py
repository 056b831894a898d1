"""What can be compared: an environment now or at a moment, a release, a commit; and which commit each is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time

from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from apps.environments.models import Application, Component, Environment
from apps.releases.models import DeploymentRecord
from apps.releases.selectors.registry import commits_of_digests, revisions_of_tags
from apps.releases.selectors.versions import find_releases, runs_in_cluster, shown_version
from apps.repositories.models import StoredCommit

MOST_RELEASES = 40
SHORT = 8
LABELLED = "the revision its image is labelled with"
# A commit id as the tag of an image: `3f2a91b`, `sha-3f2a91b`, and of git describe `1.2.0-4-g3f2a91b`.
_COMMIT_ID = re.compile(r"(?:(?:sha|git)-|.*-g)?([0-9a-f]{7,64})", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Point:
    """
    One side of a comparison. `key` is how an address names it; `sha` is "" where no commit is known, and
    `problem` says why. `found_by` says how the commit was told. `at` is the moment it is of, None for now.
    """

    key: str
    label: str
    version: str = ""
    sha: str = ""
    found_by: str = ""
    problem: str = ""
    environment: str = ""
    at: datetime | None = None

    @property
    def title(self) -> str:
        """`staging`, `2.15.0`, `production on 2026-11-17`."""
        return self.label or self.version


@dataclass(frozen=True, slots=True)
class Found:
    """The commit of a version, and how it was told."""

    sha: str
    found_by: str


def find_commits_of(component: Component, versions: Iterable[str]) -> dict[str, Found]:
    """The commits of these versions of the component: by tag, by release, by the commit id they hold."""
    wanted = {version for version in versions if version}
    source = component.source
    if source is None or not wanted:
        return {}
    tags = source.revisions.filter(kind="tag", gone_at=None, short__in=wanted).exclude(commit_sha="")
    found = {short: Found(sha, f"the tag {short}") for short, sha in tags.values_list("short", "commit_sha")}
    for version, release in find_releases(component, wanted - found.keys()).items():
        found[version] = Found(release.commit_sha, f"the tag {release.tag}")
    for version in wanted - found.keys():
        if (sha := _find_by_id(component, version)) is not None:
            found[version] = Found(sha, "the commit id in its version")
    if left := wanted - found.keys():
        found |= _find_labelled(component, revisions_of_tags(component, left))
    return found


def find_running(component: Component, applications: Iterable[Application]) -> dict[int, Found]:
    """
    The commits of what runs in these applications of the component, by id: by the revision that the image
    is labelled with whose digest the pods report, else by the version.
    """
    listed = list(applications)
    digests = {one.pk: one.live_digest for one in listed if one.live_digest and runs_in_cluster(one)}
    labelled = _find_labelled(component, commits_of_digests(component, digests.values()))
    found = {pk: labelled[digest] for pk, digest in digests.items() if digest in labelled}
    by_version = {one.pk: shown_version(one) for one in listed if one.pk not in found}
    commits = find_commits_of(component, by_version.values())
    return found | {pk: commits[version] for pk, version in by_version.items() if version in commits}


def _find_labelled(component: Component, revisions: Mapping[str, str]) -> dict[str, Found]:
    """What of these labels names a stored commit; an image may be built from another repository."""
    found = {key: find_commit(component, revision.lower()) for key, revision in revisions.items()}
    return {key: Found(sha, LABELLED) for key, sha in found.items() if sha}


def _find_by_id(component: Component, version: str) -> str | None:
    """The only commit whose id begins as the version says."""
    match = _COMMIT_ID.fullmatch(version)
    return find_commit(component, match[1]) if match else None


def find_commit(component: Component, prefix: str) -> str | None:
    """The full id of the only stored commit that begins with `prefix`; None for none or several."""
    if component.source is None or not re.fullmatch(r"[0-9a-f]{7,64}", prefix):
        return None
    # As a range, which the index of the ids answers on every database.
    rows = StoredCommit.objects.filter(repository=component.source, sha__gte=prefix, sha__lte=prefix + "g")
    found = list(rows.values_list("sha", flat=True)[:2])
    return found[0] if len(found) == 1 else None


def find_point(component: Component, key: str) -> Point | None:
    """What an address names: `env:staging`, `env:production@2026-11-17`, `tag:v1.2.0`, `commit:3f2a91b`."""
    kind, _, name = key.replace("\0", "").partition(":")
    finders = {"env": _find_place, "tag": _find_tag, "commit": _find_commit}
    return finders[kind](component, name) if kind in finders and name else None


def _find_place(component: Component, name: str) -> Point | None:
    environment_name, _, moment = name.partition("@")
    environment = Environment.objects.filter(project=component.project, name=environment_name).first()
    if environment is None:
        return None
    if moment:
        return _find_past(component, environment, moment)
    return _point_of_environment(component, environment)


def _find_past(component: Component, environment: Environment, text: str) -> Point | None:
    """What ran there at a moment; a date alone is its end."""
    at = parse_moment(text)
    if at is None:
        return None
    words = text if is_date(text) else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    key, label = f"env:{environment.name}@{text}", f"{environment.name} on {words}"
    record = (
        DeploymentRecord.objects.filter(
            Q(to_at=None) | Q(to_at__gt=at),
            application__component=component,
            application__environment=environment,
            from_at__lte=at,
        )
        .order_by("-from_at")
        .first()
    )
    if record is None:
        return Point(key, label, problem=f"It is not known what ran in {label}.", at=at)
    return _with_commit(component, Point(key, label, record.version, environment=environment.name, at=at))


def is_date(text: str) -> bool:
    """Whether a text that `parse_moment` understands says no time."""
    return len(text) <= len("2026-11-17")


def parse_moment(text: str) -> datetime | None:
    """A moment as it is typed or stands in an address, UTC where no zone is said; a date alone is its end."""
    try:
        at = parse_datetime(text)
        if at is None:
            day = parse_date(text)
            at = datetime.combine(day, time.max) if day else None
    except ValueError:
        return None
    if at is None:
        return None
    return at if at.tzinfo else timezone.make_aware(at, UTC)


def _point_of_environment(component: Component, environment: Environment) -> Point:
    key, name = f"env:{environment.name}", environment.name
    applications = list(component.applications.filter(environment=environment))
    versions = sorted({shown_version(application) for application in applications})
    running = find_running(component, applications) if len(versions) == 1 else {}
    shas = {found.sha for found in running.values()}
    if not applications:
        return Point(key, name, problem=f"{component.name} is not deployed in {name}.", environment=name)
    if len(versions) > 1:
        problem = f"{len(versions)} versions run in {name}; compare one of them."
        return Point(key, name, problem=problem, environment=name)
    point = Point(key, name, versions[0], environment=name)
    if len(shas) > 1:
        return replace(point, problem=f"Two images called {versions[0]} run in {name}, of different commits.")
    if len(shas) == 1:
        found = next(iter(running.values()))
        return replace(point, sha=found.sha, found_by=found.found_by)
    return _with_commit(component, point)


def _find_tag(component: Component, name: str) -> Point | None:
    release = component.releases.filter(tag=name).only("tag", "version", "commit_sha").first()
    if release is None:
        return None
    return Point(f"tag:{name}", release.version, release.version, release.commit_sha, f"the tag {name}")


def _find_commit(component: Component, name: str) -> Point | None:
    sha = find_commit(component, name.lower())
    return Point(f"commit:{sha}", sha[:SHORT], "", sha, "its id") if sha else None


def _with_commit(component: Component, point: Point) -> Point:
    """The same with its commit, or with the reason why none is known."""
    version, place = point.version, point.environment
    if component.source is None:
        problem = f"{component.name} has no source repository, so its commits are not known."
    elif not version:
        problem = f"It is not known which version runs in {place}."
    else:
        found = find_commits_of(component, [version]).get(version)
        if found is not None:
            return replace(point, sha=found.sha, found_by=found.found_by)
        problem = f"No tag of {component.source.name} is called {version}."
    return replace(point, problem=problem)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the lists that a comparison is chosen from."""

    key: str
    label: str
    version: str


def choices_of(component: Component) -> tuple[list[Choice], list[Choice]]:
    """The environments the component is in, in order, and its newest releases. Two queries."""
    places: dict[str, str] = {}
    applications = component.applications.select_related("environment")
    for application in applications.order_by("environment__position", "environment__name"):
        name, version = application.environment.name, shown_version(application)
        places[name] = version if places.setdefault(name, version) == version else "several"
    tags = component.releases.order_by("position").values_list("tag", "version")[:MOST_RELEASES]
    return (
        [Choice(f"env:{name}", name, version) for name, version in places.items()],
        [Choice(f"tag:{tag}", version, "") for tag, version in tags],
    )
