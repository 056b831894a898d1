"""Builds the door to the registry of an image, and the key for tags, from what the operator says."""

from __future__ import annotations

from django.conf import settings

from apps.environments.models import Component
from apps.releases.models import ReleasePolicy
from gitopsui.adapters.git_sign import KeyKind, SigningKey
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.adapters.registry import Registry, RegistryCredential
from gitopsui.domain.image import parse_image


def registry_policy() -> HttpPolicy:
    """What the operator lets us reach."""
    return HttpPolicy(
        allowed_hosts=tuple(settings.GITOPSUI_REGISTRY_HOSTS),
        private_hosts=frozenset(settings.GITOPSUI_TRUSTED_ENDPOINTS),
    )


def can_sign() -> bool:
    """Whether the operator gave a key to sign tags with."""
    return bool(settings.GITOPSUI_TAG_KEY)


def signing_key() -> SigningKey | None:
    """The operator's key for tags: of ssh, or of GnuPG where it says so. None without one."""
    text: str = settings.GITOPSUI_TAG_KEY
    if not text:
        return None
    return SigningKey(text, KeyKind.GPG if "PGP PRIVATE KEY" in text else KeyKind.SSH)


def registry(component: Component) -> Registry:
    """Nothing is reached before it is asked for something. Raises InputError for an image that is none."""
    policies = ReleasePolicy.objects.select_related("registry_credential")
    policy = policies.filter(component=component).first()
    stored = policy.registry_credential if policy else None
    credential = RegistryCredential(stored.endpoint, stored.username, stored.password) if stored else None
    return Registry(parse_image(component.image).registry, registry_policy(), credential)
