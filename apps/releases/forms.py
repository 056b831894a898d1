"""What an administrator types about where the versions of a component come from."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from apps.environments.models import Component
from apps.releases.models import ReleasePolicy
from apps.releases.services.components import NewPolicy, RegistryLogin, is_plain_http
from apps.repositories.models import Repository
from gitopsui.adapters.http_policy import HttpPolicy, check_url
from gitopsui.adapters.registry import endpoint_of
from gitopsui.domain import tracker
from gitopsui.domain.errors import InputError
from gitopsui.domain.image import find_image, parse_image
from gitopsui.domain.pattern import is_quick
from gitopsui.domain.version import VersionRange, check_tag_pattern

MOST_PATHS = 50
PATH_CHARS = 300


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
        max_length=Component._meta.get_field("tag_pattern").max_length,
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
        if not is_quick(pattern):
            raise ValidationError(
                "The pattern repeats what splits in many ways, which can take for ever. Make it simpler, "
                "as v(?P<version>.+) is: what follows is read as a version all the same."
            )
        return pattern

    def clean_image(self) -> str:
        image: str = self.cleaned_data["image"]
        if not image:
            return ""
        try:
            endpoint_of(parse_image(image).registry)
        except InputError as error:
            raise ValidationError(error.message) from error
        return image


class PolicyForm(forms.Form):
    """How a component is versioned and told about. A secret is written, never read back."""

    paths = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "spellcheck": "false"}),
        label="Its folders",
        help_text="In a repository with several components: one folder or file on each line, such as "
        "services/cart. Only commits that touch them count. Empty: all commits.",
    )
    below_one = forms.ChoiceField(
        choices=ReleasePolicy._meta.get_field("below_one").choices or [],
        label="Below 1.0.0",
        help_text="What a breaking change does to the next version.",
    )
    version_range = forms.CharField(
        required=False,
        max_length=200,
        label="Versions that are offered",
        help_text="A range such as >=1.2 <3, ^2.1 or ~1.4. Empty: every stable version.",
    )
    tracker_pattern = forms.CharField(
        required=False,
        max_length=tracker.PATTERN_LIMIT,
        label="Issue ids",
        help_text="A regular expression of one whole id of your tracker, such as SHOP-[0-9]+.",
    )
    tracker_url = forms.CharField(
        required=False,
        max_length=500,
        label="Address of an issue",
        help_text="With {id}, such as https://tracker.example.org/browse/{id}.",
    )
    watches_registry = forms.BooleanField(required=False, label="Ask the registry which versions there are")
    registry_username = forms.CharField(required=False, max_length=200, label="User name at the registry")
    registry_password = forms.CharField(
        required=False,
        max_length=4000,
        strip=False,
        label="Token or password for the registry",
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        help_text="Kept encrypted, sent to the registry of the image only, never shown again.",
    )
    registry_plain_http = forms.BooleanField(
        required=False,
        label="This registry speaks plain HTTP",
        help_text="The credential is then sent without encryption. Only for a host and port the operator "
        "trusts (GITOPSUI_TRUSTED_ENDPOINTS); a credential that was stored for HTTPS is forgotten.",
    )
    forgets_credential = forms.BooleanField(required=False, label="Forget the stored credential")
    has_public_notes = forms.BooleanField(
        required=False, label="Show its public notes to everybody, without sign-in"
    )

    def __init__(self, data: Any = None, *, policy: ReleasePolicy, image: str = "") -> None:
        """`image` is the one whose registry is signed in to, as it was typed or is stored."""
        self._image, credential = image, policy.registry_credential
        names = ("below_one", "version_range", "tracker_pattern", "tracker_url", "watches_registry")
        stored = {name: getattr(policy, name) for name in (*names, "has_public_notes")}
        stored |= {"registry_plain_http": credential is not None and is_plain_http(credential)}
        super().__init__(data, initial=stored | {"paths": "\n".join(policy.paths)})
        if credential is None:
            del self.fields["forgets_credential"]
        else:
            self.fields["registry_password"].help_text = f"A credential is {credential}. Empty keeps it."

    def clean_paths(self) -> tuple[str, ...]:
        lines = [line.strip().strip("/") for line in self.cleaned_data["paths"].splitlines()]
        paths = tuple(dict.fromkeys(line.removeprefix("./") for line in lines if line not in ("", ".")))
        if len(paths) > MOST_PATHS or any(len(path) > PATH_CHARS for path in paths):
            raise ValidationError(f"At most {MOST_PATHS} folders of {PATH_CHARS} characters each.")
        for path in paths:
            if any(part in ("", ".", "..") for part in path.split("/")) or "\0" in path:
                raise ValidationError(f"“{path[:80]}” is no folder of a repository.")
        return paths

    def clean_version_range(self) -> str:
        text: str = self.cleaned_data["version_range"]
        try:
            VersionRange.parse(text)
        except InputError as error:
            raise ValidationError(error.message) from error
        return text

    def clean_registry_plain_http(self) -> bool:
        """Only a host and port the operator named may be spoken to in plain HTTP."""
        image = find_image(self._image)
        if not self.cleaned_data["registry_plain_http"]:
            return False
        if image is None:
            raise ValidationError("It needs an image that names a registry.")
        policy = HttpPolicy(private_hosts=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS))
        try:
            check_url(endpoint_of(image.registry, scheme="http"), policy)
        except InputError as error:
            place = f"{image.registry} is not trusted to be spoken to in plain HTTP."
            raise ValidationError(f"{place} An operator can allow it by its host and port.") from error
        return True

    def clean(self) -> None:
        data = self.cleaned_data
        try:
            tracker.parse_tracker(data.get("tracker_pattern", ""), data.get("tracker_url", ""))
        except InputError as error:
            self.add_error(error.field if error.field in self.fields else None, error.message)

    def policy(self) -> NewPolicy:
        data = self.cleaned_data
        return NewPolicy(
            paths=data["paths"],
            below_one=data["below_one"],
            tracker_pattern=data["tracker_pattern"],
            tracker_url=data["tracker_url"],
            version_range=data["version_range"],
            has_public_notes=data["has_public_notes"],
            watches_registry=data["watches_registry"],
        )

    def login(self) -> RegistryLogin:
        data = self.cleaned_data
        return RegistryLogin(
            data["registry_username"],
            data["registry_password"],
            data.get("forgets_credential", False),
            data["registry_plain_http"],
        )


class CutForm(forms.Form):
    """A release that is about to be tagged."""

    version = forms.CharField(max_length=250, help_text="Without the prefix of the tag.")
    commit = forms.CharField(
        required=False,
        max_length=64,
        help_text="The beginning of a commit id. Empty: the newest of the watched branch.",
    )
    message = forms.CharField(
        max_length=60_000,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Becomes the message of the tag.",
    )
