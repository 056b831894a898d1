"""How the pull requests of a repository are made: connected, checked, changed and taken away here."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.promotions.models import BUILT_IN, ForgeConnection, Promotion
from apps.repositories.models import Repository
from gitopsui.adapters.forge.call import Permissions
from gitopsui.adapters.forge.detect import FoundForge
from gitopsui.adapters.http_policy import HttpPolicy, Target, check_url
from gitopsui.domain.errors import ForgeError, InputError, PromotionDenied
from gitopsui.domain.promotion import Phase
from gitopsui.domain.text import clean_text

CHECK = "promotions.check_forge"  # of a connection: whether its token may do what a promotion needs
DETECT = "promotions.detect_forge"  # of a repository: which forge it lies on
AT_ITS_FORGE = (Phase.OPENING, Phase.OPEN, Phase.MERGING)
SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class NewConnection:
    """What somebody typed. An empty token keeps the stored one, if that was given for the same host."""

    kind: str
    api_url: str = ""
    path: str = ""
    token: str = ""
    webhook_secret: str = ""

    def __repr__(self) -> str:
        return f"NewConnection({self.kind}, {self.api_url}, {self.path}, hidden)"


class Checkable(Protocol):
    """What of a forge a check needs."""

    def check(self) -> Permissions: ...


def connect_forge(
    repository: Repository, new: NewConnection, *, policy: HttpPolicy, by: Person
) -> ForgeConnection:
    """
    Make pull requests of the repository so from now on; a check of it is due at once.

    Raises InputError with the codes of `check_url`, or FORGE_TOKEN where there is none for this host, and
    PromotionDenied while promotions are under way another way.
    """
    if new.kind != BUILT_IN:
        check_url(new.api_url, policy)
    with transaction.atomic():
        row, _ = ForgeConnection.objects.select_for_update().get_or_create(
            repository=repository, defaults={"kind": BUILT_IN}
        )
        before = _told(row)
        _check_may_change(row, new)
        _store(row, new)
        audit.record(by, "changed how pull requests are made", repository, before=before, after=_told(row))
        if row.kind != BUILT_IN:
            ask_check(row)
    return row


def _store(row: ForgeConnection, new: NewConnection) -> None:
    is_same_host = endpoint_of(row.api_url) == endpoint_of(new.api_url)
    row.token = new.token or (row.token if is_same_host else "")
    if new.kind == BUILT_IN:
        row.token = ""
    if new.kind != BUILT_IN and not row.token:
        raise InputError("Enter a token for this host.", code="FORGE_TOKEN", field="token")
    row.kind = new.kind
    row.api_url = "" if new.kind == BUILT_IN else new.api_url.rstrip("/")
    row.path = "" if new.kind == BUILT_IN else new.path
    row.webhook_secret = new.webhook_secret or row.webhook_secret
    row.set_at, row.checked_at, row.error, row.error_hint = timezone.now(), None, "", ""
    row.save()


def endpoint_of(api_url: str) -> str:
    """`https://host:port`, which a token is bound to; "" where there is none."""
    try:
        target = Target.of(api_url)
    except InputError:
        return ""
    return f"{target.scheme}://{target.host}:{target.port}"


def _check_may_change(row: ForgeConnection, new: NewConnection) -> None:
    """A number means another pull request elsewhere, so those that are open are ended where they are."""
    is_same = (row.kind, row.api_url.rstrip("/"), row.path) == (new.kind, new.api_url.rstrip("/"), new.path)
    if is_same and (row.token or row.kind == BUILT_IN):
        return
    open_here = Promotion.objects.filter(repository=row.repository, phase__in=AT_ITS_FORGE).count()
    if open_here:
        noun = "promotion is" if open_here == 1 else "promotions are"
        raise PromotionDenied(
            f"{open_here} {noun} under way in this repository. Merge or close them first: their pull "
            "requests lie where they were opened."
        )


def _told(row: ForgeConnection) -> dict[str, str]:
    return {"kind": row.kind, "api_url": row.api_url, "path": row.path}


def remove_forge(repository: Repository, *, by: Person) -> None:
    """Back to the review that is built in; token and webhook secret are deleted. Raises PromotionDenied."""
    row = ForgeConnection.objects.filter(repository=repository).first()
    if row is None:
        return
    with transaction.atomic():
        if row.kind != BUILT_IN and row.token:
            _check_may_change(row, NewConnection(BUILT_IN))
        jobs.forget(CHECK, row.pk)
        audit.record(by, "removed the connection to a forge", repository, before=_told(row))
        row.delete()


def make_secret(repository: Repository, *, by: Person) -> str:
    """A new secret for webhooks, told once; the old one is worth nothing from now on."""
    secret = secrets.token_urlsafe(SECRET_BYTES)
    with transaction.atomic():
        row, _ = ForgeConnection.objects.get_or_create(repository=repository, defaults={"kind": BUILT_IN})
        row.webhook_secret = secret
        row.save(update_fields=["webhook_secret"])
        audit.record(by, "made a new webhook secret", repository)
    return secret


# --- looked into by a worker ------------------------------------------------------------------------------


def ask_check(row: ForgeConnection) -> None:
    jobs.ask(CHECK, row.pk, label=f"{row.get_kind_display()} of {row.repository.name}")


def check_connection(row: ForgeConnection, forge: Checkable) -> None:
    """
    Ask the forge what the token may do and store what is wrong. Raises ForgeError for what may pass.
    """
    problem, hint = "", ""
    failure: ForgeError | None = None
    try:
        found = forge.check()
        problem, hint = found.problem, found.hint
    except ForgeError as error:
        problem, hint, failure = error.message, error.hint, error
    rows = ForgeConnection.objects.filter(pk=row.pk, set_at=row.set_at)
    rows.update(
        checked_at=timezone.now(),
        error=clean_text(problem, limit=1_000),
        error_hint=clean_text(hint, limit=500),
    )
    if failure is not None and not failure.permanent:
        raise failure


def ask_detect(repository: Repository, *, by: Person) -> None:
    """Have a worker find out which forge this is."""
    audit.record(by, "asked which forge it is", repository)
    jobs.ask(DETECT, repository.pk, label=f"forge of {repository.name}")


def detect_forge(repository: Repository, probe: Callable[[str], FoundForge | None]) -> None:
    """
    Fill in what the host says it is; a connection that is in use stays as it is. Nothing is made on the forge
    before somebody stores a token. Raises ForgeError for what may pass by itself.
    """
    failure: ForgeError | None = None
    found: FoundForge | None = None
    try:
        found = probe(repository.url)
    except ForgeError as error:
        failure = error
    row, _ = ForgeConnection.objects.get_or_create(repository=repository, defaults={"kind": BUILT_IN})
    if row.token:
        return
    if found is not None:
        row.kind, row.api_url, row.path = found.kind, found.api_url, found.path
        row.error = row.error_hint = ""
    else:
        row.kind = BUILT_IN
        row.error = (
            failure.message if failure else f"{repository.host} is no GitHub, GitLab, Gitea or Forgejo."
        )
        row.error_hint = "Choose it by hand, or stay with the review that is built in."
    row.checked_at = timezone.now()
    row.save()
    if failure is not None and not failure.permanent:
        raise failure
