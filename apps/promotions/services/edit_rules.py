"""Changes how an application is promoted: by its image, by a named value, or by copying a folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Person, Role
from apps.accounts.permissions import has_role
from apps.core import audit, jobs
from apps.environments.models import Application
from apps.promotions.models import EditRule
from apps.promotions.services.targets import PREPARE
from gitopsui.domain.edit_way import EditWay
from gitopsui.domain.errors import PromotionDenied

_BLANK: Mapping[str, Any] = {
    "path": "", "field_path": "", "source": None, "source_path": "", "only": [], "keep": [],
}  # fmt: skip
_READ: Mapping[str, tuple[str, ...]] = {
    EditWay.FIELD: ("path", "field_path"),
    EditWay.FOLDER: ("path", "source", "source_path", "only", "keep"),
}


@transaction.atomic
def save_rule(application: Application, values: Mapping[str, Any], *, by: Person) -> EditRule:
    """
    Store what `values` says: `way` and the fields of that way. What was read of the old way is forgotten and
    read anew by a worker. Raises PromotionDenied.
    """
    if not has_role(by, Role.ADMIN, application.component.project):
        raise PromotionDenied(f"Only an administrator may change how {application} is promoted.")
    rule = EditRule.objects.filter(application=application).first() or EditRule(application=application)
    before = _told(rule)
    rule.way = values["way"]
    for name, blank in _BLANK.items():
        setattr(rule, name, values[name] if name in _READ.get(rule.way, ()) else blank)
    rule.set_by, rule.set_at = by.get_username(), timezone.now()
    rule.save()
    audit.record_change(by, "changed how it is promoted", application, before=before, after=_told(rule))
    read_again(application)
    return rule


def read_again(application: Application) -> None:
    """Have a worker read what a promotion of it would edit now."""
    application.edit_targets.all().delete()
    jobs.ask(PREPARE, application.pk, label=f"files of {application}")


def _told(rule: EditRule) -> dict[str, Any]:
    """The rule for the record, in the words of its form."""
    told = {name: getattr(rule, name) for name in ("way", *_BLANK)}
    return told | {"source": str(rule.source) if rule.source else ""}
