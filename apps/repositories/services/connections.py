"""Repositories are connected, changed, paused and removed here."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.core import audit, jobs
from apps.repositories.models import COMMITS, PATCHES, POLL, TIDY, Credential, Repository
from gitopsui.adapters.git_address import GitPolicy, GitUrl, check_url
from gitopsui.domain.text import clean_text


@dataclass(frozen=True, slots=True)
class NewCredential:
    """What somebody typed to sign in with; all empty means none."""

    username: str = ""
    password: str = ""
    ssh_key: str = ""
    known_hosts: str = ""

    def __repr__(self) -> str:
        return "NewCredential(hidden)"

    @property
    def is_empty(self) -> bool:
        return not (self.username or self.password or self.ssh_key)


def connect_repository(
    project: Project,
    raw_url: str,
    *,
    policy: GitPolicy,
    by: Person | None,
    credential: NewCredential | None = None,
    is_config: bool = False,
    is_source: bool = False,
    name: str = "",
    branch: str = "",
) -> Repository:
    """
    The repository at `raw_url`, connected to `project`; the one that is there already if it is the same.

    Raises InputError with the codes of `check_url`.
    """
    url = check_url(raw_url, policy)
    with transaction.atomic():
        defaults = {"url": url.url, "host": url.host, "name": name or name_of(url)}
        repository, is_new = Repository.objects.get_or_create(
            project=project, same_as=url.same_as, defaults=defaults
        )
        repository.is_config = repository.is_config or is_config
        repository.is_source = repository.is_source or is_source
        repository.branch = branch or repository.branch
        given = None if credential is None or credential.is_empty else credential
        if given:
            _store_credential(repository, url, given)
        repository.save()
        watch_repository(repository)
        if is_new or given:
            verb = "connected repository" if is_new else "changed credential of repository"
            audit.record(by, verb, repository, after=_told(repository))
    return repository


def name_of(url: GitUrl) -> str:
    """`acme/shop-config` for `https://git.example.org/acme/shop-config.git`."""
    parts = [part for part in url.same_as.partition("://")[2].split("/")[1:] if part]
    return clean_text("/".join(parts[-2:]), limit=200) or url.host


def watch_repository(repository: Repository) -> None:
    """Make sure that there is a job that polls it, due now if it was never polled."""
    jobs.schedule(
        POLL,
        repository.pk,
        label=repository.name,
        group=repository.host,
        every=settings.GITOPSUI_POLL_EVERY,
    )


def change_repository(
    repository: Repository,
    *,
    raw_url: str,
    name: str,
    branch: str,
    is_config: bool,
    is_source: bool,
    credential: NewCredential | None,
    policy: GitPolicy,
    by: Person,
) -> Repository:
    """Edit a connection. A credential is bound to its endpoint: another one drops it."""
    url = check_url(raw_url, policy)
    with transaction.atomic():
        before = _told(repository)
        if repository.credential and repository.credential.endpoint != _endpoint(url):
            repository.credential.delete()
            repository.credential = None
        if url.same_as != repository.same_as:
            repository.refs_digest = ""
        repository.url, repository.same_as, repository.host = url.url, url.same_as, url.host
        repository.name, repository.branch = name or name_of(url), branch
        repository.is_config, repository.is_source = is_config, is_source
        if credential and not credential.is_empty:
            _store_credential(repository, url, credential)
        repository.save()
        watch_repository(repository)
        jobs.make_due(POLL, [repository.pk])
        audit.record(by, "changed repository", repository, before=before, after=_told(repository))
    return repository


def _told(repository: Repository) -> dict[str, str]:
    """What the audit trail says of a connection; of a credential since when there is one and for where."""
    kinds = [
        word for word, has in (("config", repository.is_config), ("source", repository.is_source)) if has
    ]
    return {
        "url": repository.url,
        "name": repository.name,
        "branch": repository.branch,
        "holds": ", ".join(kinds),
        "credential": str(repository.credential or "none"),
    }


def _endpoint(url: GitUrl) -> str:
    return f"{url.scheme}://{url.host}:{url.port}"


def _store_credential(repository: Repository, url: GitUrl, new: NewCredential) -> None:
    if repository.credential:
        repository.credential.delete()
    repository.credential = Credential.objects.create(
        endpoint=_endpoint(url),
        username=new.username,
        password=new.password,
        ssh_key=new.ssh_key,
        known_hosts=new.known_hosts,
        set_at=timezone.now(),
    )


def set_paused(repository: Repository, is_paused: bool, *, by: Person) -> None:
    """A paused repository keeps what it last said and is not asked again."""
    repository.is_paused = is_paused
    repository.save(update_fields=["is_paused"])
    if is_paused:
        jobs.pause(POLL, repository.pk)
    else:
        jobs.resume(POLL, repository.pk)
        jobs.make_due(POLL, [repository.pk])
    audit.record(by, "paused repository" if is_paused else "resumed repository", repository)


def remove_repository(repository: Repository, *, by: Person) -> None:
    """Forget a repository with everything read from it. The remote itself is not touched."""
    with transaction.atomic():
        for kind in (POLL, COMMITS, PATCHES, TIDY):
            jobs.forget(kind, repository.pk)
        audit.record(by, "removed repository", repository, before={"url": repository.url})
        if repository.credential:
            repository.credential.delete()
        repository.delete()
