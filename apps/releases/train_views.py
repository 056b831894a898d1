"""A release train: what all components of one environment would bring into another."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from apps.accounts.models import Project, Role
from apps.accounts.permissions import find_project, requires
from apps.releases.selectors import overrides
from apps.releases.selectors.compared import train_data, train_html, train_markdown
from apps.releases.selectors.train import Train, read_train
from gitopsui.domain.note_overrides import Audience

MARKDOWN = "text/markdown; charset=utf-8"
HTML = "text/html; charset=utf-8"
LANGUAGE_CHARS = 16


@requires(Role.VIEWER)
@require_safe
def compare_train(request: HttpRequest, slug: str) -> HttpResponse:
    """All components between two environments, on one page or as a file."""
    project = find_project(request, slug)
    names = list(project.environments.values_list("name", flat=True))
    source, target = _find_sides(request, names)
    audience = overrides.audience_of(request.GET.get("audience", ""))
    wanted = request.GET.get("format", "")
    train = _read(request, project, source, target, audience) if source and target else None
    if train is not None and wanted:
        return _exported(train, source, target, wanted, is_public=audience is Audience.PUBLIC)
    context = {
        "project": project,
        "environments": names,
        "source": source,
        "target": target,
        "train": train,
        "audiences": overrides.audience_links(request.GET.dict(), audience),
        "is_for_customers": audience is Audience.PUBLIC,
        "address": urlencode({"from": source, "into": target, "audience": audience.value}),
        "swap_url": f"{reverse('compare-train', args=[slug])}?{urlencode({'from': target, 'into': source})}",
    }
    return render(request, "releases/compare_train.html", context)


def _find_sides(request: HttpRequest, names: list[str]) -> tuple[str, str]:
    """The two environments of the address, else the last two of the project; "" where there are none."""
    source = request.GET.get("from", names[-2] if len(names) > 1 else "")
    target = request.GET.get("into", names[-1] if len(names) > 1 else "")
    if names and not {source, target} <= {*names, ""}:
        raise Http404("There is no such environment.")
    return source, target


def _read(request: HttpRequest, project: Project, source: str, target: str, audience: Audience) -> Train:
    language = request.GET.get("language", "")[:LANGUAGE_CHARS]
    is_file = bool(request.GET.get("format"))
    return read_train(project, source, target, audience=audience, language=language, is_whole=is_file)


def _exported(train: Train, source: str, target: str, wanted: str, *, is_public: bool) -> HttpResponse:
    if wanted == "md":
        heading = f"From {source} into {target}"
        return HttpResponse(train_markdown(train, heading, is_public=is_public), content_type=MARKDOWN)
    if wanted == "html":
        return HttpResponse(train_html(train, is_public=is_public), content_type=HTML)
    if wanted != "json":
        raise Http404("It can be had as md, html or json.")
    return JsonResponse(train_data(train, source, target, is_public=is_public))
