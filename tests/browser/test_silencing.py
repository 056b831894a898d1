"""Drift is silenced from its row, with a script that shows at once what a rule hides, and without one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from apps.environments.models import Silence
from tests.browser.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def open_form(page: Page, shop: Shop) -> None:
    drift = shop.application.drifts.get(kind="Deployment")
    page.goto(f"/silences/new/?drift={drift.pk}&change=0")


def test_the_preview_follows_what_is_typed(page: Page, shop: Shop) -> None:
    open_form(page, shop)
    heading = page.locator("#silence-preview h2")
    expect(heading).to_have_text("It silences 1 field now")
    page.get_by_label("Fields").fill("/spec/paused")
    expect(heading).to_have_text("It silences nothing now")
    page.get_by_label("Fields").fill("spec")
    expect(heading).to_have_text("This is no rule yet")


@pytest.mark.parametrize("has_script", [True, False])
def test_a_field_is_silenced_for_a_week_with_a_reason(
    open_context: Callable[..., BrowserContext], shop: Shop, has_script: bool
) -> None:
    page = open_context(shop.admin, java_script_enabled=has_script).new_page()
    open_form(page, shop)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#silence-preview h2")).to_have_text("It silences 1 field now")
    page.get_by_label("Reason").fill("Scaled for the sale.")
    page.get_by_label("1 week").check()
    page.get_by_role("button", name="Silence").click()
    expect(page.get_by_role("status").filter(has_text="Silenced.")).to_be_visible()
    made = Silence.objects.get(reason="Scaled for the sale.")
    assert (made.application, made.json_pointers) == (shop.application, ["/spec/replicas"])


def test_a_silence_is_ended_from_the_list(page: Page, shop: Shop) -> None:
    page.goto("/projects/shop/silences/")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="End").first.click()
    page.get_by_role("link", name="Ended").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr")).to_contain_text("by ada")
