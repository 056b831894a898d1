"""People are made, given roles and shut out here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils.text import slugify

from apps.accounts.models import Person, Project, Role, RoleBinding
from apps.core import audit


def make_first_administrator(username: str, password: str) -> Person | None:
    """The first account of all; None when there is one already, however many ask at once."""
    with transaction.atomic():
        if Person.objects.select_for_update().exists():
            return None
        person = Person.objects.create_superuser(username=username, password=password)
        audit.record(person, "made the first administrator", person)
    return person


def save_person(
    person: Person | None,
    *,
    username: str,
    password: str,
    role: Role,
    is_active: bool,
    by: Person,
    environments: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> Person:
    """
    Make or change an account; its role holds in all projects, in these environments or in all of them. An
    empty password keeps the old one; a group that is new is made.
    """
    with transaction.atomic():
        is_new = person is None
        person = person or Person(username=username)
        before = None if is_new else _told(person)
        person.username, person.is_active = username, is_active
        person.is_superuser = person.is_superuser and role is Role.ADMIN
        if password:
            person.set_password(password)
        person.save()
        where = [] if role in (Role.ADMIN, Role.VIEWER) else sorted(set(environments))
        defaults = {"role": role, "environments": where}
        RoleBinding.objects.update_or_create(person=person, project=None, defaults=defaults)
        person.groups.set([Group.objects.get_or_create(name=name)[0] for name in sorted(set(groups))])
        after = _told(Person.objects.get(pk=person.pk))
        audit.record(by, "added person" if is_new else "changed person", person, before=before, after=after)
    return person


def _told(person: Person) -> dict[str, Any]:
    binding = person.role_bindings.filter(project=None).first()
    return {
        "role": person.find_role(),
        "environments": binding.environments if binding else [],
        "groups": sorted(person.groups.values_list("name", flat=True)),
        "is_active": person.is_active,
    }


def find_or_make_project(name: str) -> Project:
    """The project of that name, made if it is new."""
    known = Project.objects.filter(name=name).first()
    if known is not None:
        return known
    slug = unique = slugify(name)[:90] or "project"
    number = 1
    while Project.objects.filter(slug=unique).exists():
        number += 1
        unique = f"{slug}-{number}"
    return Project.objects.create(name=name, slug=unique)
