"""What a person wants to be told, and where to. An address is written, never read back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from apps.accounts.models import Person, Project
from apps.promotions.connect_notify import notify_policy
from apps.promotions.models import EVENTS
from gitopsui.adapters.http_policy import check_target
from gitopsui.domain.errors import InputError

CHANNELS = (("webhook", "a webhook of a chat, as Slack has them"), ("email", "e-mail"))


class WriteOnlyInput(forms.TextInput):
    """A field that is never filled again with what was typed."""

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        return super().get_context(name, None, attrs)


class EventsForm(forms.Form):
    """Which events somebody is told of."""

    events = forms.MultipleChoiceField(
        label="Tell me when",
        choices=EVENTS,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": "Choose at least one."},
    )


class SubscriptionForm(EventsForm):
    """A new subscription of one person."""

    project = forms.ModelChoiceField(queryset=Project.objects.none(), empty_label=None)
    channel = forms.ChoiceField(label="By", choices=CHANNELS, widget=forms.RadioSelect, initial="webhook")
    address = forms.CharField(
        max_length=1_000,
        required=False,
        widget=WriteOnlyInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text="Of the webhook, or a mailbox other than that of your account. Encrypted, never shown.",
    )

    def __init__(self, *args: Any, person: Person, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        projects: Any = self.fields["project"]
        projects.queryset = Project.objects.visible_to(person)
        if not settings.GITOPSUI_MAIL_HOST:
            channels: Any = self.fields["channel"]
            channels.choices = [CHANNELS[0], ("email", "e-mail, which this installation does not send yet")]
        self.initial.setdefault("events", [name for name, _ in EVENTS])
        self.order_fields(["project", "channel", "address", "events"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "channel" in data and "address" in data:
            try:
                self._check_address(data["channel"], data["address"])
            except ValidationError as error:
                self.add_error("address", error)
        return data

    def _check_address(self, channel: str, address: str) -> None:
        if channel == "email":
            if not settings.GITOPSUI_MAIL_HOST:
                raise ValidationError("This installation sends no mail; an administrator must set it up.")
            validate_email(address or self.person.email)
            return
        try:
            check_target(address, notify_policy())
        except InputError as error:
            raise ValidationError(error.message, code=error.code) from error
