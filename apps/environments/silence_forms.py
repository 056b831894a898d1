"""How a silence is written: what it hides, why, and until when."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.environments.models import Silence
from gitopsui.domain.errors import InputError
from gitopsui.domain.ignore import IgnoreRule, Level, check_rule
from gitopsui.domain.text import visible

MOST_LINES = 50
LINE_LIMIT = 2_000
_LINES = {"rows": 2, "spellcheck": "false", "autocomplete": "off"}
_PLAIN = {"spellcheck": "false", "autocomplete": "off"}
DAYS = {"1": "1 day", "7": "1 week", "30": "30 days"}
EXPIRIES = [*DAYS.items(), ("date", "until the end of a day"), ("never", "never")]


class LinesField(forms.CharField):
    """A list, one entry to a line; blank lines are left out."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, max_length=MOST_LINES * LINE_LIMIT, **kwargs)
        self.widget = forms.Textarea(attrs=_LINES)

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list | tuple) else value

    def clean(self, value: Any) -> tuple[str, ...]:
        found = [line.strip() for line in super().clean(value).splitlines() if line.strip()]
        if len(found) > MOST_LINES:
            raise ValidationError(f"These are more than {MOST_LINES} lines.", code="TOO_MANY")
        if any(len(line) > LINE_LIMIT or visible(line) != line for line in found):
            raise ValidationError("A line is too long or holds characters that cannot be seen.", code="LINE")
        return tuple(dict.fromkeys(found))


class RuleForm(forms.Form):
    """What a silence hides. After `is_valid` the rule lies in `rule`."""

    level = forms.ChoiceField(label="Where", widget=forms.RadioSelect, choices=())
    kind = forms.CharField(
        max_length=100, widget=forms.TextInput(_PLAIN), help_text="A pattern: Deployment, *Set, *."
    )
    group = forms.CharField(
        label="API group",
        max_length=253,
        required=False,
        widget=forms.TextInput(_PLAIN),
        help_text="A pattern: apps, *.example.org, *. Empty is the core group: ConfigMap, Secret, Service …",
    )
    name = forms.CharField(
        max_length=300, required=False, widget=forms.TextInput(_PLAIN), help_text="Empty: every name."
    )
    namespace = forms.CharField(
        max_length=253, required=False, widget=forms.TextInput(_PLAIN), help_text="Empty: every namespace."
    )
    json_pointers = LinesField(
        label="Fields",
        help_text="JSON pointers, one to a line: /spec/replicas. A slash inside a name is ~1; * stands for "
        "every item of a list, name=web for the one with that name.",
    )
    managers = LinesField(
        label="Field managers", help_text="Who writes what does not count, one to a line: kubectl-edit."
    )
    rule: IgnoreRule

    def __init__(self, *args: Any, application: str, project: str, may_project: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(Level.APPLICATION.value, f"only {visible(application)}")]
        if may_project:
            choices.append((Level.PROJECT.value, f"every application of {visible(project)}"))
        self.fields["level"].choices = choices  # type: ignore[attr-defined]

    @staticmethod
    def initial_of(rule: IgnoreRule) -> dict[str, Any]:
        return {
            "level": rule.level.value,
            "group": rule.group,
            "kind": rule.kind,
            "name": rule.name or "",
            "namespace": rule.namespace or "",
            "json_pointers": rule.json_pointers,
            "managers": rule.managers,
        }

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors.keys() & RuleForm.base_fields.keys():
            return data
        self.rule = IgnoreRule(
            group=data["group"],
            kind=data["kind"],
            name=data["name"] or None,
            namespace=data["namespace"] or None,
            json_pointers=data["json_pointers"],
            managers=data["managers"],
            level=Level(data["level"]),
        )
        try:
            check_rule(self.rule)
        except InputError as error:
            self.add_error(error.field, ValidationError(error.message, code=error.code))
        return data


class ExpiryForm(forms.Form):
    """Until when. After `is_valid` the moment lies in `expires_at`; None is never."""

    expiry = forms.ChoiceField(
        label="Until", choices=EXPIRIES, initial="30", widget=forms.RadioSelect, help_text="Counted from now."
    )
    until = forms.DateField(
        label="Day",
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text="For “until the end of a day”.",
    )
    expires_at: datetime | None = None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        choice, until = data.get("expiry"), data.get("until")
        if choice in DAYS:
            self.expires_at = timezone.now() + timedelta(days=int(choice))
        elif choice == "date" and "until" not in self.errors:
            self._clean_day(until)
        return data

    def _clean_day(self, until: date | None) -> None:
        if until is None:
            self.add_error("until", ValidationError("Say which day.", code="EXPIRY"))
        elif until < timezone.localdate():
            self.add_error("until", ValidationError("This day is over.", code="EXPIRY"))
        elif until.year > timezone.localdate().year + 10:
            self.add_error("until", ValidationError("This is more than ten years away.", code="EXPIRY"))
        else:
            self.expires_at = timezone.make_aware(datetime.combine(until + timedelta(days=1), time.min))


class SilenceForm(RuleForm, ExpiryForm):
    """A whole silence: what it hides, why, and until when."""

    reason = forms.CharField(
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="For who finds it later: why is this no drift?",
        error_messages={"required": "Say why, for who finds it later."},
    )
    field_order = [*RuleForm.base_fields, "reason", *ExpiryForm.base_fields]

    def blame_rule_alone(self) -> None:
        """Leave out what is wrong with reason and expiry: whoever asks for a preview has not come to them."""
        for name in self.errors.keys() - RuleForm.base_fields.keys():
            del self.errors[name]

    def rule_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in RuleForm.base_fields]

    def other_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("reason", *ExpiryForm.base_fields)]


class ExtendForm(ExpiryForm):
    """Another end for a silence that was not ended by anybody."""

    def __init__(self, *args: Any, silence: Silence, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.silence = silence

    def clean(self) -> dict[str, Any]:
        data = super().clean()
        if self.silence.ended_at is not None:
            message = f"{visible(self.silence.ended_by)} has ended it. Silence the field anew from its drift."
            self.add_error("expiry", ValidationError(message, code="SILENCE_ENDED"))
        return data
