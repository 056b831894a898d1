"""
What leaves the program: public notes, feeds and badges.

Public means for everybody in the world: only what `without_internals` lets pass, of releases that nobody
held back; no pre-releases, no environments, no names of people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any
from urllib.parse import urljoin

from django.db.models import QuerySet
from django.urls import reverse

from apps.environments.models import Application, Component, Environment
from apps.releases.models import DeploymentRecord, Release
from apps.releases.selectors.overrides import read_overrides, shown_notes
from apps.releases.selectors.versions import is_version_of, shown_version
from gitopsui.domain.atom import Feed, FeedEntry, tag_uri
from gitopsui.domain.badge import Tone
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.health import HealthStatus, worst_of
from gitopsui.domain.note_overrides import Audience, from_dict, without_internals
from gitopsui.domain.notes import to_html
from gitopsui.domain.text import visible

PUBLIC_RELEASES = 20  # on the page and in the feed
FEED_RELEASES = 20
FEED_DEPLOYMENTS = 50
_YEAR = 2026  # when these ids began; it never changes
_TONES = {
    HealthStatus.HEALTHY: Tone.GOOD,
    HealthStatus.PROGRESSING: Tone.RUN,
    HealthStatus.MISSING: Tone.WARN,
    HealthStatus.DEGRADED: Tone.BAD,
}


@dataclass(frozen=True, slots=True)
class ToldRelease:
    """A release as somebody outside reads it. `introduction_html` was sanitised when it was stored."""

    pk: int
    version: str
    tag: str
    released_at: datetime | None
    edited_at: datetime | None
    is_bad: bool
    introduction_html: str
    notes: dict[str, Any]

    @property
    def updated_at(self) -> datetime | None:
        return max((at for at in (self.released_at, self.edited_at) if at), default=None)


def find_public(slug: str, component_slug: str) -> Component | None:
    """A component that its administrators opened to everybody."""
    public = Component.objects.filter(release_policy__has_public_notes=True).select_related("project")
    return public.filter(project__slug=slug, slug=component_slug).first()


def read_told_releases(
    component: Component, *, audience: Audience, language: str = "", limit: int
) -> list[ToldRelease]:
    """The newest releases with notes, as `audience` may read them. Two queries."""
    releases = component.releases.exclude(notes=None).order_by("position").defer("notes_html", "words")
    if audience is Audience.PUBLIC:
        releases = releases.filter(is_prerelease=False)
    overrides = read_overrides(component)
    told = []
    for release in releases[: limit * 2]:
        notes = shown_notes(
            component, release.notes or {}, audience=audience, language=language, overrides=overrides
        )
        if not notes["is_withheld"]:
            told.append(_tell(release, without_internals(notes) if audience is Audience.PUBLIC else notes))
    return told[:limit]


def _tell(release: Release, notes: dict[str, Any]) -> ToldRelease:
    return ToldRelease(
        release.pk,
        release.version,
        release.tag,
        release.dated_at,
        release.edited_at,
        release.is_bad,
        release.introduction_html,
        notes,
    )


def component_feed(
    component: Component,
    releases: Iterable[ToldRelease],
    *,
    host: str,
    self_url: str,
    url: str,
    url_of: Callable[[ToldRelease], str] | None = None,
) -> Feed:
    """The releases of a component; an entry leads to `url_of` its release, else all of them to `url`."""
    project = component.project
    entries = [
        FeedEntry(
            id=tag_uri(host, _YEAR, project.slug, component.slug, "release", release.tag),
            title=f"{component.name} {release.version}{', withdrawn' if release.is_bad else ''}",
            updated=release.updated_at or project.created_at,
            published=release.released_at,
            url=url_of(release) if url_of else url,
            html=_html(release),
        )
        for release in releases
    ]
    return Feed(
        id=tag_uri(host, _YEAR, project.slug, component.slug, "releases"),
        title=f"Releases of {component.name}",
        author=component.name,
        self_url=self_url,
        url=url,
        began=project.created_at,
        entries=entries,
    )


def _html(release: ToldRelease) -> str:
    lead = release.notes.get("lead", "")
    bad = "<p><strong>This release was withdrawn.</strong></p>\n" if release.is_bad else ""
    return bad + release.introduction_html + _paragraph(lead) + to_html(from_dict(release.notes))


def _paragraph(text: str) -> str:
    return f"<p>{escape(visible(text))}</p>\n" if text else ""


def environment_feed(environment: Environment, *, host: str, self_url: str, url: str) -> Feed:
    """What was deployed into an environment, newest first. One query."""
    project = environment.project
    records = _deployments(environment)[:FEED_DEPLOYMENTS]
    return Feed(
        id=tag_uri(host, _YEAR, project.slug, "environment", environment.name),
        title=f"Deployments to {environment.name} of {project.name}",
        author=project.name,
        self_url=self_url,
        url=url,
        began=project.created_at,
        entries=[_deployment_entry(record, host, url) for record in records],
    )


def _deployments(environment: Environment) -> QuerySet[DeploymentRecord]:
    records = DeploymentRecord.objects.filter(application__environment=environment)
    return records.select_related("application__component").order_by("-from_at", "-pk")


def _deployment_entry(record: DeploymentRecord, host: str, url: str) -> FeedEntry:
    # Records are made anew when an observation arrives late; what identifies one is where and since when.
    application = record.application
    moment = record.from_at.isoformat()
    title = f"{application.component.name} {record.version or 'of unknown version'}"
    seen = "seen in the cluster" if record.source == "live" else f"asked for by {record.sha[:8] or 'Git'}"
    place = reverse("application-detail", args=[application.pk])
    return FeedEntry(
        id=tag_uri(host, _YEAR, "deployment", str(application.pk), moment, record.version),
        title=title,
        updated=record.from_at,
        published=record.from_at,
        url=urljoin(url, place),
        html=_paragraph(f"{title}, {seen}."),
    )


@dataclass(frozen=True, slots=True)
class BadgeFacts:
    """What a badge says; `title` is a sentence for a screen reader."""

    label: str
    message: str
    tone: Tone
    title: str
    is_stale: bool = False


def badge_facts(component: Component, environment: Environment, *, now: datetime) -> BadgeFacts | None:
    """Version and status of a component in an environment; None where it has no application there."""
    found = component.applications.filter(environment=environment)
    applications = list(found.select_related("cluster").order_by("pk"))
    if not applications:
        return None
    versions = sorted({shown_version(application) or "unknown" for application in applications})
    version = versions[0] if len(versions) == 1 else f"{len(versions)} versions"
    watched = [application for application in applications if application.cluster_id is not None]
    if any(application.is_stale(now) for application in watched):
        words, tone, is_stale = ["stale"], Tone.IDLE, True
    else:
        words, tone, is_stale = *_status(watched), False
    if _runs_bad(component, versions):
        words, tone = ["bad", *words], Tone.IDLE if is_stale else Tone.BAD
    title = f"{component.name} in {environment.name}: {', '.join([version, *words])}"
    return BadgeFacts(
        f"{component.name} {environment.name}", " ".join([version, *words]), tone, title, is_stale
    )


def _status(watched: Sequence[Application]) -> tuple[list[str], Tone]:
    """Health and sync in Argo CD's words; nothing where no cluster is connected."""
    if not watched:
        return [], Tone.IDLE
    health = worst_of([application.health for application in watched])
    is_drifted = any(application.sync == SyncStatus.OUT_OF_SYNC for application in watched)
    tone = _TONES.get(HealthStatus(health), Tone.IDLE)
    if is_drifted:
        return [str(health), str(SyncStatus.OUT_OF_SYNC)], tone if tone is Tone.BAD else Tone.WARN
    return [str(health)], tone


def _runs_bad(component: Component, versions: Iterable[str]) -> bool:
    bad = list(component.releases.filter(is_bad=True).only("tag", "version"))
    return any(is_version_of(version, release) for version in versions for release in bad)
