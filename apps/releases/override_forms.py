"""What people type about entries and releases."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.releases.models import NoteOverride
from apps.releases.services.bad_releases import REASON_CHARS
from apps.releases.services.overrides import INTRODUCTION_CHARS, TEXT_CHARS, Wording
from gitopsui.domain.text import visible

MOST_ADVISORIES = 5
_ADVISORY = re.compile(r"CVE-[0-9]{4}-[0-9]{4,7}|GHSA(?:-[23456789cfghjmpqrvwx]{4}){3}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})?")


class OverrideForm(forms.Form):
    """One override. `seen` is when the row that the page showed was written, "" where there was none."""

    text = forms.CharField(
        label="Text",
        required=False,
        max_length=TEXT_CHARS,
        widget=forms.Textarea({"rows": 4}),
        help_text="Stands in place of the generated text. Empty: the generated text stays.",
    )
    audience = forms.ChoiceField(
        label="Who reads it",
        choices=[
            ("public", "Everybody, customers too"),
            ("operator", "Those who run it, and engineers"),
            ("internal", "Engineers only"),
        ],
        widget=forms.RadioSelect,
    )
    is_hidden = forms.BooleanField(label="Hide it from everybody", required=False)
    advisory = forms.CharField(
        label="Security advisories",
        required=False,
        max_length=100,
        help_text="CVE or GHSA ids, such as CVE-2026-12345.",
    )
    language = forms.CharField(
        label="Language",
        required=False,
        max_length=16,
        help_text="A code such as de. Empty: the language of the notes.",
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def clean_text(self) -> str:
        return str(self.cleaned_data["text"]).replace("\r\n", "\n").strip()

    def clean_advisory(self) -> str:
        found = [word.upper() for word in re.split(r"[\s,;]+", self.cleaned_data["advisory"]) if word]
        ids = ["GHSA" + word[4:].lower() if word.startswith("GHSA") else word for word in found]
        if len(ids) > MOST_ADVISORIES or not all(_ADVISORY.fullmatch(one) for one in ids):
            raise ValidationError("These are no CVE or GHSA ids, or too many of them.", code="ADVISORY")
        return " ".join(dict.fromkeys(ids))

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"].strip()
        if language and not _LANGUAGE.fullmatch(language):
            raise ValidationError("This is no code of a language.", code="LANGUAGE")
        return language

    @staticmethod
    def initial_of(row: NoteOverride | None, audience: str) -> dict[str, Any]:
        if row is None:
            return {"audience": audience}
        names = ("text", "audience", "is_hidden", "advisory", "language")
        return {name: getattr(row, name) for name in names} | {"seen": row.edited_at.isoformat()}

    def blame_other(self, row: NoteOverride) -> None:
        """Somebody else was faster."""
        who = visible(row.edited_by)
        self.add_error(None, f"{who} changed it meanwhile. Open it again to see that text.")

    @property
    def wording(self) -> Wording:
        names = ("text", "audience", "is_hidden", "advisory", "language")
        return Wording(**{name: self.cleaned_data[name] for name in names})


class IntroductionForm(forms.Form):
    """What stands above the notes of a release."""

    introduction = forms.CharField(
        label="Introduction and highlights",
        required=False,
        max_length=INTRODUCTION_CHARS,
        widget=forms.Textarea({"rows": 12}),
        help_text="Markdown. Everybody who may read the notes reads it, customers too. Empty: none.",
    )


class BadForm(forms.Form):
    """Why a release is bad."""

    reason = forms.CharField(
        label="Why is it bad?",
        max_length=REASON_CHARS,
        widget=forms.Textarea({"rows": 3}),
        help_text="Shown to everybody who signs in, never on the public page.",
    )
