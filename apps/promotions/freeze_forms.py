"""How a freeze and a lock are written: what for, why, from when and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.accounts.models import Project
from apps.environments.models import Component, Environment
from apps.promotions.forms import SpanField
from apps.promotions.services.locks import LockWish
from apps.promotions.services.policies import FreezeWish
from gitopsui.domain.errors import InputError
from gitopsui.domain.freeze import DAYS, find_zone
from gitopsui.domain.text import visible

MOST_AHEAD = timedelta(days=3 * 366)
_MOMENT = {"type": "datetime-local"}
EXPIRIES = [
    ("1", "for 1 hour"),
    ("4", "for 4 hours"),
    ("24", "for 1 day"),
    ("168", "for 1 week"),
    ("", "until unlocked"),
]


class VisibleChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    """Names come from Git: what cannot be seen in them is made visible."""

    def label_from_instance(self, obj: Any) -> str:
        return visible(str(obj))


class VisibleChoices(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Several of the same."""

    def label_from_instance(self, obj: Any) -> str:
        return visible(str(obj))


class FreezeForm(forms.Form):
    """Dated, or again each week. After `is_valid` the wish lies in `wish`."""

    environment = VisibleChoice(
        queryset=Environment.objects.none(), required=False, empty_label="every environment"
    )
    reason = forms.CharField(
        max_length=300, error_messages={"required": "Say why: everybody who waits for it reads that."}
    )
    kind = forms.ChoiceField(
        label="When",
        choices=[("dated", "once, from a day to a day"), ("weekly", "again each week")],
        initial="dated",
        widget=forms.RadioSelect,
    )
    zone = forms.CharField(
        label="Time zone", max_length=64, initial="UTC",
        help_text="The clock that counts: Europe/Berlin, America/New_York, UTC.",
    )  # fmt: skip
    starts = forms.DateTimeField(
        label="From", required=False, widget=forms.DateTimeInput(_MOMENT, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help_text="For once.",
    )  # fmt: skip
    ends = forms.DateTimeField(
        label="Until", required=False, widget=forms.DateTimeInput(_MOMENT, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"], help_text="For once.",
    )  # fmt: skip
    weekdays = forms.TypedMultipleChoiceField(
        label="On", choices=list(enumerate(DAYS)), coerce=int, required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    from_time = forms.TimeField(
        label="From what time", required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text="For each week.",
    )  # fmt: skip
    lasts = SpanField(
        label="For how long", required=False, most_minutes=7 * 1440, initial="0",
        help_text="For each week: 14 h, 3 d.",
    )  # fmt: skip
    exceptions = VisibleChoices(
        label="But not for", queryset=Component.objects.none(), required=False,
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    wish: FreezeWish

    def __init__(self, *args: Any, project: Project, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["environment"].queryset = project.environments.all()  # type: ignore[attr-defined]
        components = Component.objects.filter(project=project).order_by("name")
        self.fields["exceptions"].queryset = components  # type: ignore[attr-defined]
        if not components:
            del self.fields["exceptions"]

    def clean_zone(self) -> str:
        name: str = self.cleaned_data["zone"].strip()
        try:
            find_zone(name)
        except InputError as error:
            raise ValidationError(error.message, code=error.code) from error
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if data.get("kind") == "weekly":
            self._check_weekly(data)
        elif data.get("kind") == "dated" and "zone" in data:
            self._check_dated(data)
        if not self.errors:
            self.wish = self._wish(data)
        return data

    def _check_weekly(self, data: dict[str, Any]) -> None:
        for name, message in (
            ("weekdays", "Tick a day."),
            ("from_time", "Say from what time."),
            ("lasts", "Say for how long."),
        ):
            if name not in self.errors and data.get(name) in (None, "", [], 0):
                self.add_error(name, message)

    def _check_dated(self, data: dict[str, Any]) -> None:
        for name in ("starts", "ends"):
            if data.get(name) is None and name not in self.errors:
                self.add_error(name, "Say when.")
        if self.errors:
            return
        data["starts"], data["ends"] = (_in_zone(data[name], data["zone"]) for name in ("starts", "ends"))
        if data["ends"] <= data["starts"]:
            self.add_error("ends", "It has to end after it begins.")
        elif data["ends"] <= timezone.now():
            self.add_error("ends", "This is over.")
        elif data["ends"] > timezone.now() + MOST_AHEAD:
            self.add_error("ends", "This is more than three years away.")

    def _wish(self, data: dict[str, Any]) -> FreezeWish:
        exceptions = tuple(one.slug for one in data.get("exceptions") or ())
        first = (data["environment"], data["reason"], data["zone"])
        if data["kind"] == "dated":
            return FreezeWish(*first, starts_at=data["starts"], ends_at=data["ends"], exceptions=exceptions)
        return FreezeWish(
            *first,
            weekdays=tuple(sorted(data["weekdays"])),
            from_time=data["from_time"],
            lasts_minutes=data["lasts"],
            exceptions=exceptions,
        )


def _in_zone(typed: datetime, zone: str) -> datetime:
    """What was typed is the clock on the wall of that zone."""
    return typed.replace(tzinfo=find_zone(zone))


class LockForm(forms.Form):
    """What is locked unless an application is given, why, and until when."""

    environment = VisibleChoice(
        queryset=Environment.objects.none(), required=False, empty_label="every environment"
    )
    component = VisibleChoice(
        queryset=Component.objects.none(), required=False, empty_label="every component"
    )
    message = forms.CharField(
        max_length=300,
        help_text="Everybody who would promote reads it.",
        error_messages={"required": "Say why it is locked."},
    )
    expiry = forms.ChoiceField(
        label="How long", choices=EXPIRIES, required=False, initial="24", widget=forms.RadioSelect
    )

    def __init__(self, *args: Any, project: Project, has_application: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.has_application = has_application
        if has_application:
            del self.fields["environment"], self.fields["component"]
            return
        self.fields["environment"].queryset = project.environments.all()  # type: ignore[attr-defined]
        components = Component.objects.filter(project=project).order_by("name")
        self.fields["component"].queryset = components  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        named = data.get("environment") or data.get("component") or self.has_application
        if not named and not self.errors:
            self.add_error("environment", "Choose an environment, a component, or both.")
        return data

    def wish(self, application: Any = None) -> LockWish:
        data = self.cleaned_data
        hours = int(data["expiry"]) if data["expiry"] else 0
        return LockWish(
            message=data["message"],
            environment=data.get("environment"),
            component=data.get("component"),
            application=application,
            expires_at=timezone.now() + timedelta(hours=hours) if hours else None,
        )
