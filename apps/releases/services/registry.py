"""
Keeps what the registry of a component's image has: tags, digests, and what the images say of themselves.

Which registries are asked: those the operator lists (`GITOPSUI_REGISTRY_HOSTS`), for every component whose
image lies there; without a list any public one, for the components whose policy watches it. So nothing is
asked until somebody says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from django.db import transaction
from django.utils import timezone

from apps.core import jobs
from apps.core.models import Job, JobState
from apps.environments.models import Component
from apps.releases.models import ImageTag, RegistryState, ReleasePolicy
from apps.releases.selectors.registry import find_allowed, order_of, range_of, version_in
from apps.releases.selectors.versions import bare_version, places_of
from gitopsui.adapters.http_policy import Target, is_host_in
from gitopsui.adapters.registry import ImageLabels, TagList
from gitopsui.domain.errors import InputError, SourceError
from gitopsui.domain.image import ImageReference, find_image, parse_image
from gitopsui.domain.mask_text import mask_text

CHECK = "releases.registry"
EVERY = timedelta(minutes=10)
BUDGET = timedelta(minutes=5)  # of one run; what it does not get done the next one does
NEW_PER_RUN = 20  # tags whose image is looked into: up to four calls each
KNOWN_PER_RUN = 30  # tags that are asked whether they were moved: a call each
NEWEST = 10  # versions, and other tags, that are asked in every run
MOST_FAILURES = 3  # of single tags, before a run gives up

Report = Callable[[int, int, str], None]


class Door(Protocol):
    """The registry, as `gitopsui.adapters.registry.Registry` has it."""

    def tags(self, repository: str) -> TagList: ...
    def head(self, repository: str, tag: str) -> str: ...
    def labels(self, repository: str, digest: str) -> ImageLabels: ...


@dataclass(slots=True)
class Look:
    """One run: what is asked, how many images were read, and what went wrong with single ones."""

    component: Component
    image: ImageReference
    door: Door
    now: datetime
    read_count: int = 0
    failures: list[SourceError] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        passing = [error for error in self.failures if not error.permanent]
        return len(passing) >= MOST_FAILURES or timezone.now() - self.now > BUDGET


def find_watched(hosts: Collection[str]) -> dict[int, tuple[Component, ImageReference]]:
    """The components whose registry is asked, by id. Two queries."""
    policies = ReleasePolicy.objects.filter(watches_registry=True)
    told = set(policies.values_list("component_id", flat=True))
    found: dict[int, tuple[Component, ImageReference]] = {}
    for component in Component.objects.exclude(image=""):
        image = find_image(component.image)
        if image and (component.pk in told or _is_listed(image.registry, hosts)):
            found[component.pk] = component, image
    return found


def _is_listed(registry: str, hosts: Collection[str]) -> bool:
    try:
        host = Target.of(f"https://{registry}").host
    except InputError:
        return False
    return any(is_host_in(host, entry) for entry in hosts)


def watch_registries(hosts: Collection[str]) -> None:
    """Each watched component has a job, due at once when it is new or its image another; no other has one."""
    watched = find_watched(hosts)
    rows = Job.objects.filter(kind=CHECK).values_list("subject_id", "subject_label", "group")
    known = {subject_id: (label, group) for subject_id, label, group in rows}
    for component_id, (component, image) in watched.items():
        told = f"registry of {component}: {image.name}"[: jobs.LABEL_CHARS], image.registry
        if known.get(component_id) != told:
            jobs.schedule(CHECK, component_id, label=told[0], group=told[1], due_at=timezone.now())
    for component_id in known.keys() - watched.keys():
        jobs.forget(CHECK, component_id)


def check_registry(component: Component, *, registry: Door, report: Report | None = None) -> None:
    """
    One look at the tags of `component`'s image. Safe to repeat.

    A failure is stored with the time of the first one and goes on to the job; what was read before stays.
    A registry that asks to wait is waited for by all components whose image lies there. Raises SourceError,
    and InputError for an image or a range that is none.
    """
    look = Look(component, parse_image(component.image), registry, timezone.now())
    _begin(look)
    try:
        listed = registry.tags(look.image.repository)
        _store_names(look, listed)
        _record_answer(look, listed)
        _read_images(look, report)
        refresh_newest(component)
    except (SourceError, InputError) as error:
        _record_failure(look, error)
        if isinstance(error, SourceError) and error.retry_after:
            _hold(look.image.registry, look.now + error.retry_after)
        raise
    _record_notes(look)


def refresh_newest(component: Component) -> None:
    """Choose the newest allowed tag again: tags, range or bad releases changed. Raises InputError."""
    found = find_allowed(component, range_of(component))
    newest = found[0][1] if found else ""
    RegistryState.objects.filter(component=component).update(newest_allowed=newest)


def _begin(look: Look) -> None:
    """What was known of another image says nothing about this one."""
    with transaction.atomic():
        state, _ = RegistryState.objects.get_or_create(
            component=look.component, defaults={"image": look.image.name}
        )
        if state.image != look.image.name:
            look.component.image_tags.all().delete()
            state.delete()
            RegistryState.objects.create(component=look.component, image=look.image.name)


def _store_names(look: Look, listed: TagList) -> None:
    """New tags, tags that are back, and, where the list is complete, tags that are gone."""
    pattern = look.component.tag_pattern
    with transaction.atomic():
        known = {row.tag: row for row in look.component.image_tags.all()}
        new = [
            ImageTag(component=look.component, tag=tag, version=version_in(tag, pattern), seen_at=look.now)
            for tag in listed.names
            if tag not in known
        ]
        new.sort(key=_by_version)
        ImageTag.objects.bulk_create(new, ignore_conflicts=True, batch_size=500)
        there = set(listed.names)
        _mark(look, (row.pk for row in known.values() if row.gone_at and row.tag in there), None)
        if listed.is_complete:
            _mark(
                look, (row.pk for row in known.values() if not row.gone_at and row.tag not in there), look.now
            )
        _reread_versions(known.values(), pattern)


def _mark(look: Look, ids: Iterable[int], gone_at: datetime | None) -> None:
    wanted = list(ids)
    for start in range(0, len(wanted), 500):
        look.component.image_tags.filter(pk__in=wanted[start : start + 500]).update(gone_at=gone_at)


def _reread_versions(rows: Iterable[ImageTag], pattern: str) -> None:
    """The pattern of the component may be another one by now."""
    changed = []
    for row in rows:
        version = version_in(row.tag, pattern)
        if version != row.version:
            row.version = version
            changed.append(row)
    ImageTag.objects.bulk_update(changed, ["version"], batch_size=500)


def _by_version(row: ImageTag) -> tuple[bool, object]:
    """Tags that are no version first, then by version; the newest last."""
    order = order_of(row.version)
    return (True, order) if order else (False, row.tag)


# --- looking into images ----------------------------------------------------------------------------------


def _read_images(look: Look, report: Report | None) -> None:
    rows = sorted(look.component.image_tags.filter(gone_at=None), key=_by_version, reverse=True)
    wanted = [row for row in rows if not row.digest][:NEW_PER_RUN]
    wanted += _to_ask_again(look, [row for row in rows if row.digest])
    for number, row in enumerate(wanted):
        if look.is_over:
            return
        if report:
            report(number, len(wanted), f"{look.image.repository}:{row.tag}")
        _read_image(look, row)


def _to_ask_again(look: Look, rows: list[ImageTag]) -> list[ImageTag]:
    """What runs, the newest versions and the newest of the others in every run, the rest in turn."""
    running = {bare_version(version) for place in places_of(look.component) for version in place.versions}
    versions = [row for row in rows if row.version]
    others = sorted((row for row in rows if not row.version), key=lambda row: row.seen_at, reverse=True)
    often = [row for row in rows if bare_version(row.tag) in running or row.version in running - {""}]
    often = list(dict.fromkeys([*often, *versions[:NEWEST], *others[:NEWEST]]))[:KNOWN_PER_RUN]
    rest = sorted(set(rows) - set(often), key=lambda row: row.pk)
    room = min(KNOWN_PER_RUN - len(often), len(rest))
    start = int(look.now.timestamp() // EVERY.total_seconds()) * room % max(len(rest), 1)
    return often + (rest + rest)[start : start + room]


def _read_image(look: Look, row: ImageTag) -> None:
    """One tag's digest and, where it is new, labels. What is wrong with one tag does not stop the others."""
    try:
        digest = look.door.head(look.image.repository, row.tag)
        if digest != row.digest:
            _store_image(look, row, digest, _labels(look, digest))
    except SourceError as error:
        if error.retry_after or error.code in ("REGISTRY_AUTH", "REGISTRY_CREDENTIAL"):
            raise
        # It was deleted since the list was made: the next list does not have it.
        if error.code != "REGISTRY_NOT_FOUND":
            look.failures.append(error)


def _labels(look: Look, digest: str) -> ImageLabels:
    """Where asking again cannot help, the image says nothing, and the page says why."""
    try:
        labels = look.door.labels(look.image.repository, digest)
    except SourceError as error:
        if not error.permanent or error.code == "REGISTRY_AUTH":
            raise
        look.failures.append(error)
        return ImageLabels()
    look.read_count += 1
    return labels


def _store_image(look: Look, row: ImageTag, digest: str, labels: ImageLabels) -> None:
    changes = {"previous_digest": row.digest, "seen_at": look.now} if row.digest else {}
    ImageTag.objects.filter(pk=row.pk, digest=row.digest).update(
        digest=digest,
        revision=labels.revision,
        source_url=labels.source,
        built_at=labels.created,
        **changes,
    )


# --- what became of it ------------------------------------------------------------------------------------


def _record_answer(look: Look, listed: TagList) -> None:
    names = "\n".join(sorted(listed.names))
    RegistryState.objects.filter(component=look.component).update(
        tags_digest=hashlib.sha256(names.encode()).hexdigest(), checked_at=look.now
    )


def _record_notes(look: Look) -> None:
    """
    It answered; with single images there may have been trouble. What was said of them stays until one
    could be read again: an image is not looked into twice.
    """
    first = look.failures[0] if look.failures else None
    rows = RegistryState.objects.filter(component=look.component)
    if first is None and look.read_count == 0:
        rows = rows.exclude(failed_at=None)
    rows.update(
        failed_at=None,
        error=mask_text(f"Not every image could be read: {first.message}") if first else "",
        error_code=first.code if first else "",
        error_hint=first.hint if first else "",
    )


def _record_failure(look: Look, error: SourceError | InputError) -> None:
    """Keep the last answer and say since when there is none."""
    pause = error.retry_after if isinstance(error, SourceError) else None
    hint = error.hint if isinstance(error, SourceError) else ""
    if pause:
        hint = f"It is asked again after {look.now + pause:%H:%M} UTC."
    rows = RegistryState.objects.filter(component=look.component)
    rows.filter(failed_at=None).update(failed_at=look.now)
    rows.update(error=mask_text(error.message), error_code=error.code, error_hint=hint)


def _hold(registry: str, until: datetime) -> None:
    rows = Job.objects.filter(kind=CHECK, group=registry, due_at__lt=until)
    rows.exclude(state=JobState.RUNNING).update(due_at=until)
