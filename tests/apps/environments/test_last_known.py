"""What the page of an application says of the past: of a silent cluster, and of what cannot be rendered."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.environments.models import Application
from gitopsui.adapters.render import Renderer, Tools
from gitopsui.domain.errors import ClusterError
from tests.apps.environments.drift_shop import DEPLOYMENT, DriftShop, change, make_shop
from tests.apps.environments.test_unchanged import deployment, look
from tests.apps.environments.test_unchanged import shop as make_watched
from tests.apps.environments.world import World, commit

OLD, NEW = "0a" * 20, "1b" * 20
WHY = "The file kustomization.yaml names a base that is not there."


@pytest.fixture
def shop(db: None) -> DriftShop:
    made = make_shop()
    made.resource("Deployment", "cart")
    made.resource("ConfigMap", "cart", health="")
    return made


def set_to(shop: DriftShop, **values: Any) -> None:
    Application.objects.update(**values)
    shop.application.refresh_from_db()


def silent(shop: DriftShop) -> tuple[datetime, datetime]:
    good = timezone.now() - timedelta(hours=2)
    bad = good + timedelta(minutes=1)
    set_to(
        shop, sync="Synced", checked_at=good, failed_at=bad, error="It does not answer.",
        compared_sha=OLD, desired_sha=NEW,
    )  # fmt: skip
    return good, bad


def unrendered(shop: DriftShop) -> None:
    set_to(
        shop, sync="Unknown", sync_reason=WHY, health="Unknown", health_reason="Not known.",
        checked_at=timezone.now(), desired_error=WHY, desired_error_code="RENDER", compared_sha=OLD,
        desired_sha=NEW,
    )  # fmt: skip


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def part(page: str, name: str) -> str:
    return page[page.index(f'id="{name}"') :].partition("</section>")[0]


def test_a_check_names_the_commit_it_compared_with_not_a_newer_one(shop: DriftShop) -> None:
    silent(shop)
    text = words(shop.page())
    assert f"against {OLD[:7]} of config" in text
    assert f"Git is at {NEW[:7]} now." in text


def test_the_last_good_answer_and_the_first_failure_are_told_apart(shop: DriftShop) -> None:
    good, bad = silent(shop)
    text = words(shop.page())
    assert f"the last good answer came at {good:%H:%M}" in text or good.date() != bad.date()
    assert "first failed at" in text
    assert "Stale since" not in text


@pytest.mark.parametrize("make", [silent, unrendered])
def test_the_tree_of_what_nobody_looked_at_since_is_not_green(shop: DriftShop, make: Any) -> None:
    make(shop)
    for page in (shop.page(), shop.page(name="resource-tree")):
        tree = part(page, "resource-tree")
        assert "was Healthy" in tree
        assert "was Synced" in tree
        assert 'class="st ok"' not in tree
        assert "as it was last seen" in tree


def test_what_a_reconciler_of_a_silent_cluster_said_is_not_green(shop: DriftShop) -> None:
    shop.application.reconciliations.create(
        group="argoproj.io", kind="Application", namespace="argocd", name="cart", tool="Argo CD",
        sync="Synced", health="Healthy", seen_at=timezone.now(),
    )  # fmt: skip
    set_to(shop, checked_at=timezone.now(), sync="Synced")
    assert 'class="st ok"' in part(shop.page(), "reconcilers")
    silent(shop)
    panel = part(shop.page(), "reconcilers")
    assert "was Synced" in panel
    assert "we saw" in panel
    assert 'class="st ok"' not in panel


def test_a_tree_that_was_just_read_is_green(shop: DriftShop) -> None:
    set_to(shop, checked_at=timezone.now())
    tree = part(shop.page(), "resource-tree")
    assert 'class="st ok"' in tree
    assert "was Healthy" not in tree


def test_why_it_cannot_be_rendered_is_said_once(shop: DriftShop) -> None:
    unrendered(shop)
    page = shop.page()
    assert page.count(WHY) == 1
    assert "Nothing to compare yet" not in page
    assert "Nothing can be compared now" in page


def test_what_differed_before_is_not_shown_as_if_it_differed_now(shop: DriftShop) -> None:
    shop.desire(DEPLOYMENT)
    shop.drift("Deployment", "MODIFIED", change("spec.replicas", "2", "5"))
    unrendered(shop)
    assert "was 1 field" in part(shop.page(), "drift-table")


def test_the_tree_is_sent_again_when_it_becomes_the_past(shop: DriftShop) -> None:
    set_to(shop, checked_at=timezone.now())
    tag = re.search(r'id="resource-tree"[^>]*hx-ptag="(\w+)"', shop.page())
    silent(shop)
    later = re.search(r'id="resource-tree"[^>]*hx-ptag="(\w+)"', shop.page())
    assert tag is not None
    assert later is not None
    assert tag[1] != later[1]


def test_a_check_keeps_the_commit_it_compared_with(world: World, tmp_path: Path) -> None:
    renderer = Renderer(Tools(), tmp_path / "scratch")
    seed, (application,) = make_watched(world, "app")
    world.server.objects = [deployment()]
    first = look(application, renderer)
    assert first.compared_sha == first.desired_sha != ""

    commit(seed, {"else.txt": b"nothing of it"})
    world.poll(first.repository)
    second = look(application, renderer)
    assert second.compared_sha == second.desired_sha != first.desired_sha

    commit(seed, {"else.txt": b"nothing of it again"})
    world.poll(first.repository)
    world.server.is_silent = True
    with pytest.raises(ClusterError):
        look(application, renderer)
    application.refresh_from_db()
    assert application.compared_sha == second.compared_sha != application.desired_sha
