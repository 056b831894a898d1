"""What people type to have a key trusted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone

from gitopsui.domain.errors import InputError
from gitopsui.domain.public_key import PRIVATE, PublicKey, read_public_key


class TrustedKeyForm(forms.Form):
    """A public key. What is refused as a private one does not come back with the page."""

    text = forms.CharField(
        label="Public key",
        widget=forms.Textarea({"rows": 6, "spellcheck": "false", "autocomplete": "off", "class": "mono"}),
        help_text="What gpg --armor --export prints, or one line of a .pub file or of allowed signers.",
    )
    principals = forms.CharField(
        label="Whose ssh key it is",
        required=False,
        max_length=1_000,
        help_text="E-mail addresses or names with commas between them. A key of GnuPG says it itself.",
    )
    key: PublicKey

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "text" in data:
            try:
                self.key = read_public_key(data["text"], data.get("principals", ""), now=timezone.now())
            except InputError as error:
                if error.code == PRIVATE:
                    self.data = {**self.data, self.add_prefix("text"): ""}
                    data.pop("text")
                self.add_error(error.field, error.message)
        return data
