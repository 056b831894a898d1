"""How a repository is connected and changed by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.repositories import connect
from apps.repositories.models import Repository
from apps.repositories.services import NewCredential
from gitopsui.adapters.git_address import check_ref_name, check_url
from gitopsui.domain.errors import InputError

_SECRET = forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False)
# An address refused so may hold a password or token; what was typed is not shown again.
_MAY_HOLD_SECRET = ("URL_USERINFO", "URL_SYNTAX")


class ConnectForm(forms.Form):
    """The address of a remote and how to sign in to it. A secret is written, never read back."""

    url = forms.CharField(
        label="Clone URL",
        max_length=500,
        widget=forms.TextInput(
            attrs={"placeholder": "https://git.example.org/team/config.git", "spellcheck": "false"}
        ),
    )
    username = forms.CharField(label="User name", max_length=200, required=False)
    password = forms.CharField(
        label="Token or password",
        max_length=4000,
        required=False,
        strip=False,
        widget=_SECRET,
        help_text="Kept encrypted, sent to this host only, never shown again.",
    )

    def clean_url(self) -> str:
        raw: str = self.cleaned_data["url"]
        try:
            check_url(raw, connect.git_policy())
        except InputError as error:
            if error.code in _MAY_HOLD_SECRET:
                # What was typed holds a secret: it must not come back with the page.
                self.data = {**self.data, self.add_prefix("url"): ""}
            raise ValidationError(error.message, code=error.code) from error
        return raw

    def credential(self) -> NewCredential:
        data = self.cleaned_data
        return NewCredential(
            username=data.get("username", ""),
            password=data.get("password", ""),
            ssh_key=data.get("ssh_key", ""),
            known_hosts=data.get("known_hosts", ""),
        )


class RepositoryForm(ConnectForm):
    """A connection as an administrator edits it."""

    name = forms.CharField(max_length=100, required=False)
    branch = forms.CharField(
        label="Watched branch", max_length=300, required=False, help_text="Empty: the default branch."
    )
    is_config = forms.BooleanField(label="It says what should run", required=False)
    is_source = forms.BooleanField(label="Applications are built from it", required=False)
    ssh_key = forms.CharField(
        label="Private key for ssh",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )
    known_hosts = forms.CharField(
        label="Known hosts for ssh",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        help_text="Lines as ssh-keyscan prints them; without one for the host ssh refuses to talk to it.",
    )

    def __init__(self, *args: Any, repository: Repository, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.repository = repository
        if repository.credential:
            self.fields["password"].help_text = f"A secret is {repository.credential}. Empty keeps it."
        self.order_fields(["url", "name", "branch", "is_config", "is_source"])

    def clean_url(self) -> str:
        raw = super().clean_url()
        same_as = check_url(raw, connect.git_policy()).same_as
        others = Repository.objects.filter(project=self.repository.project, same_as=same_as)
        if others.exclude(pk=self.repository.pk).exists():
            raise ValidationError("This repository is connected to the project already.", code="URL_TAKEN")
        return raw

    def clean_branch(self) -> str:
        branch: str = self.cleaned_data["branch"]
        if branch:
            try:
                check_ref_name(branch)
            except InputError as error:
                raise ValidationError(error.message, code=error.code) from error
        return branch
