"""What people type about themselves and about others."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.accounts.models import Person, Project, Role
from gitopsui.domain.text import visible

MOST_GROUPS = 20


class AccountForm(forms.Form):
    """A name and a password that is good enough."""

    username = forms.CharField(max_length=100, widget=forms.TextInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text="Ten characters at least, and not a common one.",
    )

    def clean_username(self) -> str:
        name: str = self.cleaned_data["username"]
        Person.username_validator(name)
        return name

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if password:
            validate_password(password)
        return password


class PersonForm(AccountForm):
    """An account as an administrator edits it."""

    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER)
    environments = forms.MultipleChoiceField(
        label="Promotes and approves only into",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None ticked: into every environment. An administrator may everywhere.",
    )
    groups = forms.CharField(
        required=False,
        max_length=1_000,
        help_text="Divided by commas, such as release-managers. An environment may ask for approvals of one.",
    )
    is_active = forms.BooleanField(label="May sign in", required=False, initial=True)

    def __init__(self, *args: Any, person: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        if person is not None:
            self.fields["password"].required = False
            self.fields["password"].help_text = "Leave it empty to keep the one there is."
        self.order_fields(["username", "role", "environments", "groups", "is_active", "password"])
        # Asked through the projects: the rows themselves belong to an app above this one.
        named = Project.objects.exclude(environments=None).order_by("environments__position")
        names = dict.fromkeys(named.values_list("environments__name", flat=True))
        names |= dict.fromkeys((self.initial or {}).get("environments", []))
        if names:
            field = self.fields["environments"]
            field.choices = [(name, visible(name)) for name in names]  # type: ignore[attr-defined]
        else:
            del self.fields["environments"]

    def clean_username(self) -> str:
        name = super().clean_username()
        taken = Person.objects.filter(username__iexact=name)
        if self.person is not None:
            taken = taken.exclude(pk=self.person.pk)
        if taken.exists():
            raise ValidationError("Somebody has that name already.")
        return name

    def clean_groups(self) -> list[str]:
        names = dict.fromkeys(one.strip() for one in self.cleaned_data["groups"].split(",") if one.strip())
        if len(names) > MOST_GROUPS:
            raise ValidationError(f"These are more than {MOST_GROUPS} groups.")
        if any(len(name) > 100 or visible(name) != name for name in names):
            raise ValidationError("A name is too long or holds characters that cannot be seen.")
        return list(names)
