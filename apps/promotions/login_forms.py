"""What an administrator types about who somebody is on a forge."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django import forms
from django.core.exceptions import ValidationError

# Whatever GitHub, GitLab, Gitea and Forgejo allow a person to be called; no bot of GitHub (`name[bot]`).
_LOGIN = re.compile(r"[A-Za-z0-9._-]{1,100}", re.ASCII)


class LoginForm(forms.Form):
    """A login on one of the forges that repositories lie on."""

    host = forms.ChoiceField(label="Forge")
    login = forms.CharField(
        max_length=101,
        widget=forms.TextInput({"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text="As it stands beside their reviews there; capitals do not matter.",
    )

    def __init__(self, data: object = None, *, hosts: Sequence[str]) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        self.fields["host"].choices = [(host, host) for host in hosts]  # type: ignore[attr-defined]

    def clean_login(self) -> str:
        login = str(self.cleaned_data["login"]).strip().removeprefix("@")
        if not _LOGIN.fullmatch(login):
            raise ValidationError(
                "A login has only letters without accents, digits, points, dashes and underlines.",
                code="LOGIN",
            )
        return login
