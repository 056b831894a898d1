"""What I am told: each person's own page, nobody else's."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.models import Role
from apps.accounts.permissions import person_of, requires
from apps.promotions.models import Subscription
from apps.promotions.selectors.subscriptions import messages_of, subscriptions_of
from apps.promotions.services import subscriptions
from apps.promotions.services.send import MOST_ATTEMPTS
from apps.promotions.subscription_forms import EventsForm, SubscriptionForm
from gitopsui.domain.errors import PromotionDenied


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def subscription_list(request: HttpRequest) -> HttpResponse:
    person = person_of(request)
    form = SubscriptionForm(request.POST or None, person=person)
    if request.method == "POST" and form.is_valid():
        return _done(
            request,
            lambda: subscriptions.subscribe(**form.cleaned_data, by=person),
            "You are told from now on. Send a test to see whether it arrives.",
        )
    context = {
        "form": form,
        "subscriptions": subscriptions_of(person),
        "told": messages_of(person, MOST_ATTEMPTS),
    }
    return render(request, "promotions/subscription_list.html", context)


def _own(request: HttpRequest, pk: int) -> Subscription:
    rows = Subscription.objects.select_related("project", "person")
    return get_object_or_404(rows, pk=pk, person=person_of(request))


def _done(request: HttpRequest, act: Callable[[], object], said: str) -> HttpResponse:
    try:
        act()
    except PromotionDenied as denial:
        messages.error(request, str(denial))
    else:
        messages.success(request, said)
    return redirect("subscription-list")


@requires(Role.VIEWER)
@require_POST
def subscription_events(request: HttpRequest, pk: int) -> HttpResponse:
    subscription, form = _own(request, pk), EventsForm(request.POST)
    if not form.is_valid():
        messages.error(request, "Choose at least one event, or pause it.")
        return redirect("subscription-list")
    events, person = form.cleaned_data["events"], person_of(request)
    return _done(request, lambda: subscriptions.change_events(subscription, events, by=person), "Saved.")


@requires(Role.VIEWER)
@require_POST
def subscription_pause(request: HttpRequest, pk: int) -> HttpResponse:
    subscription, is_paused = _own(request, pk), request.POST.get("paused") == "yes"
    said = "You are told nothing until you resume it." if is_paused else "You are told again."
    act = subscriptions.set_paused
    return _done(request, lambda: act(subscription, is_paused, by=person_of(request)), said)


@requires(Role.VIEWER)
@require_POST
def subscription_test(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = _own(request, pk)
    said = "A test is on its way. Below it says whether it was sent."
    return _done(request, lambda: subscriptions.ask_test(subscription, by=person_of(request)), said)


@requires(Role.VIEWER)
@require_POST
def subscription_remove(request: HttpRequest, pk: int) -> HttpResponse:
    subscription = _own(request, pk)
    said = "Removed, with its address."
    return _done(request, lambda: subscriptions.unsubscribe(subscription, by=person_of(request)), said)
