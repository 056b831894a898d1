"""People, the projects they work on, and what each may do in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser


class Role(models.TextChoices):
    """What a person may do, each including the ones before it."""

    VIEWER = "viewer", "viewer"  # looks
    PROMOTER = "promoter", "promoter"  # proposes promotions, asks for checks
    APPROVER = "approver", "approver"  # approves promotions
    ADMIN = "admin", "admin"  # connects repositories and clusters, gives roles

    @property
    def rank(self) -> int:
        return list(Role).index(self)

    def includes(self, other: Role) -> bool:
        return self.rank >= other.rank


class Person(AbstractUser):
    """Somebody who signs in. A superuser is an administrator of every project."""

    class Meta:
        verbose_name_plural = "people"

    def find_role(self, project: Project | None = None, environment: str = "") -> Role | None:
        """
        The strongest role in `project`, or in any project where None is given; None without one. With the
        name of an environment the role that holds there.
        """
        if not self.is_active:
            return None
        if self.is_superuser:
            return Role.ADMIN
        # Compared here, not in the database: what a request has read once serves all its questions.
        wanted = (None, project.pk) if project is not None else None
        bindings = self.role_bindings.all()
        roles = [one.role_in(environment) for one in bindings if wanted is None or one.project_id in wanted]
        return max(roles, key=lambda role: role.rank, default=None)

    def find_projects(self) -> list[Project]:
        """Those the person may see, by name. With bindings read along with their projects: no query."""
        if self.sees_all_projects:
            return list(Project.objects.all())
        bindings = self.role_bindings.all() if self.is_active else []
        found = {one.project_id: one.project for one in bindings if one.project is not None}
        return sorted(found.values(), key=lambda project: project.name)

    @property
    def sees_all_projects(self) -> bool:
        """Whether the person is active and has a role in all projects, not only in some."""
        if not self.is_active:
            return False
        return self.is_superuser or any(one.project_id is None for one in self.role_bindings.all())

    @property
    def keeps_accounts(self) -> bool:
        """Whether the person administers all projects: accounts belong to none of them."""
        if not self.is_active:
            return False
        bindings = self.role_bindings.all()
        return self.is_superuser or any(one.project_id is None and one.role == Role.ADMIN for one in bindings)


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Person | AnonymousUser) -> ProjectQuerySet:
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.sees_all_projects:
            return self
        return self.filter(pk__in=[one.project_id for one in user.role_bindings.all()])


class Project(models.Model):
    """A team's product: its repositories, components and ordered environments; the scope of a role."""

    name = models.CharField(max_length=100, unique=True)
    slug = models.SlugField(max_length=100, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RoleBinding(models.Model):
    """
    A person has a role in a project, or in all of them where `project` is None.

    To promote into and approve for an environment is a right of its own: with `environments` the role holds
    in these, and in the others the person looks. An administrator is one everywhere.
    """

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="role_bindings")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="role_bindings", null=True, blank=True
    )
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    environments = models.JSONField(default=list, blank=True, help_text="names; empty: in all of them")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "project"], name="a_person_has_one_role_in_a_project"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(project=None), name="a_person_has_one_role_in_all_projects"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} is {self.role} in {self.project or 'all projects'}"

    def role_in(self, environment: str) -> Role:
        """The role in the environment of that name; "" asks for what it is anywhere."""
        role = Role(self.role)
        if not environment or not self.environments or role is Role.ADMIN:
            return role
        return role if environment in self.environments else Role.VIEWER
