"""A deployment that is over says how well it ran, and every one by which promotion or whom it came."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.environments.models import Application, Cluster
from apps.promotions.models import Promotion, PromotionItem
from apps.releases import tasks
from apps.releases.models import DeploymentRecord
from apps.releases.services.deployments import record_health
from tests.accounts import make_people
from tests.apps.releases.conftest import Shop

CART = "/projects/shop/components/cart/"


@pytest.fixture
def running(shop: Shop) -> Application:
    """1.0.0 runs in dev since five days, checked a moment ago."""
    application = shop.run("dev", "1.0.0")
    cluster = Cluster.objects.create(project=shop.project, name="eu", server="https://eu.example.org")
    shop.observe(application, "1.0.0", 5, source="live")
    see(application, "1.0.0", "Progressing", cluster=cluster)
    shop.update()
    return application


def see(application: Application, version: str, health: str, **facts: Any) -> None:
    Application.objects.filter(pk=application.pk).update(
        live_version=version, health=health, checked_at=timezone.now(), **facts
    )


def record(version: str) -> DeploymentRecord:
    return DeploymentRecord.objects.get(version=version)


def test_what_was_seen_last_while_it_ran_stays_when_it_is_over(shop: Shop, running: Application) -> None:
    tasks.update_due_components()
    assert (record("1.0.0").health, record("1.0.0").healthy_at) == ("Progressing", None)
    see(running, "1.0.0", "Healthy")
    record_health()
    first = record("1.0.0").healthy_at
    assert first is not None
    see(running, "1.0.0", "Degraded")
    record_health()
    shop.observe(running, "1.1.0", 0.01, source="live")
    see(running, "1.1.0", "Progressing")
    record_health()
    shop.update()
    record_health()
    old = record("1.0.0")
    assert (old.health, old.healthy_at, old.to_at is not None) == ("Degraded", first, True)
    assert record("1.1.0").health == "Progressing"


def test_the_health_of_the_next_version_is_not_put_down_to_the_last(running: Application) -> None:
    see(running, "1.1.0", "Missing")
    record_health()
    assert record("1.0.0").health == ""


def test_without_a_cluster_or_a_look_since_nothing_is_said(running: Application) -> None:
    Application.objects.filter(pk=running.pk).update(checked_at=timezone.now() - timedelta(days=9))
    record_health()
    assert record("1.0.0").health == ""
    Application.objects.filter(pk=running.pk).update(checked_at=timezone.now(), cluster=None)
    record_health()
    assert record("1.0.0").health == ""


def test_what_is_as_it_was_is_not_written(running: Application, django_assert_num_queries: Any) -> None:
    see(running, "1.0.0", "Healthy")
    record_health()
    before = record("1.0.0").healthy_at
    see(running, "1.0.0", "Healthy")
    with django_assert_num_queries(2):
        record_health()
    assert record("1.0.0").healthy_at == before


def test_the_page_and_the_table_say_how_it_was(shop: Shop, running: Application, client: Client) -> None:
    see(running, "1.0.0", "Healthy")
    record_health()
    see(running, "1.0.0", "Degraded")
    record_health()
    shop.observe(running, "1.1.0", 0.01, source="live")
    see(running, "1.1.0", "Healthy")
    shop.update()
    client.force_login(make_people(shop.project)["viewer"])
    page = client.get(CART).content.decode()
    assert '<span class="dim">was</span>' in page
    assert "well at" in page
    lines = client.get(f"{CART}deployments.csv").content.decode().splitlines()
    assert lines[0].endswith(",health")
    assert lines[1].endswith(",Healthy")
    assert lines[2].endswith(",Degraded")


def promote(shop: Shop, application: Application, version: str, **facts: Any) -> Promotion:
    at = timezone.now() - timedelta(days=6)
    values: dict[str, Any] = {
        "project": shop.project, "environment": application.environment, "repository": shop.config,
        "title": f"cart: to {version} in dev", "proposer_name": "proposer", "planned_at": at, "phase_at": at,
        "base_branch": "main", "base_sha": "a" * 40, "phase": "deployed", "merged_at": at, "deployed_at": at,
    }  # fmt: skip
    made = Promotion.objects.create(**values | facts)
    PromotionItem.objects.create(
        promotion=made, application=application, component=shop.component, to_version=version, is_open=False,
        arrived_at=timezone.now() - timedelta(days=4),
    )  # fmt: skip
    return made


def page_of(shop: Shop, client: Client) -> str:
    client.force_login(make_people(shop.project)["viewer"])
    return str(client.get(CART).content.decode())


def test_a_deployment_names_the_promotion_its_commit_came_with(shop: Shop, client: Client) -> None:
    application = shop.run("dev", "1.0.0")
    shop.observe(application, "1.0.0", 5)
    shop.update()
    made = promote(shop, application, "9.9.9", merge_sha="c" * 40)
    page = page_of(shop, client)
    assert f'<a href="/promotions/{made.pk}/">promotion {made.pk}</a>' in page
    assert "Ada" not in page.partition("Deployments")[2].partition("</table>")[0]


def test_without_a_commit_it_names_the_one_that_arrived_while_it_ran(
    shop: Shop, running: Application, client: Client
) -> None:
    made = promote(shop, running, "v1.0.0")
    rollback = promote(shop, running, "1.0.0", kind="rollback", reason="x", merged_at=timezone.now())
    page = page_of(shop, client)
    assert f"promotion {made.pk}</a>" in page
    assert f"rollback {rollback.pk}</a>" not in page


def test_what_nobody_promoted_names_its_author(shop: Shop, client: Client) -> None:
    application = shop.run("dev", "1.0.0")
    shop.observe(application, "1.0.0", 5)
    shop.update()
    promote(shop, application, "1.1.0")
    table = page_of(shop, client).partition("Deployments")[2].partition("</table>")[0]
    assert "Ada" in table
    assert "promotion" not in table
