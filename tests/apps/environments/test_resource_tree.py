"""The tree of what made what: its order, its events, what is unwell, and what is folded away."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.environments.models import Application
from apps.environments.selectors import resources
from apps.environments.selectors.resources import ResourceTree, base_name, read_resources, resource_tree
from tests.apps.environments.drift_shop import DriftShop, make_shop

CRASH = {"type": "Warning", "reason": "BackOff", "message": "Back-off restarting", "count": 7}
PULLED = {"type": "Normal", "reason": "Pulled", "message": "Image is there", "count": 1}


@pytest.fixture
def shop(db: None) -> DriftShop:
    return make_shop()


def tree_of(shop: DriftShop, *, only_unwell: bool = False) -> ResourceTree:
    return resource_tree(read_resources(shop.application), only_unwell=only_unwell)


def replica_set(shop: DriftShop, pods: int, **last: str) -> None:
    """A Deployment with so many Pods, the last one of which is told otherwise."""
    shop.resource("Deployment", "cart", "1")
    shop.resource("ReplicaSet", "cart-6d9f7c4b5d", "2", "1")
    for number in range(pods):
        more = last if number == pods - 1 else {}
        shop.resource("Pod", f"cart-6d9f7c4b5d-{number:05}", f"p{number}", "2", **more)


def test_objects_stand_below_what_made_them(shop: DriftShop) -> None:
    replica_set(shop, 2)
    (deployment,) = tree_of(shop).nodes
    (made,) = deployment.children
    assert [made.kind, *(pod.kind for pod in made.children)] == ["ReplicaSet", "Pod", "Pod"]


def test_many_that_are_well_are_folded_and_the_unwell_one_is_not(shop: DriftShop) -> None:
    replica_set(shop, 300, health="Degraded")
    made = tree_of(shop).nodes[0].children[0]
    assert [pod.health for pod in made.children] == ["Healthy"] * 5 + ["Degraded"]
    assert [(fold.kind, len(fold.nodes)) for fold in made.folds] == [("Pod", 294)]
    assert "and 294 more healthy Pods" in shop.page()


def test_a_handful_is_not_folded(shop: DriftShop) -> None:
    replica_set(shop, 6)
    assert tree_of(shop).nodes[0].children[0].folds == []


def test_objects_of_different_names_are_not_folded_together(shop: DriftShop) -> None:
    for number in range(9):
        shop.resource("ConfigMap", f"settings{number}", health="")
    tree = tree_of(shop)
    assert (len(tree.nodes), tree.folds) == (9, [])


def test_old_copies_of_a_generated_config_map_are_folded(shop: DriftShop) -> None:
    for letter in "bcdfghkmt":
        shop.resource("ConfigMap", f"settings-{letter * 10}", health="")
    tree = tree_of(shop)
    assert (len(tree.nodes), [len(fold.nodes) for fold in tree.folds]) == (5, [4])
    assert "and 4 more ConfigMaps" in shop.page()


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("cart-6d9f7c4b5d-2xkqp", "cart"),
        ("cart-6d9f7c4b5d", "cart"),
        ("cart-web-29384756", "cart-web"),
        ("cart-0", "cart"),
        ("cart", "cart"),
        ("cart-settings", "cart-settings"),
        ("settings-2c4bdfg5h6", "settings"),
    ],
)
def test_a_name_without_what_was_made_up_behind_it(name: str, base: str) -> None:
    assert base_name(name) == base


def test_only_what_is_unwell_is_left_with_what_owns_it(shop: DriftShop) -> None:
    replica_set(shop, 3, health="Degraded")
    shop.resource("Service", "cart")
    tree = tree_of(shop, only_unwell=True)
    assert [node.kind for node in tree.nodes] == ["Deployment"]
    assert [pod.health for pod in tree.nodes[0].children[0].children] == ["Degraded"]
    page = shop.page("show=unwell")
    assert "Show all" in page
    assert "Service" not in page.partition('id="resource-tree"')[2].partition("</section>")[0]


@pytest.mark.parametrize(
    ("health", "sync", "is_unwell"),
    [
        ("Healthy", "Synced", False),
        ("", "owned", False),
        ("Suspended", "Synced", False),
        ("Healthy", "OutOfSync", True),
        ("Progressing", "owned", True),
        ("Missing", "OutOfSync", True),
    ],
)
def test_unwell_is_what_somebody_should_look_at(
    shop: DriftShop, health: str, sync: str, is_unwell: bool
) -> None:
    shop.resource("Deployment", "cart", health=health, sync=sync)
    assert tree_of(shop).unwell_count == is_unwell


def test_warnings_of_an_unwell_object_are_open_and_other_events_folded(shop: DriftShop) -> None:
    at = (timezone.now() - timedelta(minutes=4)).isoformat()
    shop.resource("Pod", "bad", "1", health="Degraded", events=[CRASH | {"last_at": at}, PULLED])
    shop.resource("Pod", "good", "2", events=[PULLED])
    page = shop.page()
    assert '<details class="node" id="node-1" open>' in page
    assert '<details class="node" id="node-2">' in page
    assert "Back-off restarting" in page
    assert "×7" in page
    assert "1 warning" in page


@pytest.mark.parametrize(
    "events", [None, "x", [3], [{"last_at": 3, "count": "many", "message": ["x"]}], {"a": 1}]
)
def test_events_of_any_shape_are_read(shop: DriftShop, events: object) -> None:
    shop.resource("Pod", "cart", events=[] if events is None else events)
    assert "cart" in shop.page()


def test_owners_in_a_circle_and_in_a_long_chain_come_to_an_end(shop: DriftShop) -> None:
    shop.resource("Pod", "a", "a", "b")
    shop.resource("Pod", "b", "b", "a")
    for number in range(1500):
        shop.resource("Thing", f"t{number:04}", f"t{number}", f"t{number - 1}")
    assert shop.page()


def test_of_too_many_objects_the_unwell_are_read(shop: DriftShop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resources, "MOST_ROWS", 3)
    for number in range(6):
        shop.resource("ConfigMap", f"c{number}", health="")
    shop.resource("Pod", "z", health="Degraded")
    tree = tree_of(shop)
    assert (tree.count, tree.rest, tree.unwell_count) == (7, 4, 1)
    assert "4 more objects that are well are not listed" in shop.page()


def test_an_application_all_of_which_is_well_says_so_when_asked_for_problems(shop: DriftShop) -> None:
    shop.resource("Service", "cart")
    assert "All of them are well" in shop.page("show=unwell")
    assert Application.objects.count() == 1
