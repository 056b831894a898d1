"""Brings all that is told about a component's versions up to date, and changes where it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.environments.models import Component
from apps.releases.models import ReleasePolicy
from apps.releases.services.deployments import update_deployments
from apps.releases.services.flags import update_flags
from apps.releases.services.inputs import read_inputs, record_inputs
from apps.releases.services.lags import update_lags
from apps.releases.services.notes import History, Report, Sanitiser, write_notes
from apps.releases.services.paths import PathHistory, update_path_commits
from apps.releases.services.signatures import SignatureDoor, update_signatures
from apps.releases.services.tags import NO_NOTES, store_releases
from apps.repositories.models import Credential, Repository
from gitopsui.adapters.registry import endpoint_of
from gitopsui.domain.image import find_image

UPDATE = "releases.update"


class ComponentHistory(History, PathHistory, SignatureDoor, Protocol):
    """All of `Mirror` that a component is worked out from."""


def update_component(
    component: Component, *, git: ComponentHistory | None, sanitise: Sanitiser, report: Report | None = None
) -> bool:
    """
    Deployment records, releases, signatures, lags and notes of `component`; whether any are left to do.

    `git` is None without a source repository. Raises GitError when the mirror cannot be read, and
    InputError (TAG_PATTERN). The inputs are recorded first: what moves meanwhile is found to have moved,
    and a run that fails is the job's to repeat.
    """
    record_inputs(component, read_inputs([component])[component.pk])
    update_deployments(component)
    store_releases(component, now=timezone.now())
    is_read = git is not None and git.exists()
    is_more = False
    if git is not None and is_read:
        update_path_commits(component, git=git)
        is_more = update_signatures(component, git=git)
    update_flags(component)
    update_lags(component, now=timezone.now())
    if git is None or not is_read:
        return False
    return write_notes(component, git=git, sanitise=sanitise, report=report) or is_more


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the versions of a component come from, as somebody typed it."""

    source: Repository | None
    tag_pattern: str
    image: str


@dataclass(frozen=True, slots=True)
class NewPolicy:
    """How it is versioned and told about, as somebody typed it; the fields of `ReleasePolicy`."""

    paths: tuple[str, ...]
    below_one: str
    tracker_pattern: str
    tracker_url: str
    version_range: str
    has_public_notes: bool
    watches_registry: bool


@dataclass(frozen=True, slots=True)
class RegistryLogin:
    """
    How to sign in to the registry; empty keeps what is stored. `forgets` takes that away. With
    `in_plain_http` it is sent without encryption, which only a trusted registry may ask for.
    """

    username: str = ""
    password: str = ""
    forgets: bool = False
    in_plain_http: bool = False

    def __repr__(self) -> str:
        return "RegistryLogin(hidden)"


def edit_component(
    component: Component,
    origin: Origin,
    *,
    by: Person,
    policy: NewPolicy | None = None,
    login: RegistryLogin | None = None,
) -> None:
    """
    Change where its versions come from and how they are told about. The releases of another repository are
    forgotten; notes that would say something else are written anew.
    """
    row = ReleasePolicy.objects.filter(component=component).first() or ReleasePolicy(component=component)
    before = _told(component, row)
    with transaction.atomic():
        if component.source != origin.source:
            component.releases.all().delete()
        component.source, component.image = origin.source, origin.image
        component.tag_pattern = origin.tag_pattern
        component.save(update_fields=["source", "tag_pattern", "image"])
        if policy is not None:
            _store_policy(component, row, policy)
        _store_login(component, row, login or _login_kept(row))
        audit.record(by, "changed component", component, before=before, after=_told(component, row))
        job = jobs.schedule(UPDATE, component.pk, label=f"versions of {component}")
        # A pattern that was refused has set the job aside; it has another one now.
        jobs.retry(job)
    jobs.enqueue_due(UPDATE)


def _store_policy(component: Component, row: ReleasePolicy, policy: NewPolicy) -> None:
    told = (row.paths, row.tracker_pattern, row.tracker_url)
    row.paths, row.below_one = list(policy.paths), policy.below_one
    row.tracker_pattern, row.tracker_url = policy.tracker_pattern, policy.tracker_url
    row.version_range = policy.version_range
    row.has_public_notes, row.watches_registry = policy.has_public_notes, policy.watches_registry
    row.save()
    if told != (row.paths, row.tracker_pattern, row.tracker_url):
        component.releases.update(**NO_NOTES)


def _login_kept(row: ReleasePolicy) -> RegistryLogin:
    stored = row.registry_credential
    return RegistryLogin(in_plain_http=stored is not None and is_plain_http(stored))


def is_plain_http(credential: Credential) -> bool:
    """Whether it is sent without encryption."""
    return credential.endpoint.startswith("http://")


def _store_login(component: Component, row: ReleasePolicy, login: RegistryLogin) -> None:
    """A credential is bound to one registry and to how it is spoken to: another one drops it."""
    image = find_image(component.image)
    scheme = "http" if login.in_plain_http else "https"
    endpoint = endpoint_of(image.registry, scheme=scheme) if image else ""
    stored = row.registry_credential
    is_new = bool(login.username or login.password)
    if stored is not None and (login.forgets or is_new or stored.endpoint != endpoint):
        row.registry_credential = None
        row.save()
        stored.delete()
    if is_new and endpoint:
        row.registry_credential = Credential.objects.create(
            endpoint=endpoint, username=login.username, password=login.password, set_at=timezone.now()
        )
        row.save()


def _told(component: Component, policy: ReleasePolicy) -> dict[str, Any]:
    return {
        "source": str(component.source or ""),
        "tags": component.tag_pattern,
        "image": component.image,
        "paths": list(policy.paths),
        "below 1.0.0": policy.below_one,
        "tracker": f"{policy.tracker_pattern} {policy.tracker_url}".strip(),
        "range": policy.version_range,
        "public notes": policy.has_public_notes,
        "watches registry": policy.watches_registry,
        "registry credential": str(policy.registry_credential or ""),
    }
