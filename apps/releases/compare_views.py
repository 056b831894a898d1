"""What changes between two versions of a component."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.environments.models import Component
from apps.releases.selectors import overrides
from apps.releases.selectors import releases as release_pages
from apps.releases.selectors.asked import (
    SIDES,
    NotFound,
    Side,
    asked_for,
    find_key,
    list_tags,
    side_of,
)
from apps.releases.selectors.compared import as_data, as_html, as_markdown
from apps.releases.selectors.comparison import (
    Comparison,
    as_rows,
    compare_points,
    describe_arrivals,
    heading_of,
)
from apps.releases.selectors.config_ranges import read_range
from apps.releases.selectors.deployed import has_manifests, read_images, read_manifests
from apps.releases.selectors.links import host_links
from apps.releases.selectors.points import Choice, Point, choices_of, find_point
from apps.releases.selectors.standing import linked_notes, with_addresses, with_branches
from apps.releases.selectors.versions import find_releases
from gitopsui.domain.note_overrides import Audience

MARKDOWN = "text/markdown; charset=utf-8"
HTML = "text/html; charset=utf-8"
FORMATS = "It can be had as md, html or json."


@requires(Role.VIEWER)
@require_safe
def compare(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    """What would arrive in one version if another took its place, what is there already, what is lost."""
    visible = Component.objects.visible_to(person_of(request)).select_related("project", "source")
    component = get_object_or_404(visible, project__slug=slug, slug=component_slug)
    places, releases = choices_of(component)
    asked = _read_asked(request, component, places)
    if isinstance(asked, str):
        return redirect(f"{request.path}?{asked}")
    source, target = _find_sides(request, component, places, releases)
    comparison = None
    if source and target:
        comparison = compare_points(component, source, target, in_full=True)
    if comparison is not None and comparison.is_known and (wanted := request.GET.get("format")):
        return _exported(request, component, comparison, wanted)
    context = {
        "project": component.project,
        "component": release_pages.component_place(component),
        "places": places,
        "releases": releases,
        "listed": {choice.key for choice in (*places, *releases)},
        "source": source,
        "target": target,
        "audience": overrides.audience_of(request.GET.get("audience", "")).value,
        "heading": f"Compare versions of {component.name}",
        **_fields(component, asked, (source, target)),
        **(_told(request, component, comparison) if comparison else {}),
    }
    return render(request, "releases/compare.html", context)


def _read_asked(request: HttpRequest, component: Component, places: list[Choice]) -> str | Side | None:
    """The address of what was typed for a side; the side with its error; None where nothing was typed."""
    name = request.GET.get("side", "")
    if name not in SIDES:
        return None
    asked = request.GET.dict()
    try:
        found = find_key(component, places, asked, timezone.now())
    except NotFound as error:
        return Side(name, asked, asked_for(asked), str(error))
    kept = {key: value for key in (*SIDES, "audience") if (value := asked.get(key))}
    return urlencode({**kept, name: found})


def _fields(
    component: Component, asked: Side | None, points: tuple[Point | None, Point | None]
) -> dict[str, Any]:
    """What each side is typed into, holding what it is or what was refused."""
    named = zip(SIDES, points, strict=True)
    sides = [side_of(name, point, asked) for name, point in named]
    return {"sides": sides, "sides_open": asked is not None, "tags": list_tags(component)}


def _find_sides(
    request: HttpRequest, component: Component, places: list[Choice], releases: list[Choice]
) -> tuple[Point | None, Point | None]:
    """The two sides of the address; without them the last two environments, else the last two releases."""
    choices = places if len(places) > 1 else releases[:2]
    default_source, default_target = (choices[-2].key, choices[-1].key) if len(choices) > 1 else ("", "")
    asked = (request.GET.get("from", default_source), request.GET.get("into", default_target))
    found = [find_point(component, key) if key else None for key in asked]
    for key, point in zip(asked, found, strict=True):
        if key and point is None:
            raise Http404(f"There is no {key!r} of {component.name} to compare.")
    return found[0], found[1]


def _told(request: HttpRequest, component: Component, comparison: Comparison) -> dict[str, Any]:
    source, target = comparison.source, comparison.target
    audience = overrides.audience_of(request.GET.get("audience", ""))
    notes = _shown(request, component, comparison)
    already, lost = with_branches(
        component, *(with_addresses(component, lines) for lines in (comparison.already, comparison.lost))
    )
    releases = find_releases(component, (source.version, target.version))
    if has_role(person_of(request), Role.PROMOTER, component.project):
        overrides.with_edit_urls(notes, component)
    return {
        "comparison": comparison,
        "heading": heading_of(comparison),
        "arrivals": describe_arrivals(comparison.notes),
        "notes": notes,
        "notes_hint": f"{target.title} has every change of {source.title} already.",
        "audiences": overrides.audience_links(request.GET.dict(), audience) if comparison.is_known else [],
        "is_for_customers": audience is Audience.PUBLIC,
        "already": as_rows(already),
        "lost": as_rows(lost),
        "source_url": host_links(component).commit(source.sha),
        "target_url": host_links(component).commit(target.sha),
        "source_release": releases.get(source.version),
        "target_release": releases.get(target.version),
        "config": read_range(component, source, target),
        **_deployed(request, component, comparison),
        "swap_url": f"?{urlencode({'from': target.key, 'into': source.key})}",
        "address": urlencode({"from": source.key, "into": target.key, "audience": audience.value}),
    }


def _deployed(request: HttpRequest, component: Component, comparison: Comparison) -> dict[str, Any]:
    """The images of both sides, and where it is asked for their manifests; customers read of neither."""
    source, target = comparison.source, comparison.target
    if overrides.audience_of(request.GET.get("audience", "")) is Audience.PUBLIC:
        return {"images": [], "has_manifests": False}
    is_open = has_manifests(source, target) and request.GET.get("show") == "manifests"
    return {
        "images": read_images(component, source, target),
        "has_manifests": has_manifests(source, target),
        "manifests": read_manifests(component, source, target, is_unified=True) if is_open else None,
    }


def _shown(request: HttpRequest, component: Component, comparison: Comparison) -> dict[str, Any]:
    """The notes with what people said about them, for the audience of the address."""
    audience = overrides.audience_of(request.GET.get("audience", ""))
    language = request.GET.get("language", "")[:16]
    notes = linked_notes(component, comparison.notes)
    return overrides.shown_notes(component, notes, audience=audience, language=language)


def _exported(
    request: HttpRequest, component: Component, comparison: Comparison, wanted: str
) -> HttpResponse:
    """A file; customers get the notes alone, without what is already there or would be lost."""
    notes = _shown(request, component, comparison)
    is_public = overrides.audience_of(request.GET.get("audience", "")) is Audience.PUBLIC
    if wanted == "md":
        return HttpResponse(as_markdown(comparison, notes, is_public=is_public), content_type=MARKDOWN)
    if wanted == "html":
        return HttpResponse(as_html(notes, is_public=is_public), content_type=HTML)
    if wanted != "json":
        raise Http404(FORMATS)
    config = [] if is_public else read_range(component, comparison.source, comparison.target).rows
    return JsonResponse(as_data(comparison, notes, config, is_public=is_public))
