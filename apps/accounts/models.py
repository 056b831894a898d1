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

    def find_role(self, project: Project | None = None) -> Role | None:
        """The strongest role in `project`, or in any project where None is given; None without one."""
        if not self.is_active:
            return None
        if self.is_superuser:
            return Role.ADMIN
        bindings = self.role_bindings.all()
        if project is not None:
            bindings = bindings.filter(Q(project=project) | Q(project=None))
        roles = [Role(binding.role) for binding in bindings]
        return max(roles, key=lambda role: role.rank, default=None)


class ProjectQuerySet(models.QuerySet["Project"]):
    def visible_to(self, user: Person | AnonymousUser) -> ProjectQuerySet:
        if not user.is_authenticated or not user.is_active:
            return self.none()
        if user.is_superuser or user.role_bindings.filter(project=None).exists():
            return self
        return self.filter(role_bindings__person=user).distinct()


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
    """A person has a role in a project, or in all of them where `project` is None."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="role_bindings")
    project = models.ForeignKey(
        Project, on_delete=models.CASCADE, related_name="role_bindings", null=True, blank=True
    )
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["person", "project"], name="a_person_has_one_role_in_a_project"),
            models.UniqueConstraint(
                fields=["person"], condition=Q(project=None), name="a_person_has_one_role_in_all_projects"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} is {self.role} in {self.project or 'all projects'}"
