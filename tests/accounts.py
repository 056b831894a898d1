"""The accounts every view is tried with: one of each role, one in another project, and nobody."""

from __future__ import annotations

from apps.accounts.models import Person, Project, Role, RoleBinding


def make_person(name: str, role: Role | None, project: Project | None = None) -> Person:
    """An account with `role` in `project`, in all projects where that is None."""
    person = Person.objects.create_user(username=name, password="correct horse battery")
    if role is not None:
        RoleBinding.objects.create(person=person, project=project, role=role)
    return person


def make_people(project: Project) -> dict[str, Person]:
    """`viewer`, `proposer`, `approver` and `admin` of `project`, and a `stranger` of another one."""
    roles = {
        "viewer": Role.VIEWER,
        "proposer": Role.PROMOTER,
        "approver": Role.APPROVER,
        "admin": Role.ADMIN,
    }
    people = {name: make_person(name, role, project) for name, role in roles.items()}
    other = Project.objects.create(name="other", slug="other")
    return people | {"stranger": make_person("stranger", Role.ADMIN, other)}
