"""Keys are trusted, and not any more. Tags are then checked again; each act is in the audit trail."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.core import audit
from apps.releases.models import Release, TrustedKey
from gitopsui.domain.errors import InputError
from gitopsui.domain.public_key import PublicKey
from gitopsui.domain.text import visible

MOST_KEYS = 100


@transaction.atomic
def add_trusted_key(project: Project, key: PublicKey, *, by: Person) -> TrustedKey:
    """
    Trust `key`; one that is trusted already is brought up to date, as when its time was prolonged.

    Raises InputError KEY_TOO_MANY.
    """
    known = TrustedKey.objects.filter(project=project, fingerprint=key.fingerprint).first()
    if known is None and TrustedKey.objects.filter(project=project).count() >= MOST_KEYS:
        message = f"A project trusts {MOST_KEYS} keys at most: remove one that is not needed any more."
        raise InputError(message, code="KEY_TOO_MANY", field="text")
    before = _told(known) if known else None
    row, _ = TrustedKey.objects.update_or_create(
        project=project,
        fingerprint=key.fingerprint,
        defaults={
            "format": key.format.value,
            "text": key.text,
            "owner": key.owner,
            "expires_at": key.expires_at,
            "added_by": by.get_username(),
            "added_at": timezone.now(),
        },
    )
    verb = "renewed trusted key" if known else "added trusted key"
    audit.record(by, verb, row, label=_label(row), before=before, after=_told(row))
    return row


@transaction.atomic
def remove_trusted_key(row: TrustedKey, *, by: Person) -> None:
    """What it signed is good no more from this moment on; what it is instead the workers find out."""
    audit.record(by, "removed trusted key", row, label=_label(row), before=_told(row))
    signed = Release.objects.filter(component__project=row.project, signature__fingerprint=row.fingerprint)
    signed.update(signature=None)
    row.delete()


def _label(row: TrustedKey) -> str:
    return f"{visible(row.owner)} ({row.get_format_display()})"


def _told(row: TrustedKey) -> dict[str, str]:
    return {
        "owner": row.owner,
        "kind": row.get_format_display(),
        "fingerprint": row.fingerprint,
        "expires": row.expires_at.isoformat() if row.expires_at else "never",
    }
