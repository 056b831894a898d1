"""Signing in to a registry, in plain HTTP where that was chosen and the operator trusts its address."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.accounts.models import Role
from apps.core.models import Job
from apps.environments.models import Component
from apps.releases import tasks
from apps.releases.models import RegistryState, ReleasePolicy
from apps.releases.services import registry
from apps.repositories.models import Credential
from tests.accounts import make_person
from tests.adapters.registry_server import PASSWORD, USER, serving_with_password
from tests.apps.releases.conftest import Shop

PAGE = "/projects/shop/components/cart/edit/"
TRUSTED = "registry.internal:5000"
FIELDS = {"below_one": "minor", "watches_registry": "on"}
LOGIN = {"registry_username": USER, "registry_password": PASSWORD}


@pytest.fixture
def admin(shop: Shop, client: Client, settings: LazySettings) -> Client:
    settings.GITOPSUI_TRUSTED_ENDPOINTS = (TRUSTED,)
    client.force_login(make_person("admin", Role.ADMIN, shop.project))
    return client


def stored() -> Credential | None:
    return ReleasePolicy.objects.select_related("registry_credential").get().registry_credential


def save(admin: Client, **fields: str) -> str:
    """The page after it was sent; "" where all was taken."""
    answer = admin.post(PAGE, {**FIELDS, "image": f"{TRUSTED}/shop/cart", **fields})
    return "" if answer.status_code == 302 else answer.content.decode()


def test_a_credential_is_for_https_unless_somebody_chooses_otherwise(admin: Client) -> None:
    assert save(admin, **LOGIN) == ""
    credential = stored()
    assert credential is not None
    assert credential.endpoint == f"https://{TRUSTED}"


def test_plain_http_is_a_choice_for_an_address_the_operator_trusts(admin: Client) -> None:
    assert save(admin, **LOGIN, registry_plain_http="on") == ""
    credential = stored()
    assert credential is not None
    assert credential.endpoint == f"http://{TRUSTED}"
    page = admin.get(PAGE).content.decode()
    assert "checked" in page.partition('name="registry_plain_http"')[2].partition(">")[0]


@pytest.mark.parametrize(
    "image", ["registry.internal/shop/cart", "registry.example.org/shop/cart", "127.0.0.1:5000/cart", ""]
)
def test_plain_http_is_refused_for_every_other_address(admin: Client, image: str) -> None:
    page = save(admin, **LOGIN, registry_plain_http="on", image=image)
    assert 'id="id_registry_plain_http_error"' in page
    assert not Credential.objects.exists()


def test_another_way_to_speak_forgets_the_stored_credential(admin: Client) -> None:
    save(admin, **LOGIN, registry_plain_http="on")
    save(admin, registry_plain_http="on")
    assert stored() is not None
    save(admin)
    assert stored() is None
    assert not Credential.objects.exists()


@pytest.mark.binary
def test_what_was_chosen_on_the_page_signs_in_to_a_real_registry(
    shop: Shop, admin: Client, settings: LazySettings, tmp_path: Path
) -> None:
    with serving_with_password(tmp_path) as real:
        settings.GITOPSUI_TRUSTED_ENDPOINTS = (real.host,)
        digest = real.push("shop/cart", "1.4.0")
        assert save(admin, **LOGIN, registry_plain_http="on", image=f"{real.host}/shop/cart") == ""
        tasks.check_due_registries()
        assert Component.objects.get().image_tags.get(tag="1.4.0").digest == digest
        assert save(admin, **LOGIN, image=f"{real.host}/shop/cart") == ""
        Job.objects.filter(kind=registry.CHECK).delete()
        tasks.check_due_registries()
    assert RegistryState.objects.get().error_code == "HTTP_TLS"
