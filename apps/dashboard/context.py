"""What every page shows around its content: the projects, who is signed in, and what needs attention."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import Person, Project
from apps.core.models import Heartbeat, Job, JobState
from apps.environments.models import Cluster

THEMES = ("light", "dark")
SILENCE = timedelta(minutes=3)
_NAV = {
    "board": "board", "board-table": "board", "component-detail": "board", "application-detail": "board",
    "release-list": "releases", "release-detail": "releases",
    "repository": "repositories", "cluster": "clusters", "job": "jobs",
    "people": "people", "person": "people", "set": "set-up",
}  # fmt: skip


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context of templates/base.html. Nothing here is read before a template asks for it."""
    theme = request.COOKIES.get("theme", "")
    values: dict[str, Any] = {"theme": theme if theme in THEMES else "", "nav": _nav(request)}
    user = getattr(request, "user", None)
    if not isinstance(user, Person):
        return values
    projects = SimpleLazyObject(lambda: list(Project.objects.visible_to(user)))
    return values | {
        "projects": projects,
        "project": SimpleLazyObject(lambda: current_project(request, user)),
        "user_role": SimpleLazyObject(lambda: user.find_role() or ""),
        "standin_note": SimpleLazyObject(lambda: _standin_note(user)),
        "attention": SimpleLazyObject(attention),
    }


def _nav(request: HttpRequest) -> str:
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    return _NAV.get(name) or _NAV.get(name.partition("-")[0], "")


def current_project(request: HttpRequest, user: Person) -> Project | None:
    """The project of the address, else the one looked at last, else the first."""
    visible = Project.objects.visible_to(user)
    match = request.resolver_match
    slug = (match.kwargs.get("slug") if match else None) or request.session.get("project", "")
    return visible.filter(slug=slug).first() or visible.first()


def _standin_note(user: Person) -> str:
    if Cluster.objects.visible_to(user).filter(version__contains="standin").exists():
        return "Demo: the clusters are stand-ins on this machine, made to look like Kubernetes."
    return ""


def attention() -> list[dict[str, str]]:
    """What is wrong with gitopsui itself, in sentences."""
    found = []
    held = Job.objects.filter(state=JobState.QUARANTINED).count()
    if held:
        words = "1 job is" if held == 1 else f"{held} jobs are"
        found.append(
            {
                "text": f"{words} held back after three starts without an end.",
                "url": "/jobs/?state=quarantined",
            }
        )
    beat = Heartbeat.objects.filter(name="worker").values_list("beat_at", flat=True).first()
    if beat is not None and timezone.now() - beat > SILENCE:
        text = f"No worker has answered since {beat:%H:%M} UTC, so nothing is refreshed."
        found.append({"text": text, "url": "/jobs/"})
    return found
