"""Find: from a commit, a pull request, an issue or a word to the environments that have it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.accounts.permissions import find_project, requires
from apps.releases.selectors.find import EXAMPLES, find_change, heading_of

MOST_CHARS = 200


@requires(Role.VIEWER)
@require_safe
def find(request: HttpRequest, slug: str) -> HttpResponse:
    project = find_project(request, slug)
    query = request.GET.get("q", "").replace("\0", "").strip()[:MOST_CHARS]
    answer = find_change(project, query)
    context = {
        "project": project,
        "query": query,
        "answer": answer,
        "heading": heading_of(answer),
        "first": answer.matches[0] if answer.matches else None,
        "rest": answer.matches[1:],
        "examples": EXAMPLES,
    }
    return render(request, "releases/find.html", context)
