"""What every page shows around its content: the projects, who is signed in, and what needs attention."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from apps.accounts.models import Person, Project
from apps.accounts.permissions import person_of
from apps.dashboard.signs import Signs, read_signs

THEMES = ("light", "dark")
SILENCE = timedelta(minutes=3)
STANDIN_NOTE = "Demo: the clusters are stand-ins on this machine, made to look like Kubernetes."
_NAV = {
    "board": "board", "application": "board", "drift": "board", "find": "find",
    "release": "releases", "compare": "releases", "component": "releases", "changelog": "releases",
    "note": "releases", "feeds": "releases",
    "promotion": "promotions", "environment": "promotions", "freeze": "promotions", "lock": "promotions",
    "rollback": "promotions", "silence": "silences",
    "activity": "activity",
    "repository": "repositories", "cluster": "clusters", "job": "jobs",
    "people": "people", "person": "people", "set": "set-up", "trusted": "keys",
}  # fmt: skip


def shell(request: HttpRequest) -> dict[str, Any]:
    """The context of templates/base.html. Nothing here is read before a template asks for it."""
    theme = request.COOKIES.get("theme", "")
    values: dict[str, Any] = {"theme": theme if theme in THEMES else "", "nav": _nav(request)}
    user = getattr(request, "user", None)
    if not isinstance(user, Person):
        return values
    signs = SimpleLazyObject(lambda: signs_of(request))
    return values | {
        "projects": SimpleLazyObject(lambda: projects_of(request)),
        "project": SimpleLazyObject(lambda: current_project(request)),
        "user_role": SimpleLazyObject(lambda: user.find_role() or ""),
        "keeps_accounts": SimpleLazyObject(lambda: user.keeps_accounts),
        "standin_note": SimpleLazyObject(lambda: STANDIN_NOTE if signs.has_standin else ""),
        "attention": SimpleLazyObject(lambda: attention(signs_of(request))),
    }


def projects_of(request: HttpRequest) -> list[Project]:
    """The projects the person may see, by name; read once in a request."""
    known: list[Project] | None = getattr(request, "visible_projects", None)
    if known is None:
        known = person_of(request).find_projects()
        request.visible_projects = known  # type: ignore[attr-defined]
    return known


def signs_of(request: HttpRequest, project: Project | None = None) -> Signs:
    """What the frame of the page tells; a view that needs it too asks before its template, with a project."""
    known: Signs | None = getattr(request, "signs", None)
    if known is None:
        known = read_signs(person_of(request), project)
        request.signs = known  # type: ignore[attr-defined]
    return known


def _nav(request: HttpRequest) -> str:
    match = request.resolver_match
    name = (match.url_name or "") if match else ""
    return _NAV.get(name) or _NAV.get(name.partition("-")[0], "")


def current_project(request: HttpRequest) -> Project | None:
    """The project of the address, else the one looked at last, else the first."""
    visible = projects_of(request)
    match = request.resolver_match
    slug = (match.kwargs.get("slug") if match else None) or request.session.get("project", "")
    return next((project for project in visible if project.slug == slug), visible[0] if visible else None)


def attention(signs: Signs) -> list[dict[str, str]]:
    """What is wrong with gitopsui itself, in sentences: jobs held back, workers that are silent."""
    found, held = [], signs.held_count
    if held:
        words = "1 job is" if held == 1 else f"{held} jobs are"
        found.append(
            {
                "text": f"{words} held back after three starts without an end.",
                "url": "/jobs/?state=quarantined",
            }
        )
    silent = [
        ("No worker has", signs.beat_at, "nothing is refreshed"),
        ("The workers of promotions have not", signs.promotions_beat_at, "none of them moves on"),
    ]
    for who, beat_at, so in silent:
        if beat_at is not None and timezone.now() - beat_at > SILENCE:
            text = f"{who} answered since {beat_at:%H:%M} UTC, so {so}."
            found.append({"text": text, "url": "/jobs/"})
    return found
