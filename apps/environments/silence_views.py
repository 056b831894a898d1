"""The pages of silences: propose one from a drift row, see what it hides everywhere, list, end and extend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.models import Project, Role
from apps.accounts.permissions import find_project, has_role, person_of, requires
from apps.core.addresses import row_number
from apps.environments.models import Application, DriftedResource, Silence
from apps.environments.selectors.silences import STATES, silence_row, silences_of
from apps.environments.services import silences
from apps.environments.services.silences import Hit, Reach
from apps.environments.silence_forms import ExtendForm, RuleForm, SilenceForm
from gitopsui.domain.errors import InputError
from gitopsui.domain.ignore import IgnoreRule, Level
from gitopsui.domain.text import visible

MOST_HITS = 100


def _find_drift(request: HttpRequest) -> DriftedResource:
    """The drifted resource named by `?drift=`, if the person may silence in its application; else 404."""
    visible_ones = Application.objects.visible_to(person_of(request))
    rows = DriftedResource.objects.filter(application__in=visible_ones).select_related(
        "application__component__project", "application__environment"
    )
    drift = get_object_or_404(rows, pk=row_number(request.GET.get("drift")))
    if not has_role(person_of(request), Role.PROMOTER, drift.application.component.project):
        raise Http404("No such drift.")
    return drift


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def silence_new(request: HttpRequest) -> HttpResponse:
    if "drift" not in request.GET:
        return redirect("board")
    drift = _find_drift(request)
    application, project = drift.application, drift.application.component.project
    if request.method == "POST":
        form = SilenceForm(request.POST, **_form_options(request, application))
        if "preview" in request.POST:
            form.blame_rule_alone()
        elif form.is_valid():
            return _start(request, form, application)
        return _show_new(request, drift, form)
    try:
        rule = _proposed(request, drift, project)
    except InputError as error:
        messages.warning(request, error.message)
        return redirect("application-detail", pk=application.pk)
    initial = RuleForm.initial_of(rule)
    return _show_new(request, drift, SilenceForm(initial=initial, **_form_options(request, application)))


def _proposed(request: HttpRequest, drift: DriftedResource, project: Project) -> IgnoreRule:
    rule = silences.propose_rule(drift, row_number(request.GET.get("change")), _reach(request))
    if silences.may_silence(person_of(request), project, in_project=True):
        return rule
    return replace(rule, level=Level.APPLICATION)


def _reach(request: HttpRequest) -> Reach:
    asked = request.GET.get("reach", "")
    return Reach(asked) if asked in list(Reach) else Reach.OBJECT


def _form_options(request: HttpRequest, application: Application) -> dict[str, Any]:
    project = application.component.project
    may_project = silences.may_silence(person_of(request), project, in_project=True)
    return {"application": str(application), "project": str(project), "may_project": may_project}


def _start(request: HttpRequest, form: SilenceForm, application: Application) -> HttpResponse:
    rule = replace(form.rule, reason=form.cleaned_data["reason"], expires_at=form.expires_at)
    project = application.component.project
    place = None if rule.level is Level.PROJECT else application
    silences.start_silence(rule, project, place, by=person_of(request))
    messages.success(request, "Silenced. It stays listed below the drift, folded, from the next check on.")
    return redirect("application-detail", pk=application.pk)


def _show_new(request: HttpRequest, drift: DriftedResource, form: SilenceForm) -> HttpResponse:
    index = row_number(request.GET.get("change"))
    context = {
        "drift": drift,
        "change": drift.changes[index] if index < len(drift.changes) else None,
        "application": drift.application,
        "project": drift.application.component.project,
        "reaches": _reaches(request, drift, index),
        "form": form,
        "action": _address(drift, index, _reach(request)),
        "preview_url": f"{reverse('silence-preview')}?{urlencode({'drift': drift.pk})}",
        **_preview(_rule_form(request, form, drift), drift.application),
    }
    return render(request, "environments/silence_new.html", context)


def _rule_form(request: HttpRequest, form: SilenceForm, drift: DriftedResource) -> RuleForm:
    """The rule of the page alone: a missing reason does not keep its preview back."""
    data: QueryDict | dict[str, Any] = request.POST
    if not form.is_bound:
        lines = {name: "\n".join(form.initial[name]) for name in ("json_pointers", "managers")}
        data = {**form.initial, **lines}
    return RuleForm(data, **_form_options(request, drift.application))


def _address(drift: DriftedResource, index: int, reach: Reach) -> str:
    query = {"drift": drift.pk, "change": index, "reach": reach.value}
    return f"{reverse('silence-new')}?{urlencode(query)}"


def _reaches(request: HttpRequest, drift: DriftedResource, index: int) -> list[dict[str, Any]]:
    """The four ways to propose a rule for one field, those that are open to the person and the field."""
    project = drift.application.component.project
    words = {
        Reach.OBJECT: f"This field of {drift.kind} {drift.name}",
        Reach.KIND: f"This field of every {drift.kind} here",
        Reach.PROJECT: f"This field in all of {project}",
        Reach.MANAGER: "Everything this manager writes here",
    }
    if not silences.may_silence(person_of(request), project, in_project=True):
        del words[Reach.PROJECT]
    if not any(change.get("manager") for change in drift.changes[index : index + 1]):
        del words[Reach.MANAGER]
    current = _reach(request)
    return [
        {"label": visible(label), "url": _address(drift, index, reach), "is_current": reach is current}
        for reach, label in words.items()
    ]


def _preview(form: RuleForm, application: Application) -> dict[str, Any]:
    """What the rule would silence now: numbers and a list by application; errors where it is no rule yet."""
    if not form.is_valid():
        return {"preview_errors": [str(error) for errors in form.errors.values() for error in errors]}
    place = None if form.rule.level is Level.PROJECT else application
    hits = silences.preview(form.rule, application.component.project, place)
    resources = {(hit.application.pk, hit.kind, hit.name) for hit in hits}
    return {
        "hits": _by_application(hits[:MOST_HITS]),
        "field_count": len(hits),
        "resource_count": len(resources),
        "application_count": len({pk for pk, _, _ in resources}),
        "rest": max(len(hits) - MOST_HITS, 0),
    }


def _by_application(hits: Sequence[Hit]) -> list[dict[str, Any]]:
    return [
        {
            "name": str(application),
            "url": reverse("application-detail", args=[application.pk]),
            "fields": list(found),
        }
        for application, found in groupby(hits, key=lambda hit: hit.application)
    ]


@requires(Role.PROMOTER)
@require_safe
def silence_preview(request: HttpRequest) -> HttpResponse:
    if "drift" not in request.GET:
        return redirect("board")
    drift = _find_drift(request)
    form = RuleForm(request.GET, **_form_options(request, drift.application))
    context = {
        "preview_url": f"{reverse('silence-preview')}?{urlencode({'drift': drift.pk})}",
        **_preview(form, drift.application),
    }
    return render(request, "environments/_silence_preview.html", context)


@requires(Role.VIEWER)
@require_safe
def silence_list(request: HttpRequest, slug: str) -> HttpResponse:
    project = find_project(request, slug)
    now, asked = timezone.now(), request.GET.get("state", "")
    state = asked if asked in STATES else STATES[0]
    page, counts = silences_of(project, state=state, page=request.GET.get("page"), now=now)
    person = person_of(request)
    context = {
        "project": project,
        "silences": page,
        "state": state,
        "tabs": [{"state": one, "count": counts[one], "is_current": one == state} for one in STATES],
        "active_count": counts["active"],
        "query": urlencode({"state": state}),
        "may_application": silences.may_silence(person, project, in_project=False),
        "may_project": silences.may_silence(person, project, in_project=True),
    }
    return render(request, "environments/silence_list.html", context)


def _find_silence(request: HttpRequest, pk: int) -> Silence:
    """The silence, if the person may see it; else 404. Who may change it is asked by the service."""
    rows = Silence.objects.visible_to(person_of(request)).select_related(
        "project", "application__component", "application__environment"
    )
    silence = get_object_or_404(rows, pk=pk)
    if not silences.may_silence(
        person_of(request), silence.project, in_project=silence.application_id is None
    ):
        raise Http404("No such silence.")
    return silence


@requires(Role.PROMOTER)
@require_POST
def silence_end(request: HttpRequest, pk: int) -> HttpResponse:
    silence = _find_silence(request, pk)
    silences.end_silence(silence, by=person_of(request))
    messages.success(request, "Ended. What it held back counts as drift again from the next check on.")
    return redirect("silence-list", slug=silence.project.slug)


@requires(Role.PROMOTER)
@require_http_methods(["GET", "HEAD", "POST"])
def silence_extend(request: HttpRequest, pk: int) -> HttpResponse:
    silence = _find_silence(request, pk)
    form = ExtendForm(request.POST or None, silence=silence)
    if request.method == "POST" and form.is_valid():
        silences.extend_silence(silence, form.expires_at, by=person_of(request))
        messages.success(request, "The silence ends at another time now.")
        return redirect("silence-list", slug=silence.project.slug)
    row = silence_row(silence, now=timezone.now())
    context = {"silence": row, "project": silence.project, "form": form}
    return render(request, "environments/silence_extend.html", context)
