"""The notes of what would be released next, and a release cut from them."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.models import Person, Role
from apps.accounts.permissions import has_role, person_of, requires
from apps.environments.models import Component
from apps.releases import connect
from apps.releases.forms import CutForm
from apps.releases.selectors.links import links_of
from apps.releases.selectors.next_versions import Proposal, propose
from apps.releases.selectors.overrides import shown_notes
from apps.releases.selectors.points import find_commit
from apps.releases.selectors.releases import component_place
from apps.releases.services.cuts import Wish, check_version, find_obstacle, plan_cut
from gitopsui.domain.errors import InputError
from gitopsui.domain.note_overrides import Audience, from_dict
from gitopsui.domain.notes import build_notes, to_dict, to_markdown

MOST_COMMITS = 3_000
MESSAGE_CHARS = 20_000
MOST_CUTS = 5


def _find(person: Person, slug: str, component_slug: str) -> Component:
    visible = Component.objects.visible_to(person).select_related("project", "source")
    return get_object_or_404(visible, project__slug=slug, slug=component_slug)


@requires(Role.VIEWER)
@require_safe
def component_draft(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    """What the next release would tell, and the form to cut it for whoever may."""
    component = _find(person_of(request), slug, component_slug)
    typed = request.GET.get("commit", "").strip().lower()[:64]
    proposal = _propose(component, typed)
    notes = _notes_of(component, proposal)
    form = CutForm(
        initial={
            "version": request.GET.get("version", "")[:250] or proposal.version,
            "commit": typed,
            "message": to_markdown(from_dict(notes), limit=MESSAGE_CHARS),
        }
    )
    return _page(request, component, proposal, notes, form)


def _propose(component: Component, typed: str) -> Proposal:
    if not typed:
        return propose(component)
    sha = find_commit(component, typed)
    if sha is None:
        return Proposal(
            problem=f"No commit, or more than one, begins with {typed}; give seven digits or more."
        )
    return propose(component, sha)


def _notes_of(component: Component, proposal: Proposal) -> dict[str, Any]:
    """What is told about them, with what people said already: a tag is read by whoever has the repository."""
    head = f"{component.name} {proposal.version}" if proposal.version else component.name
    notes = build_notes(proposal.commits[:MOST_COMMITS], base=proposal.current_tag, head=head)
    told = links_of(component).add_to(to_dict(notes), proposal.commits)
    return shown_notes(component, told, audience=Audience.INTERNAL)


def _page(
    request: HttpRequest, component: Component, proposal: Proposal, notes: dict[str, Any], form: CutForm
) -> HttpResponse:
    address = [component.project.slug, component.slug]
    may_cut = has_role(person_of(request), Role.PROMOTER, component.project)
    context = {
        "project": component.project,
        "component": component_place(component),
        "proposal": proposal,
        "tag": _preview(component, proposal) if may_cut else {},
        "notes": notes | {"left_out_count": max(0, len(proposal.commits) - MOST_COMMITS)},
        "form": form if may_cut else None,
        "cut_url": reverse("release-cut", args=address),
        "obstacle": find_obstacle(component) if may_cut else "",
        "source_pk": component.source_id,
        "is_signed": connect.can_sign(),
        "cuts": component.cuts.all()[:MOST_CUTS],
    }
    return render(request, "releases/draft_detail.html", context)


def _preview(component: Component, proposal: Proposal) -> dict[str, str]:
    """The tag the proposed version would get, or why it cannot."""
    if proposal.problem or not proposal.version or component.source is None:
        return {}
    try:
        return {"name": check_version(component, proposal, proposal.version)}
    except InputError as error:
        return {"problem": error.message}


@requires(Role.PROMOTER)
@require_POST
def release_cut(request: HttpRequest, slug: str, component_slug: str) -> HttpResponse:
    """Have the release tagged and pushed by a worker."""
    person = person_of(request)
    component = _find(person, slug, component_slug)
    if not has_role(person, Role.PROMOTER, component.project):
        raise PermissionDenied(f"Only who may promote in {component.project} may cut its releases.")
    form = CutForm(request.POST)
    proposal = _propose(component, str(request.POST.get("commit", "")).strip().lower()[:64])
    if form.is_valid() and (cut := _cut(component, proposal, form, person)):
        messages.success(request, f"{cut} is being pushed.")
        return redirect("component-draft", slug, component_slug)
    return _page(request, component, proposal, _notes_of(component, proposal), form)


def _cut(component: Component, proposal: Proposal, form: CutForm, person: Person) -> str:
    """The tag that is pushed; "" with the reason in the form."""
    data: dict[str, Any] = form.cleaned_data
    wish = Wish(data["version"].strip(), data["message"])
    try:
        return plan_cut(component, proposal, wish, by=person, is_signed=connect.can_sign()).tag
    except InputError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return ""
