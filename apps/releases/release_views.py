"""The page of one release: its notes as a reader sees them, where it runs, and what people said about it."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from apps.accounts.models import Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.releases import rendering
from apps.releases.models import Release
from apps.releases.selectors import overrides
from apps.releases.selectors import releases as release_pages
from apps.releases.selectors.changelogs import entries_of, find_changelog
from apps.releases.selectors.links import host_links
from apps.releases.selectors.release_facts import MOST_ISSUES, issues_of, read_image
from gitopsui.domain.note_overrides import Audience

MOST_NAMES = 40
LANGUAGE_CHARS = 16


@requires(Role.VIEWER)
@require_safe
def release_detail(request: HttpRequest, pk: int) -> HttpResponse:
    visible = Release.objects.visible_to(person_of(request))
    release = get_object_or_404(visible.select_related("component__project", "component__source"), pk=pk)
    newer, older = release_pages.read_neighbours(release)
    contributors = (release.notes or {}).get("contributors", [])
    places = release_pages.read_places(release)
    context = {
        "project": release.component.project,
        "component": release_pages.component_place(release.component),
        "release": _release_facts(release),
        "notes_html": rendering.as_safe_html(release.notes_html) if _has_html_alone(release) else "",
        "notes_reason": release_pages.notes_reason(release),
        "places": places,
        "runs_in": [place.environment for place in places if place.is_current],
        "image": read_image(release),
        "contributors": contributors[:MOST_NAMES],
        "more_contributors": max(0, len(contributors) - MOST_NAMES),
        "newer": _link(newer),
        "older": _link(older),
        **_written(request, release),
        **_changelog(release),
    }
    return render(request, "releases/release_detail.html", context)


def _has_html_alone(release: Release) -> bool:
    """Notes without entries as data are from before these were kept."""
    return bool(release.change_count) and not release.notes


def _written(request: HttpRequest, release: Release) -> dict[str, Any]:
    """The notes for the audience asked for, and what the person may write into them."""
    component = release.component
    audience = overrides.audience_of(request.GET.get("audience", ""))
    language = request.GET.get("language", "")[:LANGUAGE_CHARS]
    found = overrides.read_overrides(component)
    notes = overrides.shown_notes(
        component, release.notes or {}, audience=audience, language=language, overrides=found
    )
    may_write = has_role(person_of(request), Role.PROMOTER, component.project)
    is_closed = notes["is_withheld"] and audience is Audience.PUBLIC
    if may_write:
        overrides.with_edit_urls(notes, component, release)
    issues = [] if audience is Audience.PUBLIC else issues_of(release, notes)
    return {
        "notes": notes,
        "issues": issues[:MOST_ISSUES],
        "more_issues": max(0, len(issues) - MOST_ISSUES),
        "audience": audience.value,
        "is_for_customers": audience is Audience.PUBLIC,
        "audiences": overrides.audience_links(request.GET.dict(), audience),
        "languages": sorted({one.language for one in found if one.language}),
        "may_write": may_write,
        "introduction": rendering.as_safe_markdown("" if is_closed else release.introduction_html),
        "release_edit_url": _edit_url(release) if may_write else "",
    }


def _edit_url(release: Release) -> str:
    query = urlencode({"kind": "release", "key": release.tag, "release": str(release.pk)})
    return f"{overrides.edit_address(release.component)}?{query}"


def _changelog(release: Release) -> dict[str, Any]:
    """What the CHANGELOG file of the source repository says about this release."""
    component = release.component
    found = find_changelog(component)
    entries = [
        entry | {"html": rendering.as_safe_markdown(entry["html"])} for entry in entries_of(found, release)
    ]
    address = reverse("changelog", args=[component.project.slug, component.slug])
    return {"changelog": found, "changelog_entries": entries, "changelog_url": address if found else ""}


def _release_facts(release: Release) -> dict[str, Any]:
    source = release.component.source
    return {
        "pk": release.pk,
        "version": release.version,
        "tag": release.tag,
        "sha": release.commit_sha,
        "commit_url": host_links(release.component).commit(release.commit_sha),
        "released_at": release.dated_at,
        "base_version": release.base_tag,
        "change_count": release.change_count,
        "moved_note": release.moved_note,
        "flags": [flag for flag in release.flags if flag["code"] != "moved" or not release.moved_note],
        "is_bad": release.is_bad,
        "bad_reason": release.bad_reason,
        "edited_by": release.edited_by,
        "edited_at": release.edited_at,
        "repository_name": source.name if source else "",
        "repository_url": reverse("repository-detail", args=[source.pk]) if source else "",
    }


def _link(release: Release | None) -> dict[str, str] | None:
    if release is None:
        return None
    return {"version": release.version, "url": reverse("release-detail", args=[release.pk])}
