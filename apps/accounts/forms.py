"""What people type about themselves and about others."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from apps.accounts.models import Person, Role


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
    is_active = forms.BooleanField(label="May sign in", required=False, initial=True)

    def __init__(self, *args: Any, person: Person | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.person = person
        if person is not None:
            self.fields["password"].required = False
            self.fields["password"].help_text = "Leave it empty to keep the one there is."
        self.order_fields(["username", "role", "is_active", "password"])

    def clean_username(self) -> str:
        name = super().clean_username()
        taken = Person.objects.filter(username__iexact=name)
        if self.person is not None:
            taken = taken.exclude(pk=self.person.pk)
        if taken.exists():
            raise ValidationError("Somebody has that name already.")
        return name
