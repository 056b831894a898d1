"""Activity and messages in a real browser: without a flaw, and usable by hand."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from apps.core import audit
from apps.promotions.models import Notification, Subscription
from tests.browser.conftest import Shop
from tests.browser.test_pages import _flaws

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def told(shop: Shop) -> Shop:
    """Things happened, and one of them was told to the administrator."""
    audit.record(
        shop.admin, "changed promotion rules", shop.application.environment,
        before={"approvals": 1}, after={"approvals": 2, "why": "a long story " * 40},
    )  # fmt: skip
    audit.record(None, "promotion merged", shop.project)
    subscription = Subscription.objects.create(
        person=shop.admin, project=shop.project, channel="webhook", events=["merged"],
        address="https://chat.example.org/services/secret", error="The server answered with status 500.",
    )  # fmt: skip
    Notification.objects.create(
        subscription=subscription, key="k", event="merged", subject="cart was merged", text="t",
        attempts=3, error="The server answered with status 500.",
    )  # fmt: skip
    return shop


@pytest.mark.parametrize(
    "path",
    ["/projects/shop/activity/", "/projects/shop/activity/?verb=nothing", "/activity/",
     "/account/notifications/"],
)  # fmt: skip
def test_a_page_has_no_flaw_in_any_look(path: str, page: Page, told: Shop) -> None:
    assert _flaws(page, path) == []


def test_somebody_finds_what_was_changed_and_takes_it_away(page: Page, told: Shop) -> None:
    page.goto("/projects/shop/")
    page.get_by_role("link", name="Activity").click()
    page.get_by_label("What", exact=True).select_option("changed promotion rules")
    page.get_by_role("button", name="Filter").click()

    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody del")).to_have_text("1")
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    assert download.value.suggested_filename == "activity-shop.csv"
    assert "changed promotion rules" in download.value.path().read_text()
