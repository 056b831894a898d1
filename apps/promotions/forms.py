"""What administrators type about the rules of an environment."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError

from apps.environments.silence_forms import LinesField
from apps.promotions.connect_gates import check_gate_url
from apps.promotions.models import EnvironmentPolicy
from apps.promotions.selectors.pages import GATE_TITLES
from gitopsui.domain.errors import InputError
from gitopsui.domain.text import visible
from gitopsui.domain.version_range import VersionRange

MOST_GATES = 5
LEAST_SECRET = 16
_PLAIN = {"spellcheck": "false", "autocomplete": "off"}
_SPAN = re.compile(r"(\d{1,6})\s*(min|m|h|d)", re.ASCII)
_UNITS = {"min": 1, "m": 1, "h": 60, "d": 1440}
_TAKEN = {*GATE_TITLES, *(title.lower() for title in GATE_TITLES.values())}


class SpanField(forms.CharField):
    """A span of time as people write it: `90 min`, `24 h`, `3 d`; in minutes."""

    def __init__(self, *, most_minutes: int, least_minutes: int = 0, **kwargs: Any) -> None:
        super().__init__(max_length=20, widget=forms.TextInput(_PLAIN), **kwargs)
        self.least, self.most = least_minutes, most_minutes

    def prepare_value(self, value: Any) -> Any:
        return describe_span(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int:
        text = str(super().clean(value)).strip()
        match = _SPAN.fullmatch(text)
        if match is None and text != "0":
            raise ValidationError("Write it as 90 min, 24 h or 3 d.", code="SPAN")
        minutes = int(match[1]) * _UNITS[match[2]] if match else 0
        if not self.least <= minutes <= self.most:
            words = f"{describe_span(self.least)} and {describe_span(self.most)}"
            raise ValidationError(f"It has to be between {words}.", code="SPAN")
        return minutes


def describe_span(minutes: int) -> str:
    """`0`, `90 min`, `24 h`, `3 d`."""
    if not minutes:
        return "0"
    for unit in ("d", "h"):
        if minutes % _UNITS[unit] == 0 and (unit == "h" or minutes >= 2 * _UNITS[unit]):
            return f"{minutes // _UNITS[unit]} {unit}"
    return f"{minutes} min"


class PolicyForm(forms.Form):
    """The rules of an environment, in the order of its page."""

    approvals = forms.IntegerField(
        min_value=0, max_value=10, help_text="Of people who neither proposed it nor pushed to it."
    )
    groups = LinesField(
        label="Approvals of groups",
        help_text="One to a line, with how many of it: release-managers 1. People are put into groups on "
        "their own page.",
    )
    counts_strangers = forms.BooleanField(
        label="Approvals on the forge count also of people whom nobody here knows",
        required=False,
        help_text="Better off, with logins entered under People. With it one person passes as two: nobody "
        "can tell that a login on the forge is the proposer, or somebody who approved here already.",
    )
    soak_minutes = SpanField(
        label="Soak time", most_minutes=90 * 1440,
        help_text="How long it has to run in the environment before: 24 h, 90 min, 3 d, or 0.",
    )  # fmt: skip
    needs_healthy_source = forms.BooleanField(label="The source has to be healthy", required=False)
    needs_healthy_target = forms.BooleanField(label="The target has to be healthy", required=False)
    needs_synced_target = forms.BooleanField(
        label="The target has to be in sync",
        required=False,
        help_text="Else the merge would overwrite what somebody changed there.",
    )
    needs_signature = forms.BooleanField(label="The tag or commit has to be signed", required=False)
    checks = LinesField(
        label="Required checks of the pull request",
        help_text="Names of commit statuses in the config repository, one to a line, as its forge writes "
        "them: ci/validate. The review that is built in has none.",
    )
    source_checks = LinesField(
        label="Required checks of the released commit",
        help_text="The same in the source repository of each component, of the commit of its release: "
        "ci/test. Its forge has to be connected.",
    )
    external_gates = LinesField(
        label="External gates",
        help_text="One to a line, a name and its address: change-board https://gates.example.org/promotion. "
        "It is asked with a signed POST and answers with state and reason.",
    )
    gate_secret = forms.CharField(
        label="Secret that signs for external gates",
        required=False,
        min_length=LEAST_SECRET,
        max_length=500,
        widget=forms.PasswordInput({"autocomplete": "off"}),
    )
    merge = forms.ChoiceField(
        choices=EnvironmentPolicy._meta.get_field("merge").flatchoices, widget=forms.RadioSelect
    )
    arrive_minutes = SpanField(
        label="Has to arrive within", least_minutes=1, most_minutes=7 * 1440,
        help_text="From merged to Synced and Healthy. Later, the promotion says that it did not arrive.",
    )  # fmt: skip
    auto_promote = forms.BooleanField(
        label="Newer versions promote themselves",
        required=False,
        help_text="The newest release, of those that run or ran in the environment before if there is one, "
        "when every gate is open. Approvals stay a gate.",
    )
    auto_range = forms.CharField(
        label="Only versions in this range",
        required=False,
        max_length=200,
        widget=forms.TextInput(_PLAIN),
        help_text="Such as ~2.4 or >=2 <3. Empty: every release, no pre-release.",
    )

    def __init__(self, data: Any = None, *, policy: EnvironmentPolicy) -> None:
        initial: dict[str, Any] = {
            name: getattr(policy, name) for name in self.base_fields if name != "gate_secret"
        }
        initial["groups"] = [f"{name} {count}" for name, count in policy.groups]
        initial["external_gates"] = [f"{one['name']} {one['url']}" for one in policy.external_gates]
        super().__init__(data, initial=initial)
        self.has_secret = bool(policy.gate_secret)
        known = "Leave it empty to keep the one there is." if self.has_secret else "16 characters at least."
        self.fields["gate_secret"].help_text = f"{known} The gate checks X-Gitopsui-Signature-256 with it."

    def clean_groups(self) -> list[list[Any]]:
        found = dict(self._groups(self.cleaned_data["groups"]))
        missing = found.keys() - set(Group.objects.filter(name__in=found).values_list("name", flat=True))
        if missing:
            name = visible(min(missing))
            raise ValidationError(f"There is no group {name} yet. Put somebody into it first.", code="GROUP")
        return [[name, count] for name, count in found.items()]

    @staticmethod
    def _groups(lines: tuple[str, ...]) -> Iterator[tuple[str, int]]:
        for line in lines:
            name, _, count = line.rpartition(" ")
            if not name.strip() or not count.isdecimal() or not 1 <= int(count[:4]) <= 10:
                message = f"“{line[:60]}” is no group with a number of 1 to 10: release-managers 1."
                raise ValidationError(message, code="GROUP")
            yield name.strip(), int(count)

    def clean_checks(self) -> list[str]:
        return list(self.cleaned_data["checks"])

    def clean_source_checks(self) -> list[str]:
        return list(self.cleaned_data["source_checks"])

    def clean_external_gates(self) -> list[dict[str, str]]:
        lines = self.cleaned_data["external_gates"]
        if len(lines) > MOST_GATES:
            raise ValidationError(f"More than {MOST_GATES} gates would keep every promotion waiting.")
        gates = [_parse_gate(line) for line in lines]
        if len({gate["name"] for gate in gates}) < len(gates):
            raise ValidationError("Two gates have the same name.", code="GATE")
        return gates

    def clean_auto_range(self) -> str:
        text: str = self.cleaned_data["auto_range"].strip()
        try:
            VersionRange.parse(text)
        except InputError as error:
            raise ValidationError(error.message, code=error.code) from error
        return text

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        lacks_secret = not (data.get("gate_secret") or self.has_secret or "gate_secret" in self.errors)
        if data.get("external_gates") and lacks_secret:
            self.add_error("gate_secret", "A gate has to know who asks: give it a secret.")
        return data


def _parse_gate(line: str) -> dict[str, str]:
    name, _, url = line.rpartition(" ")
    name, url = name.strip(), url.strip()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,39}", name):
        raise ValidationError(f"“{line[:60]}” is no name with an address.", code="GATE")
    if name.lower() in _TAKEN:
        raise ValidationError(f"{name} is a gate of gitopsui; call it otherwise.", code="GATE")
    try:
        check_gate_url(url)
    except InputError as error:
        raise ValidationError(f"{name}: {error.message}", code=error.code) from error
    return {"name": name, "url": url}
