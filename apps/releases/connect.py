"""Builds the door to the registry of a component's image from its policy and the operator's settings."""

from __future__ import annotations

from django.conf import settings

from apps.environments.models import Component
from apps.releases.models import ReleasePolicy
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.registry import Registry, RegistryCredential
from gitopsui.domain.image import parse_image


def registry_policy() -> HttpPolicy:
    """What the operator lets us reach."""
    return HttpPolicy(
        allowed_hosts=tuple(settings.GITOPSUI_REGISTRY_HOSTS),
        private_hosts=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS),
    )


def registry(component: Component) -> Registry:
    """Nothing is reached before it is asked for something. Raises InputError for an image that is none."""
    policies = ReleasePolicy.objects.select_related("registry_credential")
    policy = policies.filter(component=component).first()
    stored = policy.registry_credential if policy else None
    credential = RegistryCredential(stored.endpoint, stored.username, stored.password) if stored else None
    return Registry(parse_image(component.image).registry, registry_policy(), credential)
