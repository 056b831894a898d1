"""What each view asks of the person in front of it. A view that declares nothing is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from django.http import HttpRequest
from django.shortcuts import get_object_or_404

from apps.accounts.models import Person, Project, Role

View = TypeVar("View", bound=Callable[..., Any])
PUBLIC = "public"


def requires(permission: Role | str) -> Callable[[View], View]:
    """Declare that a view needs `permission`: PUBLIC, or a role in any project. Scope is checked inside."""

    def declare(view: View) -> View:
        view.permission = permission  # type: ignore[attr-defined]
        return view

    return declare


def person_of(request: HttpRequest) -> Person:
    """The signed-in person; the middleware has made sure that there is one."""
    user = request.user
    if not isinstance(user, Person):
        raise TypeError("A view that asks for a person must not be public.")
    return user


def find_project(request: HttpRequest, slug: str) -> Project:
    """The project of the address. Raises Http404 for one that the person may not see, as for none."""
    return get_object_or_404(Project.objects.visible_to(person_of(request)), slug=slug)


def has_role(person: Person, role: Role, project: Project | None = None, *, environment: str = "") -> bool:
    """
    Whether `person` has `role` or a stronger one in `project` (in any project where None), and with the name
    of an environment also there.
    """
    held = person.find_role(project, environment)
    return held is not None and held.includes(role)
