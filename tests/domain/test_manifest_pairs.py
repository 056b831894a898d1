"""The manifests of one application in two environments beside each other."""

from __future__ import annotations

from typing import Any

from gitopsui.domain.manifest_pairs import ManifestPair, PairChange, pair_manifests

OLD = ("production", "shop-production")
NEW = ("staging", "shop-staging")


def thing(kind: str, name: str, namespace: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, **more}


def paired(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[ManifestPair]:
    return pair_manifests(old, new, old_names=OLD, new_names=NEW)


def changes(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    return [(one.kind, one.name, one.change.value) for one in paired(old, new)]


def test_another_namespace_alone_is_no_difference() -> None:
    old, new = (thing("Service", "cart", space) for space in ("shop-production", "shop-staging"))
    assert changes([old], [new]) == [("Service", "cart", "same")]


def test_names_of_the_environments_are_told_apart_from_what_differs() -> None:
    old = thing("ConfigMap", "cart", "a", data={"HOST": "cart.production.example.org", "MODE": "production"})
    new = thing("ConfigMap", "cart", "b", data={"HOST": "cart.staging.example.org", "MODE": "staging"})
    other = thing("ConfigMap", "cart", "b", data={"HOST": "cart.staging.example.org", "MODE": "fast"})
    assert changes([old], [new]) == [("ConfigMap", "cart", "names")]
    assert changes([old], [other]) == [("ConfigMap", "cart", "changed")]


def test_a_resource_that_is_called_after_its_environment_is_the_same_one() -> None:
    old, new = thing("Service", "cart-production", "a"), thing("Service", "cart-staging", "b")
    assert changes([old], [new]) == [("Service", "cart-staging", "names")]


def test_a_hash_behind_a_generated_name_does_not_count() -> None:
    old = thing("ConfigMap", "cart-config-2mk8h54g7b", "a", data={"A": "1"})
    new = thing("ConfigMap", "cart-config-99f5k7c4gt", "b", data={"A": "2"})
    (pair,) = paired([old], [new])
    assert pair.change is PairChange.CHANGED
    assert "A: " in pair.old
    assert "namespace" not in pair.old + pair.new


def test_what_one_side_alone_has_is_added_or_removed() -> None:
    old, new = [thing("Service", "old", "a")], [thing("Ingress", "new", "b")]
    assert changes(old, new) == [("Ingress", "new", "added"), ("Service", "old", "removed")]


def test_a_name_inside_a_longer_word_is_left_as_it_is() -> None:
    old = thing("ConfigMap", "x", "a", data={"KEY": "reproductions"})
    new = thing("ConfigMap", "x", "b", data={"KEY": "restagings"})
    assert changes([old], [new]) == [("ConfigMap", "x", "changed")]
