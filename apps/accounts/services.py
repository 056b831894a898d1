"""People are made, given roles and shut out here."""

from __future__ import annotations

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
    person: Person | None, *, username: str, password: str, role: Role, is_active: bool, by: Person
) -> Person:
    """Make or change an account; its role holds in all projects. An empty password keeps the old one."""
    with transaction.atomic():
        is_new = person is None
        person = person or Person(username=username)
        before = {"role": person.find_role() if not is_new else None, "is_active": person.is_active}
        person.username, person.is_active = username, is_active
        person.is_superuser = person.is_superuser and role is Role.ADMIN
        if password:
            person.set_password(password)
        person.save()
        RoleBinding.objects.update_or_create(person=person, project=None, defaults={"role": role})
        after = {"role": role, "is_active": is_active}
        audit.record(by, "added person" if is_new else "changed person", person, before=before, after=after)
    return person


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
