"""Objects that belong to no application: what is stored of them, when, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from apps.environments.models import Application, Cluster, KindListing, KindOrphans, ResourceState
from apps.environments.selectors.orphans import MOST_SHOWN, Orphans, orphans_of
from apps.environments.services.live import read_live
from gitopsui.adapters.cluster import Listing, LiveState
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.identity import GroupKind
from tests.apps.environments.drift_shop import DriftShop, make_shop
from tests.apps.environments.standin_world import StandInWorld
from tests.apps.environments.test_unmoved import NAMES, PATH, config, is_judged_alone, row, there, turn

__all__ = ["there"]
CONFIGS = "/api/v1/namespaces/n/configmaps"


def leave(there: StandInWorld, name: str, kind: str = "ConfigMap", **metadata: Any) -> None:
    """What somebody makes by hand."""
    path = f"/api/v1/namespaces/n/{kind.lower()}s"
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **metadata}}
    there.send("POST", path, body, manager="kubectl-create")


def found(name: str = "one") -> Orphans | None:
    application = row(name)
    return orphans_of(application, list(application.resources.all()), now=timezone.now())


def names(name: str = "one") -> list[str]:
    orphans = found(name)
    return [one.name for one in orphans.rows] if orphans else []


class HalfBlind:
    """A cluster that lists Services, with one made by hand among them, and refuses everything else."""

    def live(
        self, wanted: Iterable[GroupKind], *, namespace: str, versions: Mapping[GroupKind, str] | None = None
    ) -> LiveState:
        refused = ClusterError("You may not.", code="KIND_FORBIDDEN", permanent=True)
        left = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "left", "namespace": namespace}}
        return LiveState(
            {kind: Listing((left,)) if kind.kind == "Service" else Listing(error=refused) for kind in wanted}
        )


def test_of_a_kind_that_cannot_be_read_nothing_is_said() -> None:
    desired = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}} for kind in ("Service", "ConfigMap")
    ]
    live = read_live(desired, namespace="n", cluster=HalfBlind())
    assert {place: [one.name for one in found.kept] for place, found in live.unclaimed.items()} == {
        ("n", GroupKind("", "Service")): ["left"]
    }


class TestStored:
    def test_what_git_names_is_no_orphan_although_nothing_marks_it(self, there: StandInWorld) -> None:
        assert found() is None

    def test_what_is_made_by_hand_is_found_for_every_application_of_the_namespace(
        self, there: StandInWorld
    ) -> None:
        leave(there, "left")
        turn(there)
        orphans = found("two")
        assert orphans is not None
        assert [(one.kind, one.namespace, one.name) for one in orphans.rows] == [("ConfigMap", "n", "left")]
        assert orphans.rows[0].created_at is not None
        assert (orphans.count, orphans.rest, orphans.as_of, orphans.unknown_count) == (1, 0, None, 0)
        assert names("one") == names("three") == ["left"]

    def test_it_changes_neither_sync_nor_health_nor_the_count(self, there: StandInWorld) -> None:
        before = {name: (row(name).sync, row(name).health, row(name).drift_count) for name in NAMES}
        leave(there, "left")
        turn(there)
        after = {name: (row(name).sync, row(name).health, row(name).drift_count) for name in NAMES}
        assert after == before
        assert not row("one").drifts.exists()
        assert not ResourceState.objects.filter(name="left").exists()

    def test_what_is_owned_marked_or_comes_with_the_cluster_is_not_found(self, there: StandInWorld) -> None:
        leave(there, "kube-root-ca.crt")
        leave(there, "marked", labels={"app.kubernetes.io/instance": "shop"})
        leave(there, "made", ownerReferences=[
            {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "1", "controller": True}
        ])  # fmt: skip
        turn(there)
        assert names() == []

    def test_a_kind_that_git_does_not_use_there_is_not_looked_at(self, there: StandInWorld) -> None:
        leave(there, "robot", "ServiceAccount")
        turn(there)
        assert not KindOrphans.objects.filter(kind="ServiceAccount").exists()

    def test_it_is_gone_with_the_object(self, there: StandInWorld) -> None:
        leave(there, "left")
        turn(there)
        there.send("DELETE", f"{CONFIGS}/left")
        turn(there)
        assert found() is None

    def test_what_an_application_that_is_forgotten_leaves_behind_becomes_one(
        self, there: StandInWorld
    ) -> None:
        row("three").delete()
        assert names() == ["three"]

    def test_a_round_in_which_nothing_moved_asks_nothing_of_it(self, there: StandInWorld) -> None:
        leave(there, "left")
        turn(there)
        statements = turn(there)
        assert not any("kindorphans" in one for one in statements)
        assert names() == ["left"]

    def test_an_edit_that_adds_and_removes_nothing_writes_nothing(self, there: StandInWorld) -> None:
        leave(there, "left")
        turn(there)
        there.patch(PATH % "two", {"data": {"colour": "blue"}})
        statements = turn(there)
        assert is_judged_alone(statements, "two")
        assert not any("kindorphans" in one and one.startswith("INSERT") for one in statements)

    def test_a_silent_cluster_keeps_what_was_known_with_its_time(self, there: StandInWorld) -> None:
        leave(there, "left")
        turn(there)
        long_ago = timezone.now() - timedelta(days=1)
        Application.objects.update(checked_at=long_ago)
        KindListing.objects.update(complete_at=long_ago)
        orphans = found()
        assert orphans is not None
        assert orphans.as_of == long_ago
        assert "as of" in there.world.page("application-detail", row("one").pk)

    def test_a_second_object_of_git_is_no_orphan_from_its_first_check_on(self, there: StandInWorld) -> None:
        there.apply(config("four"))
        turn(there)
        assert names() == ["four"]
        there.world.application(row("one").repository, "four")
        orphans = found()
        assert orphans is not None
        assert orphans.unknown_count == 1
        assert "1 application here was never compared" in there.world.page(
            "application-detail", row("one").pk
        )


@pytest.fixture
def shop(db: None) -> DriftShop:
    made = make_shop()
    Application.objects.update(compared_sha="5e" * 20, checked_at=timezone.now())
    made.application.refresh_from_db()
    return made


def cluster_of(shop: DriftShop) -> Cluster:
    assert shop.application.cluster is not None
    return shop.application.cluster


def store(shop: DriftShop, kind: str, *left: str, group: str = "", namespace: str = "shop") -> KindOrphans:
    return KindOrphans.objects.create(
        cluster=cluster_of(shop), namespace=namespace, group=group, kind=kind,
        objects_there=[{"name": name, "created_at": "2026-11-01T12:00:00Z"} for name in left], digest="x",
    )  # fmt: skip


def panel(shop: DriftShop) -> str:
    return shop.page().partition('id="orphans"')[2].partition("</details>")[0]


class TestShown:
    def test_a_page_without_any_has_no_panel(self, shop: DriftShop) -> None:
        shop.resource("ConfigMap", "settings", namespace="shop")
        store(shop, "ConfigMap", "settings")
        assert panel(shop) == ""

    def test_they_are_folded_and_counted_with_kind_name_and_age(self, shop: DriftShop) -> None:
        shop.resource("ConfigMap", "settings", namespace="shop")
        store(shop, "ConfigMap", "settings", "left", "old <b>")
        page = panel(shop)
        assert "<b>2 objects in the namespace belong to no application</b>" in page
        assert "<td>ConfigMap</td>" in page
        assert "old &lt;b&gt;" in page
        assert 'datetime="2026-11-01T12:00:00Z"' in page
        assert "as of" not in page
        assert '<details class="panel way" id="orphans">' in shop.page()

    def test_one_is_told_in_the_singular(self, shop: DriftShop) -> None:
        shop.resource("ConfigMap", "settings", namespace="shop")
        store(shop, "ConfigMap", "left")
        assert "<b>1 object in the namespace belongs to no application</b>" in panel(shop)

    def test_of_many_the_first_are_shown(self, shop: DriftShop) -> None:
        shop.resource("ConfigMap", "settings", namespace="shop")
        store(shop, "ConfigMap", *(f"left{number:03}" for number in range(MOST_SHOWN + 7)))
        page = panel(shop)
        assert page.count("<td>ConfigMap</td>") == MOST_SHOWN
        assert "and 7 more." in page

    def test_a_kind_that_no_application_uses_there_any_more_is_left_out(self, shop: DriftShop) -> None:
        shop.resource("ConfigMap", "settings", namespace="elsewhere")
        store(shop, "ConfigMap", "left")
        assert panel(shop) == ""

    def test_claims_of_a_stateful_set_are_its_own(self, shop: DriftShop) -> None:
        shop.resource("StatefulSet", "db", namespace="shop", group="apps")
        shop.resource("PersistentVolumeClaim", "backup", namespace="shop")
        store(shop, "PersistentVolumeClaim", "backup", "data-db-0", "data-gone-0")
        page = panel(shop)
        assert "data-gone-0" in page
        assert "data-db-0" not in page

    def test_other_namespaces_it_reaches_into_are_told_by_name(self, shop: DriftShop) -> None:
        shop.resource("ConfigMap", "a", namespace="shop")
        shop.resource("ConfigMap", "b", namespace="ops")
        store(shop, "ConfigMap", "left")
        store(shop, "ConfigMap", "forgotten", namespace="ops")
        page = panel(shop)
        assert "2 objects in the namespaces belong to no application" in page
        assert "ops/</span>forgotten" in page

    def test_a_kind_that_cannot_be_listed_any_more_says_when_it_was(self, shop: DriftShop) -> None:
        shop.resource("ConfigMap", "settings", namespace="shop")
        store(shop, "ConfigMap", "left")
        KindListing.objects.create(
            cluster=cluster_of(shop), namespace="shop", kind="ConfigMap",
            complete_at=timezone.now() - timedelta(hours=3), error="no", error_code="KIND_FORBIDDEN",
        )  # fmt: skip
        assert "as of" in panel(shop)

    @pytest.mark.parametrize("stored", [[], {}, [3], [{"name": ["x"], "created_at": 4}], "x"])
    def test_stored_rows_of_any_shape_are_read(self, shop: DriftShop, stored: Any) -> None:
        shop.resource("ConfigMap", "settings", namespace="shop")
        store(shop, "ConfigMap")
        KindOrphans.objects.update(objects_there=stored)
        assert shop.page()

    def test_it_costs_four_queries_however_many_there_are(
        self, shop: DriftShop, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(30):
            shop.resource("ConfigMap", f"c{number}", namespace=f"n{number % 5}")
        for number in range(5):
            store(shop, "ConfigMap", *(f"left{one}" for one in range(40)), namespace=f"n{number}")
        resources = list(shop.application.resources.all())
        with django_assert_num_queries(4):
            found = orphans_of(shop.application, resources, now=timezone.now())
        assert found is not None
        assert (found.count, found.rest) == (200, 150)

    def test_where_nothing_is_left_it_costs_one_query(
        self, shop: DriftShop, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        cluster_of(shop)
        with django_assert_num_queries(1):
            assert orphans_of(shop.application, [], now=timezone.now()) is None
