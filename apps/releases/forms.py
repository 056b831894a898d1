"""What an administrator types about where the versions of a component come from."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.environments.models import Component
from apps.repositories.models import Repository
from gitopsui.domain.errors import InputError
from gitopsui.domain.image import parse_image
from gitopsui.domain.version import PATTERN_LIMIT, check_tag_pattern


class ComponentForm(forms.Form):
    """Source repository, tag pattern and image of one component."""

    source = forms.ModelChoiceField(
        queryset=Repository.objects.none(),
        required=False,
        label="Source repository",
        empty_label="none",
        help_text="Its tags are the releases; their notes are written from its commits.",
    )
    tag_pattern = forms.CharField(
        required=False,
        max_length=PATTERN_LIMIT,
        label="Tag pattern",
        help_text="A regular expression with a group called version, such as ^cart/v(?P<version>.+)$. "
        "Empty: tags called after the component, else the versions of the repository.",
    )
    image = forms.CharField(
        required=False,
        max_length=500,
        help_text="The container image whose tag is the version, such as registry.example.org/shop/cart.",
    )

    def __init__(self, data: Any = None, *, component: Component) -> None:
        stored = {"source": component.source_id, "image": component.image}
        super().__init__(data, initial=stored | {"tag_pattern": component.tag_pattern})
        choices = Repository.objects.filter(project=component.project)
        self.fields["source"].queryset = choices  # type: ignore[attr-defined]

    def clean_tag_pattern(self) -> str:
        pattern: str = self.cleaned_data["tag_pattern"]
        if not pattern:
            return ""
        try:
            check_tag_pattern(pattern)
        except InputError as error:
            raise ValidationError(error.message) from error
        return pattern

    def clean_image(self) -> str:
        image: str = self.cleaned_data["image"]
        if not image:
            return ""
        try:
            parse_image(image)
        except InputError as error:
            raise ValidationError(error.message) from error
        return image
