"""What leaves the program: notes as files, feeds, badges, and the public page of a component."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Project, Role
from apps.accounts.permissions import PUBLIC, has_role, person_of, requires
from apps.environments.models import Component, Environment
from apps.releases import rendering
from apps.releases.models import Release
from apps.releases.selectors import published
from apps.releases.selectors.feed_keys import feed_key, find_project
from apps.releases.selectors.overrides import audience_of, shown_notes
from apps.releases.selectors.release_facts import image_data, issues_of, read_image
from apps.releases.selectors.releases import component_url
from apps.releases.services.feed_keys import rotate_feed_key
from gitopsui.domain.atom import MEDIA_TYPE, to_atom
from gitopsui.domain.badge import draw_badge
from gitopsui.domain.note_overrides import Audience, from_dict, without_internals
from gitopsui.domain.notes import to_html, to_markdown

SVG = "image/svg+xml; charset=utf-8"
HTML = "text/html; charset=utf-8"
FRESH_SECONDS = 60
LANGUAGE_CHARS = 16


@requires(Role.VIEWER)
@require_safe
def release_notes(request: HttpRequest, pk: int, form: str) -> HttpResponse:
    """The notes of a release as a file: `?audience=public` as customers read them."""
    visible = Release.objects.visible_to(person_of(request))
    release = get_object_or_404(visible.select_related("component__project", "component__source"), pk=pk)
    audience = audience_of(request.GET.get("audience", ""))
    notes = shown_notes(
        release.component, release.notes or {}, audience=audience, language=_language(request)
    )
    if notes["is_withheld"]:
        release.introduction = release.introduction_html = ""
    if audience is Audience.PUBLIC:
        notes = without_internals(notes)
    if form == "json":
        return HttpResponse(_as_json(release, notes, audience), content_type="application/json")
    if form == "html":
        lead = rendering.as_safe_markdown(release.introduction_html)
        return HttpResponse(lead + to_html(from_dict(notes)), content_type=HTML)
    parts = [release.introduction, notes.get("lead", ""), to_markdown(from_dict(notes))]
    return HttpResponse(
        "\n\n".join(part for part in parts if part), content_type="text/markdown; charset=utf-8"
    )


def _as_json(release: Release, notes: dict[str, Any], audience: Audience) -> str:
    facts: dict[str, Any] = {
        "component": release.component.name,
        "version": release.version,
        "tag": release.tag,
        "released_at": release.dated_at.isoformat() if release.dated_at else None,
        "audience": audience.value,
        "introduction": release.introduction,
        "is_bad": release.is_bad,
        "notes": notes,
    }
    if audience is not Audience.PUBLIC:
        facts |= {
            "commit": release.commit_sha,
            "bad_reason": release.bad_reason,
            "image": image_data(read_image(release)),
            "issues": [issue._asdict() for issue in issues_of(release, notes)],
        }
    return json.dumps(facts, ensure_ascii=False, indent=1)


def _language(request: HttpRequest) -> str:
    return request.GET.get("language", "")[:LANGUAGE_CHARS]


# ── what needs no sign-in ────────────────────────────────────────────────────


def _answer(request: HttpRequest, body: str, content_type: str) -> HttpResponseBase:
    """The body, or 304 where the reader has it. Nothing in it depends on who asks."""
    response = HttpResponse(body, content_type=content_type)
    etag = quote_etag(hashlib.sha256(body.encode()).hexdigest()[:32])
    response["ETag"] = etag
    response["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    answer = get_conditional_response(request, etag=etag, response=response)
    return answer or response


def _address(name: str, *args: str) -> str:
    """The whole address, from the operator's setting: a header of the request could name another host."""
    return settings.GITOPSUI_URL.rstrip("/") + reverse(name, args=args)


def _host() -> str:
    return urlsplit(settings.GITOPSUI_URL).hostname or "localhost"


def _public_component(slug: str, component_slug: str) -> Component:
    component = published.find_public(slug, component_slug)
    if component is None:
        raise Http404("There is no such page.")
    return component


@requires(PUBLIC)
@require_safe
def public_notes(request: HttpRequest, slug: str, component_slug: str) -> HttpResponseBase:
    """The releases of a component for everybody; 404 unless its administrators opened it."""
    component = _public_component(slug, component_slug)
    told = published.read_told_releases(
        component,
        audience=Audience.PUBLIC,
        language=_language(request),
        limit=published.PUBLIC_RELEASES,
    )
    context = {
        "component_name": component.name,
        "releases": [
            {"told": one, "introduction": rendering.as_safe_markdown(one.introduction_html)} for one in told
        ],
        "feed_url": reverse("public-feed", args=[slug, component_slug]),
    }
    return _answer(request, render_to_string("releases/public_notes.html", context), HTML)


@requires(PUBLIC)
@require_safe
def public_feed(request: HttpRequest, slug: str, component_slug: str) -> HttpResponseBase:
    component = _public_component(slug, component_slug)
    feed = published.component_feed(
        component,
        published.read_told_releases(
            component,
            audience=Audience.PUBLIC,
            language=_language(request),
            limit=published.PUBLIC_RELEASES,
        ),
        host=_host(),
        self_url=_address("public-feed", slug, component_slug),
        url=_address("public-notes", slug, component_slug),
    )
    return _answer(request, to_atom(feed), MEDIA_TYPE)


def _keyed_project(slug: str, key: str) -> Project:
    project = find_project(slug, key)
    if project is None:
        raise Http404("There is no such address, or it was changed.")
    return project


@requires(PUBLIC)
@require_safe
def feed_component(request: HttpRequest, key: str, slug: str, component_slug: str) -> HttpResponseBase:
    """The releases of a component for whoever has the key."""
    project = _keyed_project(slug, key)
    component = get_object_or_404(project.components.select_related("project"), slug=component_slug)
    audience = audience_of(request.GET.get("audience", ""))
    told = published.read_told_releases(
        component, audience=audience, language=_language(request), limit=published.FEED_RELEASES
    )
    feed = published.component_feed(
        component,
        told,
        host=_host(),
        self_url=_address("feed-component", key, slug, component_slug),
        url=_address("component-detail", slug, component_slug),
        url_of=lambda release: _address("release-detail", str(release.pk)),
    )
    return _private(_answer(request, to_atom(feed), MEDIA_TYPE))


@requires(PUBLIC)
@require_safe
def feed_environment(request: HttpRequest, key: str, slug: str, environment: str) -> HttpResponseBase:
    """What was deployed into an environment, for whoever has the key."""
    project = _keyed_project(slug, key)
    place = get_object_or_404(
        Environment.objects.select_related("project"), project=project, name=environment
    )
    feed = published.environment_feed(
        place,
        host=_host(),
        self_url=_address("feed-environment", key, slug, environment),
        url=_address("board", slug),
    )
    return _private(_answer(request, to_atom(feed), MEDIA_TYPE))


@requires(PUBLIC)
@require_safe
def feed_badge(
    request: HttpRequest, key: str, slug: str, component_slug: str, environment: str
) -> HttpResponseBase:
    """Version and status of a component in an environment, for whoever has the key."""
    project = _keyed_project(slug, key)
    component = get_object_or_404(Component, project=project, slug=component_slug)
    place = get_object_or_404(Environment, project=project, name=environment)
    facts = published.badge_facts(component, place, now=timezone.now())
    if facts is None:
        raise Http404("The component is not in this environment.")
    drawn = draw_badge(facts.label, facts.message, facts.tone, title=facts.title, is_stale=facts.is_stale)
    return _private(_answer(request, drawn, SVG))


def _private(response: HttpResponseBase) -> HttpResponseBase:
    """Not for search engines, and the key goes nowhere else."""
    response["X-Robots-Tag"] = "noindex"
    response["Referrer-Policy"] = "no-referrer"
    return response


# ── where they are found ─────────────────────────────────────────────────────


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def feeds(request: HttpRequest, slug: str) -> HttpResponse:
    """The addresses of all feeds and badges of a project; an administrator may change them all at once."""
    person = person_of(request)
    project = get_object_or_404(Project.objects.visible_to(person), slug=slug)
    is_admin = has_role(person, Role.ADMIN, project)
    if request.method == "POST":
        if not is_admin:
            raise PermissionDenied(f"Only an administrator of {project} may change these addresses.")
        rotate_feed_key(project, by=person)
        messages.success(request, "The addresses are changed. The old ones do not answer any more.")
        return redirect("feeds", slug)
    context = {"project": project, "is_admin": is_admin, **_addresses(project)}
    return render(request, "releases/feeds.html", context)


def _addresses(project: Project) -> dict[str, Any]:
    key, slug = feed_key(project), project.slug
    components = project.components.select_related("release_policy", "project")
    components = components.prefetch_related("applications__environment")
    return {
        "environments": [
            {"name": name, "url": _address("feed-environment", key, slug, name)}
            for name in project.environments.values_list("name", flat=True)
        ],
        "components": [_component_row(component, key, slug) for component in components.order_by("name")],
    }


def _component_row(component: Component, key: str, slug: str) -> dict[str, Any]:
    places = {one.environment.name: one.environment.position for one in component.applications.all()}
    policy = getattr(component, "release_policy", None)
    is_public = policy is not None and policy.has_public_notes
    return {
        "name": component.name,
        "url": component_url(component),
        "feed": _address("feed-component", key, slug, component.slug),
        "public": _address("public-notes", slug, component.slug) if is_public else "",
        "badges": [
            {"environment": name, "url": _address("feed-badge", key, slug, component.slug, name)}
            for name in sorted(places, key=lambda name: (places[name], name))
        ],
    }
