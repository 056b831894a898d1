"""Every page, wide and narrow, light and dark: accessible, inside its width, and silent."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import BrowserContext, Page

from apps.promotions.models import EnvironmentPolicy, ForgeConnection, ForgeLogin, FreezeWindow, Lock
from tests.browser.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

WIDTHS = (1440, 390)
SCHEMES = ("light", "dark")
AXE = Axe()
RUN_AXE = """() => axe.run({resultTypes: ["violations"]}).then(found => found.violations.map(
  one => one.id + ": " + one.nodes.map(node => node.target + " " + node.failureSummary).join("; ")))"""
NOTE_VIOLATIONS = """window.violations = [];
document.addEventListener("securitypolicyviolation",
  (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI));"""
# What sticks out of the page, so that a failure names it.
WIDER = """() => document.scrollingElement.scrollWidth <= innerWidth ? [] : ["the page",
  ...[...document.querySelectorAll("body *")].filter(one => one.getBoundingClientRect().right > innerWidth)
    .slice(0, 8).map(one => one.outerHTML.slice(0, 120))]"""

PAGES: dict[str, Callable[[Shop], str]] = {
    "board": lambda shop: "/projects/shop/",
    "board without a match": lambda shop: "/projects/shop/?q=nothing",
    "empty board": lambda shop: "/projects/empty/",
    "application": lambda shop: f"/applications/{shop.application.pk}/",
    "silences": lambda shop: "/projects/shop/silences/",
    "ended silences": lambda shop: "/projects/shop/silences/?state=ended",
    "silence": lambda shop: (
        f"/silences/new/?drift={shop.application.drifts.get(kind='Deployment').pk}&change=0"
    ),
    "silence extend": lambda shop: f"/silences/{shop.silence.pk}/extend/",
    "component": lambda shop: "/projects/shop/components/cart/",
    "component edit": lambda shop: "/projects/shop/components/cart/edit/",
    "release list": lambda shop: "/projects/shop/releases/",
    "release": lambda shop: f"/releases/{shop.release.pk}/",
    "repositories": lambda shop: "/repositories/",
    "repository": lambda shop: f"/repositories/{shop.repository.pk}/",
    "failed repository": lambda shop: f"/repositories/{shop.failed_repository.pk}/",
    "repository edit": lambda shop: f"/repositories/{shop.repository.pk}/edit/",
    "repository remove": lambda shop: f"/repositories/{shop.repository.pk}/remove/",
    "clusters": lambda shop: "/clusters/",
    "cluster": lambda shop: f"/clusters/{shop.cluster.pk}/",
    "silent cluster": lambda shop: f"/clusters/{shop.silent_cluster.pk}/",
    "cluster edit": lambda shop: f"/clusters/{shop.cluster.pk}/edit/",
    "jobs": lambda shop: "/jobs/",
    "job": lambda shop: f"/jobs/{shop.done.pk}/",
    "quarantined job": lambda shop: f"/jobs/{shop.quarantined.pk}/",
    "set-up": lambda shop: "/set-up/",
    "set-up of a repository": lambda shop: f"/set-up/{shop.repository.pk}/",
    "set-up of a cluster": lambda shop: f"/set-up/cluster/?repository={shop.repository.pk}",
    "set-up done": lambda shop: "/set-up/done/",
    "held board": lambda shop: _held(shop, "/projects/shop/"),
    "promotions": lambda shop: _held(shop, "/projects/shop/promotions/"),
    "rules": lambda shop: _held(shop, f"/environments/{shop.application.environment_id}/rules/"),
    "rules edit": lambda shop: f"/environments/{shop.application.environment_id}/rules/edit/",
    "freezes": lambda shop: _held(shop, "/projects/shop/freezes/"),
    "freeze": lambda shop: "/projects/shop/freezes/new/",
    "locks": lambda shop: _held(shop, "/projects/shop/locks/"),
    "lock": lambda shop: "/projects/shop/locks/new/",
    "locked application": lambda shop: _held(shop, f"/applications/{shop.application.pk}/"),
    "rollback": lambda shop: f"/projects/shop/rollbacks/new/?application={shop.application.pk}",
    "people": lambda shop: "/people/",
    "person": lambda shop: f"/people/{shop.admin.pk}/",
    "nobody on forges": lambda shop: f"/people/{shop.admin.pk}/logins/",
    "logins on forges": lambda shop: _known(shop, f"/people/{shop.admin.pk}/logins/"),
    "own logins": lambda shop: _known(shop, "/account/logins/"),
    "not found": lambda shop: "/projects/nothing/",
}


def _held(shop: Shop, path: str) -> str:
    """The page while its environment is held, frozen soon and locked."""
    application, now = shop.application, timezone.now()
    project, environment = application.component.project, application.environment
    EnvironmentPolicy.objects.create(
        environment=environment, held_by="admin", held_at=now, hold_reason="a load test until noon"
    )
    FreezeWindow.objects.create(
        project=project, environment=environment, reason="Black Friday", created_by="admin",
        starts_at=now + timedelta(days=2), ends_at=now + timedelta(days=4), zone="Europe/Berlin",
    )  # fmt: skip
    Lock.objects.create(project=project, application=application, owner="admin", message="I look into it")
    return path


def _known(shop: Shop, path: str) -> str:
    """The page once a repository lies on a forge and the administrator has a long login there."""
    ForgeConnection.objects.create(
        repository=shop.repository, kind="gitea", api_url="https://forge.example.org:8443/api/v1"
    )
    ForgeLogin.objects.create(
        person=shop.admin, host="forge.example.org:8443", login="a-login-without-an-end-" * 4, set_by="ada"
    )
    return path


def _flaws(page: Page, path: str, status: int = 200) -> list[str]:
    """What is wrong with the page in any of the four looks; loaded once, then resized and recoloured."""
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.add_init_script(NOTE_VIOLATIONS)
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status
    page.evaluate(AXE.axe_script)
    found: list[str] = []
    for width, scheme in itertools.product(WIDTHS, SCHEMES):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        wrong: list[Any] = page.evaluate(RUN_AXE) + [f"sticks out: {one}" for one in page.evaluate(WIDER)]
        found += [f"{width} {scheme}: {one}" for one in wrong]
    expected = "the server responded with a status of 404" if status == 404 else None
    found += [text for text in said if expected is None or expected not in text]
    return found + page.evaluate("window.violations")


@pytest.mark.parametrize("name", PAGES)
def test_a_page_has_no_flaw_in_any_look(name: str, page: Page, shop: Shop) -> None:
    status = 404 if name == "not found" else 200
    assert _flaws(page, PAGES[name](shop), status) == []


def test_the_way_in_has_no_flaw_in_any_look(open_context: Callable[..., BrowserContext], shop: Shop) -> None:
    assert _flaws(open_context().new_page(), "/sign-in/") == []


@pytest.mark.usefixtures("live_server")
def test_the_very_first_page_has_no_flaw_in_any_look(open_context: Callable[..., BrowserContext]) -> None:
    assert _flaws(open_context().new_page(), "/welcome/") == []


def test_a_flaw_of_each_sort_is_found(page: Page, shop: Shop) -> None:
    """The checks above have teeth."""
    page.route(
        "**/jobs/",
        lambda route: route.fulfill(
            status=200,
            content_type="text/html",
            headers={"Content-Security-Policy": "default-src 'self'"},
            body="<!doctype html><html lang=en><title>x</title><main><h1>x</h1>"
            "<img src=/nothing.png><p id=wide>x</p></main><script>1</script>",
        ),
    )
    page.add_init_script(
        "addEventListener('load', () => document.getElementById('wide').style.width = '2000px')"
    )
    found = "\n".join(_flaws(page, "/jobs/"))
    for part in ("image-alt", "sticks out", "404", "script-src"):
        assert part in found
