"""The pages where people write into the notes: overrides, introductions, bad releases, and a CHANGELOG."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.models import Person, Project, Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.core.addresses import row_number
from apps.environments.models import Component
from apps.releases import rendering
from apps.releases.models import NoteOverride, Release
from apps.releases.override_forms import BadForm, IntroductionForm, OverrideForm
from apps.releases.selectors import overrides as told
from apps.releases.selectors.changelogs import find_changelog
from apps.releases.selectors.releases import component_place
from apps.releases.services.bad_releases import mark_bad, unmark_bad
from apps.releases.services.overrides import remove_override, write_introduction, write_override
from gitopsui.domain.note_overrides import Audience

KEY_CHARS = 300


def _component(request: HttpRequest, slug: str, component_slug: str) -> Component:
    visible = Component.objects.visible_to(person_of(request)).select_related("project", "source")
    return get_object_or_404(visible, project__slug=slug, slug=component_slug)


def _release(request: HttpRequest, pk: int) -> Release:
    visible = Release.objects.visible_to(person_of(request))
    return get_object_or_404(visible.select_related("component__project", "component__source"), pk=pk)


def _check_may_write(request: HttpRequest, project: Project) -> Person:
    person = person_of(request)
    if not has_role(person, Role.PROMOTER, project):
        raise PermissionDenied(f"Only promoters of {project} may write into its notes.")
    return person


def _facts(component: Component, release: Release | None = None) -> dict[str, Any]:
    return {
        "project": component.project,
        "component": component_place(component),
        "release": {"version": release.version, "url": reverse("release-detail", args=[release.pk])}
        if release
        else None,
    }


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def override_edit(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    """Write, change or remove what is said about the commit, pull request or release of the address."""
    component = _component(request, slug, component_slug)
    person = _check_may_write(request, component.project)
    if "key" not in request.GET:
        return redirect("note-overrides", slug, component_slug)
    release = _named_release(request, component)
    subject = _subject(request, component, release)
    row = _row(component, subject, request.GET.get("language", ""))
    initial = OverrideForm.initial_of(row, _audience(request, subject))
    form = OverrideForm(request.POST or None, initial=initial)
    done = reverse("release-detail", args=[release.pk]) if release else ""
    done = done or reverse("note-overrides", args=[slug, component_slug])
    if request.method == "POST" and "remove" in request.POST:
        if row is not None:
            remove_override(row, by=person)
            messages.success(request, f"The generated text of {subject.title} is shown again.")
        return redirect(done)
    if request.method == "POST" and form.is_valid() and _is_unchanged(form, component, subject):
        write_override(component, subject, form.wording, by=person)
        messages.success(request, f"What is said about {subject.title} is saved.")
        return redirect(done)
    return _show_edit(request, component, release, (subject, row, form, done))


def _show_edit(
    request: HttpRequest,
    component: Component,
    release: Release | None,
    parts: tuple[told.Subject, NoteOverride | None, OverrideForm, str],
) -> HttpResponse:
    subject, row, form, done = parts
    context = _facts(component, release) | {
        "subject": subject,
        "row": row,
        "form": form,
        "cancel_url": done,
        "others": _other_subjects(component, release, subject, _audience(request, subject)),
        "list_url": reverse("note-overrides", args=[component.project.slug, component.slug]),
    }
    return render(request, "releases/override_edit.html", context)


def _named_release(request: HttpRequest, component: Component) -> Release | None:
    number = row_number(request.GET.get("release"))
    return component.releases.filter(pk=number).first() if number else None


def _subject(request: HttpRequest, component: Component, release: Release | None) -> told.Subject:
    kind, key = request.GET.get("kind", ""), request.GET["key"].replace("\0", "")[:KEY_CHARS]
    subject = told.find_subject(component, kind, key, release) if kind in told.KINDS else None
    if subject is None:
        raise Http404("There is no such entry.")
    return subject


def _row(component: Component, subject: told.Subject, language: str) -> NoteOverride | None:
    found = component.note_overrides.filter(kind=subject.kind, key=subject.key)
    return found.filter(language=language.replace("\0", "")[:16]).first()


def _audience(request: HttpRequest, subject: told.Subject) -> str:
    """Whom the form proposes: an entry stays inside unless the page it comes from says otherwise."""
    default = Audience.PUBLIC if subject.kind == "release" else Audience.INTERNAL
    return told.audience_of(request.GET.get("audience", ""), default).value


def _is_unchanged(form: OverrideForm, component: Component, subject: told.Subject) -> bool:
    """Whether what would be overwritten is what the page showed."""
    row = _row(component, subject, form.cleaned_data["language"])
    if row is None or row.edited_at.isoformat() == form.cleaned_data["seen"]:
        return True
    form.blame_other(row)
    return False


def _other_subjects(
    component: Component, release: Release | None, subject: told.Subject, audience: str
) -> list[dict[str, str]]:
    """What else the same words could be about: the pull request of a commit, and the release."""
    if release is None:
        return []
    place = told.edit_address(component)
    number = told.pull_request_of(release, subject.kind, subject.key)
    named = [("pull_request", number, audience)] if number else []
    named += [("release", release.tag, Audience.PUBLIC.value)] if subject.kind != "release" else []
    of = {"release": str(release.pk)}
    return [
        {
            "title": told.Subject(kind, key, "").title,
            "url": f"{place}?{urlencode({'kind': kind, 'key': key, 'audience': whom} | of)}",
        }
        for kind, key, whom in named
    ]


@requires(Role.VIEWER)
@require_safe
def override_list(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    component = _component(request, slug, component_slug)
    return _show_list(request, component, None)


@requires(Role.VIEWER)
@require_safe
def release_overrides(request: HttpRequest, pk: int) -> HttpResponse:
    release = _release(request, pk)
    return _show_list(request, release.component, release)


def _show_list(request: HttpRequest, component: Component, release: Release | None) -> HttpResponse:
    context = _facts(component, release) | {
        "rows": told.list_overrides(component, release),
        "may_write": has_role(person_of(request), Role.PROMOTER, component.project),
    }
    return render(request, "releases/override_list.html", context)


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def release_introduction(request: HttpRequest, pk: int) -> HttpResponse:
    """Introduction and highlights of a release; "preview" shows them without storing."""
    release = _release(request, pk)
    person = _check_may_write(request, release.component.project)
    form = IntroductionForm(request.POST or None, initial={"introduction": release.introduction})
    preview: Any = ""
    if request.method == "POST" and form.is_valid():
        text = form.cleaned_data["introduction"]
        if "preview" not in request.POST:
            write_introduction(release, text, by=person, render=_render)
            messages.success(request, f"The introduction of {release.version} is saved.")
            return redirect("release-detail", pk=pk)
        preview = rendering.as_safe_markdown(_render(text))
    context = _facts(release.component, release) | {"form": form, "preview": preview, "row": release}
    return render(request, "releases/release_introduction.html", context)


def _render(text: str) -> str:
    return rendering.render_markdown([text])[0].html


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def release_bad(request: HttpRequest, pk: int) -> HttpResponse:
    """Mark a release bad, with a reason, or take that back (`undo`)."""
    release = _release(request, pk)
    person = _check_may_write(request, release.component.project)
    if request.method == "POST" and "undo" in request.POST:
        unmark_bad(release, by=person)
        messages.success(request, f"{release.version} is not marked bad any more.")
        return redirect("release-detail", pk=pk)
    form = BadForm(request.POST or None, initial={"reason": release.bad_reason})
    if request.method == "POST" and form.is_valid():
        mark_bad(release, form.cleaned_data["reason"], by=person)
        messages.success(request, f"{release.version} is marked bad. It is never offered for rollback.")
        return redirect("release-detail", pk=pk)
    context = _facts(release.component, release) | {"form": form, "is_bad": release.is_bad}
    return render(request, "releases/release_bad.html", context)


@requires(Role.VIEWER)
@require_safe
def changelog(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    """The CHANGELOG file of the source repository, with where it differs from the tags."""
    component = _component(request, slug, component_slug)
    found = find_changelog(component)
    urls = dict(component.releases.values_list("version", "pk"))
    entries = [
        entry
        | {
            "html": rendering.as_safe_markdown(entry["html"]),
            "url": reverse("release-detail", args=[urls[entry["version"]]])
            if entry["version"] in urls
            else "",
        }
        for entry in (found.entries if found else [])
    ]
    context = _facts(component) | {"changelog": found, "entries": entries}
    return render(request, "releases/changelog.html", context)
