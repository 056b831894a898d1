"""Drift in a real browser: its three views, the tree below it and the history, without a flaw in any look."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from apps.environments.models import Application, DesiredState, DriftedResource, ResourceState
from tests.browser.conftest import LONG, Shop
from tests.browser.test_pages import _flaws

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

CONFIG = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "settings", "labels": {f"l{n}": "x" for n in range(20)}},
    "data": {"app.yaml": "a: 1\nb: 2\n" + "\n".join(f"line {n}" for n in range(40)) + "\n", "long": LONG},
}


@pytest.fixture
def drifted(shop: Shop) -> str:
    """The address of an application with a text that differs in what nobody sees, events and many pods."""
    application, now = shop.application, timezone.now()
    DesiredState.objects.create(
        digest="d" * 64,
        manifests=[CONFIG, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "cart"}}],
        volatile=[{"key": "Secret cart", "path": "data.password"}],
        used_at=now,
    )
    Application.objects.filter(pk=application.pk).update(desired_digest="d" * 64)
    text = CONFIG["data"]["app.yaml"]  # type: ignore[index]
    _drift(application, "a: 1 \nb:\t2\N{NO-BREAK SPACE}\r" + text[10:].rstrip("\n"), text)
    for number in range(12):
        _drift(application, "y", "x", name=f"old-{number}", resolved_at=now)
    crash = {"type": "Warning", "reason": "BackOff", "message": LONG, "count": 3, "last_at": now.isoformat()}
    ResourceState.objects.filter(application=application, kind="Pod").update(events=[crash])
    for number in range(20):
        ResourceState.objects.create(
            application=application, kind="Pod", name=f"cart-6d9f7c4b5d-{number + 22222}", uid=f"p{number}",
            owner_uid="2", health="Healthy", sync="owned", images=["registry.example.org/cart:1"],
        )  # fmt: skip
    return f"/applications/{application.pk}/"


def _drift(application: Application, live: str, desired: str, **more: Any) -> None:
    now = timezone.now()
    change = {"path": "data[app.yaml]", "desired": desired, "live": live, "manager": "kubectl-edit"}
    values = {"kind": "ConfigMap", "namespace": "shop", "name": "settings", "verdict": "MODIFIED", **more}
    DriftedResource.objects.create(
        application=application, desired_sha="5" * 40,
        first_seen_at=now - timedelta(days=1), last_seen_at=now,
        changes=[change | {"changed_at": now.isoformat()}], **values,
    )  # fmt: skip


@pytest.mark.parametrize("query", ["", "?view=side", "?view=unified", "?show=unwell", "drift-history/"])
def test_drift_has_no_flaw_in_any_look(page: Page, drifted: str, query: str) -> None:
    assert _flaws(page, drifted + query) == []


def test_a_click_changes_the_view_and_the_address_and_a_reload_keeps_both(page: Page, drifted: str) -> None:
    page.goto(drifted)
    panel = page.locator("#drift-table")
    panel.get_by_role("link", name="Side by side").click()
    expect(panel.locator(".diff.side").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"\?view=side$"))
    page.reload()
    expect(panel.get_by_role("link", name="Side by side")).to_have_attribute("aria-current", "true")
    expect(panel.locator(".ws[title='trailing space']").first).to_have_text("·")
    expect(panel.locator(".ws[title='carriage return']").first).to_be_visible()
    panel.get_by_role("link", name="Unified").click()
    expect(panel.locator(".diff.unified").first).to_be_visible()


def test_a_view_is_one_link_away_without_a_script(browser: Browser, page: Page, drifted: str) -> None:
    plain = browser.new_context(
        java_script_enabled=False, storage_state=page.context.storage_state(), base_url=_base(page, drifted)
    ).new_page()
    plain.goto(drifted)
    plain.get_by_role("link", name="Unified").click()
    expect(plain.locator(".diff.unified").first).to_be_visible()
    plain.locator(".fold summary").first.click()
    expect(plain.locator(".fold .r").first).to_be_visible()
    plain.context.close()


def _base(page: Page, path: str) -> str:
    page.goto(path)
    return page.url.removesuffix(path)


def test_what_somebody_opened_stays_open_when_news_arrive(page: Page, drifted: str) -> None:
    page.clock.install()
    page.goto(drifted)
    pod = page.locator("#node-p1")
    pod.locator("summary").press("Enter")
    expect(pod).to_have_attribute("open", "")
    ResourceState.objects.filter(uid="p2").update(health="Degraded", health_reason="It ran out of memory.")
    with page.expect_response(re.compile("/resource-tree/")):
        page.clock.run_for(10_100)
    expect(page.locator("#resource-tree")).to_contain_text("It ran out of memory.")
    expect(pod).to_have_attribute("open", "")


def test_only_problems_are_left_and_the_warning_of_one_is_open(page: Page, drifted: str) -> None:
    page.goto(drifted)
    tree = page.locator("#resource-tree")
    expect(tree).to_contain_text("more healthy Pods")
    expect(tree.locator(".events").first).to_be_visible()
    tree.get_by_role("link", name="Only problems").click()
    expect(tree).not_to_contain_text("more healthy Pods")
    expect(page).to_have_url(re.compile("show=unwell"))
