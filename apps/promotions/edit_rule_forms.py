"""What administrators type about how an application is promoted."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.environments.models import Application
from apps.environments.silence_forms import LinesField
from apps.promotions.models import EDIT_WAYS, EditRule
from apps.promotions.selectors.edit_rules import neighbours_in, sources_of
from gitopsui.domain.edit import EditError
from gitopsui.domain.edit_copy import CopyRule, check_folder, check_rule
from gitopsui.domain.edit_path import split_path
from gitopsui.domain.edit_way import EditWay
from gitopsui.domain.errors import InputError
from gitopsui.domain.text import visible

_READ: dict[str, set[str]] = {
    EditWay.FIELD: {"file", "field_path"},
    EditWay.FOLDER: {"source", "source_path", "path", "only", "keep"},
}
_ASKED_OF = {"file": EditWay.FIELD, "field_path": EditWay.FIELD, "source": EditWay.FOLDER}
_PLAIN = {"spellcheck": "false", "autocomplete": "off"}


class EditRuleForm(forms.Form):
    """Three ways, each with fields of its own; those of the other ways are not read."""

    way = forms.ChoiceField(label="What a promotion edits", choices=EDIT_WAYS, widget=forms.RadioSelect)
    file = forms.CharField(
        label="File", max_length=1000, widget=forms.TextInput(_PLAIN),
        error_messages={"required": "Name the file."},
        help_text="From the root of the repository: charts/cart/Chart.yaml.",
    )  # fmt: skip
    field_path = forms.CharField(
        label="Value", max_length=500, widget=forms.TextInput(_PLAIN),
        error_messages={"required": "Name the value in it."},
        help_text=r"The way to it, with dots: dependencies.0.version. A dot inside a key is written \.",
    )  # fmt: skip
    source = forms.ChoiceField(
        label="Copied from", error_messages={"required": "Choose where it is copied from."}
    )
    source_path = forms.CharField(
        label="Its folder", required=False, max_length=1000, widget=forms.TextInput(_PLAIN),
        help_text="Empty: the folder it is rendered from.",
    )  # fmt: skip
    path = forms.CharField(
        label="Written to", required=False, max_length=1000, widget=forms.TextInput(_PLAIN),
        help_text="Empty: the folder this application is rendered from.",
    )  # fmt: skip
    only = LinesField(
        label="Only these parts",
        help_text="Files and folders below, one to a line. Empty: everything.",
    )
    keep = LinesField(
        label="Never touched",
        help_text="Patterns of what belongs to the environment, one to a line: replicas.yaml, secrets/**, "
        "*-local.yaml. It is neither written nor removed.",
    )

    # What is asked of one way must not keep a browser from sending another.
    use_required_attribute = False

    def __init__(self, data: Any = None, *, rule: EditRule) -> None:
        initial = {name: getattr(rule, name) for name in ("way", "field_path", "source_path", "only", "keep")}
        initial |= {"source": rule.source_id, "file" if rule.way == EditWay.FIELD else "path": rule.path}
        super().__init__(data, initial=initial)
        self.application = rule.application
        self.rule = rule
        for name, way in _ASKED_OF.items():
            self.fields[name].required = data is None or data.get("way") == way
        self.sources = {str(row.pk): row for row in sources_of(self.application)}
        choice = self.fields["source"]
        assert isinstance(choice, forms.ChoiceField)
        named = [(pk, visible(f"{row.environment}: {row.path}")) for pk, row in self.sources.items()]
        choice.choices = [("", "choose an environment"), *named]
        if not named:
            choice.help_text = "No other environment has it in the same repository and branch."

    def clean_source(self) -> Application | None:
        return self.sources.get(self.cleaned_data["source"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in self.errors.keys() & (
            self.fields.keys() - {"way"} - _READ.get(data.get("way", ""), set())
        ):
            # Of a way that was not chosen, and not even seen.
            del self.errors[name]
        if data.get("way") == EditWay.FIELD and not self.errors:
            self._clean_field(data)
        elif data.get("way") == EditWay.FOLDER and not self.errors:
            self._clean_folder(data, data["source"])
        return data

    def _clean_field(self, data: dict[str, Any]) -> None:
        data["path"] = data["file"]
        try:
            check_folder(data["file"], "file")
            split_path(data["field_path"])
            self._check_neighbours(data["file"])
        except InputError as error:
            self.add_error("file", error.message)
        except EditError as error:
            self.add_error("field_path", error.reason)
        except ValidationError as error:
            self.add_error("file", error)

    def _clean_folder(self, data: dict[str, Any], source: Application) -> None:
        data["source_path"] = data["source_path"].strip().rstrip("/") or source.path
        data["path"] = data["path"].strip().rstrip("/") or self.application.path
        data["only"], data["keep"] = list(data["only"]), list(data["keep"])
        rule = CopyRule(data["source_path"], data["path"], tuple(data["only"]), tuple(data["keep"]))
        try:
            check_rule(rule)
            self._check_neighbours(rule.target)
        except InputError as error:
            names = {"source": "source_path", "target": "path"}
            self.add_error(names.get(error.field, error.field), error.message)
        except ValidationError as error:
            self.add_error("path", error)

    def _check_neighbours(self, place: str) -> None:
        """A promotion must not change what another environment is rendered from: its gates are others."""
        others = neighbours_in(self.application, place)
        if others:
            message = f"{others[0]} is rendered from {others[0].path}: that would change it too."
            raise ValidationError(visible(message), code="COPY_SHARED")

    @property
    def values(self) -> dict[str, Any]:
        """What is stored, after `is_valid`."""
        names = ("way", "path", "field_path", "source", "source_path", "only", "keep")
        return {name: self.cleaned_data.get(name) for name in names}
