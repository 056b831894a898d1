"""
The key in the addresses of feeds and badges, which programs read that cannot sign in.

It is a signature over the project and its last rotation in the audit trail, whose rows are never deleted:
nothing is stored that could be read from a backup.
"""

from __future__ import annotations

from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from apps.accounts.models import Project
from apps.core.models import AuditEvent

ROTATED = "rotated feed addresses"
_SALT = "gitopsui.releases.feeds"


def feed_key(project: Project) -> str:
    """Letters, digits, `-` and `_`; another one after each rotation."""
    events = AuditEvent.objects.filter(object_type=project._meta.label, object_id=str(project.pk))
    last = events.filter(verb=ROTATED).order_by("-pk").values_list("pk", flat=True).first()
    return Signer(salt=_SALT).signature(f"{project.pk}:{last or 0}")


def find_project(slug: str, key: str) -> Project | None:
    """The project whose key this is now."""
    project = Project.objects.filter(slug=slug).first()
    return project if project is not None and constant_time_compare(feed_key(project), key) else None
