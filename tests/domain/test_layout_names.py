"""Environments and components are called what their authors call them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.layout_names import (
    canonical,
    component_of,
    is_environment,
    locate,
    names_of,
    rank_of,
    split_environment,
)


@pytest.mark.parametrize(
    ("name", "rest", "environment"),
    [
        ("cart-prod", "cart", "prod"),
        ("cart-prod-eu", "cart", "prod-eu"),
        ("prod-cart", "cart", "prod"),
        ("prod-eu", "", "prod-eu"),
        ("us-east-1-prod", "", "us-east-1-prod"),
        ("staging2", "", "staging2"),
        ("non-prod", "", "non-prod"),
        ("pre-prod-us", "", "pre-prod-us"),
        ("eks-demo-a", "", "eks-demo-a"),
        ("Cart.Production", "Cart", "Production"),
        ("cart", "cart", ""),
        ("products", "products", ""),
        ("", "", ""),
    ],
)
def test_a_name_is_split_into_component_and_environment(name: str, rest: str, environment: str) -> None:
    split = split_environment(name)

    assert (split.rest, split.environment) == (rest, environment)


def test_environments_are_ordered_from_development_to_production() -> None:
    wanted = [
        "local",
        "dev",
        "int",
        "test",
        "qa",
        "staging",
        "uat",
        "preprod",
        "prod-eu",
        "prod-us",
        "live",
        "other",
    ]

    assert sorted(set(wanted), key=rank_of) == wanted


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("prod", "production"),
        ("Prod", "prd"),
        ("stg", "staging"),
        ("prod-eu", "production-eu"),
        ("pre-prod", "preprod"),
    ],
)
def test_two_spellings_of_an_environment_are_the_same(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("prod", "preprod"), ("prod-eu", "prod-us"), ("staging2", "staging"), ("load-gpu", "load-non-gpu")],
)
def test_two_environments_are_not_the_same(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


@pytest.mark.parametrize(
    ("folder", "siblings", "environment", "rest"),
    [
        ("apps/cart/overlays/prod", [], "prod", "apps/cart"),
        ("apps/cart/overlays/test", [], "test", "apps/cart"),
        ("environments/prod/cart", [], "prod", "cart"),
        ("clusters/eu-west/cart", [], "eu-west", "cart"),
        ("clusters/overlays/local.home/components/dns", [], "local.home", "components/dns"),
        ("prod/cart", [], "prod", "cart"),
        ("test/cart", [], "", "test/cart"),
        ("test/cart", ["prod"], "test", "cart"),
        ("cart-prod", [], "prod", "cart"),
        ("dev-tools", [], "", "dev-tools"),
        ("dev-cart", ["prod-cart"], "dev", "cart"),
        ("apps/base/development/tool", [], "", "apps/base/development/tool"),
        ("environments/base", [], "", "environments/base"),
        ("web", [], "", "web"),
    ],
)
def test_a_folder_tells_its_environment(
    folder: str, siblings: list[str], environment: str, rest: str
) -> None:
    place = locate(folder.split("/"), lambda index: siblings if index == 0 else [])

    assert (place.environment, "/".join(place.rest)) == (environment, rest)


@pytest.mark.parametrize(
    ("segments", "names"),
    [
        (["apps", "cart"], ["cart", "apps-cart"]),
        (["team", "cart", "deploy"], ["cart", "team-cart", "cart-deploy", "team-cart-deploy"]),
        (["infrastructure", "overlays"], ["infrastructure", "infrastructure-overlays"]),
        (["apps", "service"], ["service", "apps-service"]),
        (["acs", "operator"], ["acs", "acs-operator"]),
        (["k8s"], ["shop", "shop-k8s"]),
        ([], ["shop"]),
        (["_charts", "_cart"], ["cart", "charts-cart"]),
    ],
)
def test_a_folder_has_short_and_longer_names(segments: list[str], names: list[str]) -> None:
    assert list(names_of(segments, "shop")) == names


@pytest.mark.parametrize(
    ("name", "peers", "words", "component"),
    [
        ("cart-prod", [], ["prod"], "cart"),
        ("engineering-dev-guestbook", [], ["dev", "engineering-dev"], "guestbook"),
        ("cart-prod-eu1", [], ["prod", "eu1"], "cart"),
        ("dev-cart", ["prod-cart"], [], "cart"),
        ("dev-team", [], ["staging"], "dev-team"),
        ("cart-staging", [], [], "cart"),
        ("prod", [], ["prod"], "prod"),
    ],
)
def test_an_application_is_called_without_its_environment(
    name: str, peers: list[str], words: list[str], component: str
) -> None:
    assert component_of(name, peers, words) == component


@given(st.text(max_size=60))
def test_any_name_can_be_taken_apart(name: str) -> None:
    split = split_environment(name)

    assert split.environment in name
    assert isinstance(canonical(name), str)
    assert isinstance(is_environment(name), bool)
    assert rank_of(name)[0] <= 50


@pytest.mark.timeout(5)
def test_a_name_of_a_million_letters_is_taken_apart_at_once() -> None:
    for name in ("a" * 1_000_000, "a-" * 500_000, "prod-" * 200_000):
        split_environment(name)
        canonical(name)


BESIDE = ["dev", "staging", "production", "base"]


@pytest.mark.parametrize(
    ("folder", "siblings", "environment", "rest"),
    [
        ("apps/catalog/edge", BESIDE, "edge", "apps/catalog"),
        ("apps/catalog/edge/config", BESIDE, "edge", "apps/catalog/config"),
        # Only one environment beside it, or something else that is none.
        ("apps/catalog/edge", ["dev"], "", "apps/catalog/edge"),
        ("apps/catalog/edge", ["dev", "develop"], "", "apps/catalog/edge"),
        ("apps/catalog/edge", [*BESIDE, "worker"], "", "apps/catalog/edge"),
        # What belongs to all environments of a component, or says how it is laid out.
        ("apps/catalog/patches", BESIDE, "", "apps/catalog/patches"),
        ("apps/catalog/base", BESIDE, "", "apps/catalog/base"),
        ("apps/catalog/edge", [*BESIDE, "patches"], "edge", "apps/catalog"),
    ],
)
def test_an_unknown_word_in_a_row_of_environments_is_one(
    folder: str, siblings: list[str], environment: str, rest: str
) -> None:
    place = locate(folder.split("/"), lambda index: siblings if index == 2 else [])

    assert (place.environment, "/".join(place.rest)) == (environment, rest)


def test_a_component_in_a_row_of_environments_is_none() -> None:
    place = locate(["apps", "monitor"], lambda index: BESIDE if index == 1 else [])

    assert place.environment == ""
