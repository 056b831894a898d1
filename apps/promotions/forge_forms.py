"""How somebody says where the pull requests of a repository are made."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.promotions import connect
from apps.promotions.models import BUILT_IN, ForgeConnection
from apps.promotions.services.forges import NewConnection, endpoint_of
from gitopsui.adapters.forge.detect import FoundForge
from gitopsui.adapters.http_policy import check_url
from gitopsui.domain.errors import InputError

_NAME = re.compile(r"(?!\.+$)[\w.-]{1,255}", re.ASCII)
_KINDS = [
    (BUILT_IN, "Here: reviewed and merged on our own pages"),
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("gitea", "Gitea or Forgejo"),
]


class ForgeForm(forms.Form):
    """A stored token is never shown; an empty field keeps it as long as the host stays the same."""

    kind = forms.ChoiceField(label="Pull requests are made on", choices=_KINDS)
    api_url = forms.CharField(
        label="Address of the API",
        max_length=500,
        required=False,
        widget=forms.TextInput(
            attrs={"placeholder": "https://git.example.org/api/v1", "spellcheck": "false"}
        ),
        help_text="GitHub Enterprise: …/api/v3. GitLab: …/api/v4. Gitea and Forgejo: …/api/v1.",
    )
    path = forms.CharField(
        label="Owner and name",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs={"placeholder": "team/config", "spellcheck": "false"}),
    )
    token = forms.CharField(
        label="Token",
        max_length=4000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        help_text="Kept encrypted, sent to this host only, never shown again. Best of an account of its own.",
    )

    def __init__(
        self, *args: Any, connection: ForgeConnection | None, guess: FoundForge | None, **kwargs: Any
    ) -> None:
        kwargs.setdefault("initial", _initial(connection, guess))
        super().__init__(*args, **kwargs)
        self.connection = connection
        if connection is not None and connection.token and connection.set_at is not None:
            text = f"Stored on {connection.set_at:%Y-%m-%d}. Empty keeps it; another host forgets it."
            self.fields["token"].help_text = text

    def clean_api_url(self) -> str:
        raw: str = self.cleaned_data["api_url"].rstrip("/")
        if raw and self.data.get("kind") != BUILT_IN:
            try:
                check_url(raw, connect.forge_policy())
            except InputError as error:
                raise ValidationError(error.message, code=error.code) from error
        return raw

    def clean_path(self) -> str:
        path: str = self.cleaned_data["path"].strip("/").removesuffix(".git")
        parts = path.split("/")
        if path and not (len(parts) > 1 and all(_NAME.fullmatch(part) for part in parts)):
            raise ValidationError("Write it as owner/name.", code="FORGE_PATH")
        return path

    def clean_token(self) -> str:
        token: str = self.cleaned_data["token"]
        if not (token.isascii() and token.isprintable() and " " not in token):
            raise ValidationError("A token has no spaces and only plain characters.", code="FORGE_TOKEN")
        return token

    def clean(self) -> dict[str, Any]:
        data = self.cleaned_data
        if data.get("kind", BUILT_IN) == BUILT_IN or self.errors:
            return data
        for name in ("api_url", "path"):
            if not data.get(name):
                self.add_error(name, "This is needed.")
        if data["kind"] != "gitlab" and data.get("path", "").count("/") > 1:
            self.add_error("path", "Write it as owner/name.")
        if data.get("api_url") and not (data.get("token") or self._has_token_for(data["api_url"])):
            self.add_error("token", "Enter a token for this host.")
        return data

    def _has_token_for(self, api_url: str) -> bool:
        row = self.connection
        return bool(row is not None and row.token and endpoint_of(row.api_url) == endpoint_of(api_url))

    def connection_wanted(self) -> NewConnection:
        data = self.cleaned_data
        return NewConnection(data["kind"], data["api_url"], data["path"], data["token"])


def _initial(connection: ForgeConnection | None, guess: FoundForge | None) -> dict[str, str]:
    """What is stored, else what the address of the repository tells."""
    if connection is not None and connection.kind != BUILT_IN:
        return {"kind": connection.kind, "api_url": connection.api_url, "path": connection.path}
    if guess is None or (connection is not None and connection.set_at is not None):
        return {"kind": BUILT_IN}
    return {"kind": guess.kind, "api_url": guess.api_url, "path": guess.path}
