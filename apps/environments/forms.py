"""How a cluster is connected by hand."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.environments import connect
from apps.environments.models import Cluster
from gitopsui.adapters.cluster import ClusterAccess
from gitopsui.adapters.kubeconfig import Kubeconfig, parse_kubeconfig
from gitopsui.domain.errors import InputError
from gitopsui.domain.text import visible

KUBECONFIG_LIMIT = 200_000
_CODE = {"spellcheck": "false", "autocomplete": "off"}


class WriteOnlyTextarea(forms.Textarea):
    """What is pasted may hold secrets: it is read and never shown again, like a password."""

    def format_value(self, value: Any) -> str:
        return ""


def clean_name(raw: str) -> str:
    """A name that can be seen. Raises ValidationError for one of blanks and invisible characters only."""
    if raw and visible(raw) != raw:
        raise ValidationError("The name holds characters that cannot be seen.", code="NAME_HIDDEN")
    return raw


EXEC_CODES = ("KUBECONFIG_EXEC", "KUBECONFIG_FILE", "KUBECONFIG_AUTH")


class ClusterForm(forms.Form):
    """What every way has in common: a name and the environments that run there."""

    name = forms.CharField(max_length=100, help_text="As people call it: eu-prod.")
    environments = forms.MultipleChoiceField(
        label="Environments that run here", required=False, widget=forms.CheckboxSelectMultiple
    )
    access: ClusterAccess | None = None
    code = ""

    def __init__(self, *args: Any, environments: list[str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["environments"]
        if environments:
            field.choices = [(name, name) for name in environments]  # type: ignore[attr-defined]
            field.initial = environments
        else:
            del self.fields["environments"]

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if self.errors:
            return data
        try:
            self.access = self.read_access(data)
        except InputError as error:
            self.code = error.code
            self.add_error(self.blamed(), ValidationError(error.message, code=error.code))
        return data

    def blamed(self) -> str:
        return "name"

    def read_access(self, data: dict[str, Any]) -> ClusterAccess:
        raise NotImplementedError


class KubeconfigForm(ClusterForm):
    """A pasted kubeconfig. It is parsed by our own rules; nothing in it is run or opened."""

    kubeconfig = forms.CharField(
        max_length=KUBECONFIG_LIMIT, widget=WriteOnlyTextarea(attrs={"rows": 8, **_CODE}), strip=False
    )
    context = forms.CharField(max_length=300, required=False, help_text="Empty: its current context.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = False
        self.fields["name"].help_text = "Empty: the name in the kubeconfig."

    def blamed(self) -> str:
        return "kubeconfig"

    def read_access(self, data: dict[str, Any]) -> ClusterAccess:
        found: Kubeconfig = parse_kubeconfig(
            data["kubeconfig"], context=data.get("context", ""), policy=connect.http_policy()
        )
        data["name"] = data.get("name") or found.cluster_name
        return found.access


class TokenForm(ClusterForm):
    """Server, certificate authority and token, each in its own field."""

    server = forms.CharField(
        max_length=500, widget=forms.URLInput(attrs={"placeholder": "https://api.example.org:6443"})
    )
    ca_data = forms.CharField(
        label="Certificate authority (PEM)",
        required=False,
        max_length=100_000,
        widget=forms.Textarea(attrs={"rows": 4, **_CODE}),
    )
    token = forms.CharField(
        max_length=20_000,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        help_text="Of a service account that may list. Kept encrypted, never shown again.",
    )

    def blamed(self) -> str:
        return "server"

    def read_access(self, data: dict[str, Any]) -> ClusterAccess:
        return checked_access(
            ClusterAccess(data["server"], ca_data=data.get("ca_data", ""), token=data["token"])
        )


class InClusterForm(ClusterForm):
    """The account of the pod that gitopsui runs in."""

    def read_access(self, data: dict[str, Any]) -> ClusterAccess:
        return connect.own_access()


def checked_access(access: ClusterAccess) -> ClusterAccess:
    """The access, if its address is one we may reach. Raises InputError."""
    connect.check_server(access)
    return access


class ClusterEditForm(forms.Form):
    """Name and access of a connected cluster. An empty token keeps the stored one, at the same address."""

    name = forms.CharField(max_length=100)
    server = forms.CharField(max_length=500)
    ca_data = forms.CharField(
        label="Certificate authority (PEM)", required=False, widget=forms.Textarea(attrs={"rows": 4, **_CODE})
    )
    token = forms.CharField(
        max_length=20_000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}, render_value=False),
        help_text="Empty keeps the one there is, as long as the address stays the same.",
    )
    may_dry_run = forms.BooleanField(
        label="Deep checks",
        required=False,
        help_text="Have the API server say by a dry run what applying Git would change. Needs the verbs "
        "patch and create on what is applied; Kubernetes has no right for dry runs alone, so the account "
        "could write.",
    )
    may_refresh = forms.BooleanField(
        label="Refresh Argo CD and Flux",
        required=False,
        help_text="Let people ask Argo CD and Flux to look again, by an annotation on their objects. Needs "
        "the verb patch on those.",
    )
    reads_secrets = forms.BooleanField(
        label="Compare the values of Secrets",
        required=False,
        help_text="Needs get and list on secrets. Each value becomes a keyed hash as it is read: it is "
        "shown as changed or not, never as text. Without it the metadata of Secrets is compared.",
    )

    def __init__(self, *args: Any, cluster: Cluster, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cluster = cluster

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        others = Cluster.objects.filter(project=self.cluster.project, name=name).exclude(pk=self.cluster.pk)
        if others.exists():
            raise ValidationError("Another cluster of the project has this name.", code="NAME_TAKEN")
        return name

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            try:
                connect.check_server(ClusterAccess(data["server"], ca_data=data.get("ca_data", "")))
            except InputError as error:
                self.add_error("server", ValidationError(error.message, code=error.code))
        return data
