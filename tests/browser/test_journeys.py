"""What people do, from the first click to the last, with a real browser and, in the set-up, a real remote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.utils import timezone
from playwright.sync_api import BrowserContext, Locator, Page, Response, expect

from apps.accounts.models import Role
from apps.core import jobs
from apps.core.models import Job, JobState
from apps.demo.git_server import GitServer
from apps.demo.standin import StandIn, TokenRole
from apps.environments import connect, tasks
from apps.environments.models import Application, Cluster
from apps.environments.services import layouts
from apps.repositories import tasks as repository_tasks
from apps.repositories.models import Repository
from tests.accounts import make_person
from tests.adapters.git_http import Seed
from tests.browser.conftest import Shop

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "correct horse battery"
BOARD = "/projects/shop/"
ROWS = "#board-table tbody tr"
POLL_MS = 10_100  # a little more than the board waits between two looks
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: cart, namespace: shop}
spec:
  selector: {matchLabels: {app: cart}}
  template:
    metadata: {labels: {app: cart}}
    spec: {containers: [{name: cart, image: "registry.example.org/shop/cart:1.4.0"}]}
"""


def _sign_in(page: Page, password: str = PASSWORD) -> None:
    page.get_by_label("Username").fill("ada")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def _names(page: Page) -> Locator:
    return page.locator(f"{ROWS} th a")


@pytest.fixture
def board(page: Page) -> Page:
    page.goto(BOARD)
    return page


# --- signing in -------------------------------------------------------------------------------------------


def test_who_signs_in_lands_where_they_wanted_to_go_and_is_let_out_again(
    open_context: Callable[..., BrowserContext], shop: Shop
) -> None:
    page = open_context().new_page()
    page.goto("/jobs/")
    expect(page).to_have_url(re.compile(r"/sign-in/\?next="))
    _sign_in(page, "wrong")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    _sign_in(page)
    expect(page).to_have_url(re.compile("/jobs/$"))
    page.locator("header details.menu summary", has_text="ada").click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(BOARD)
    expect(page).to_have_url(re.compile("/sign-in/"))


# --- the board --------------------------------------------------------------------------------------------


def test_filters_narrow_the_board_and_live_in_the_address(board: Page) -> None:
    expect(board.locator(ROWS)).to_have_count(6)
    board.get_by_label("Filter components").press_sequentially("ar", delay=20)
    expect(board.locator(ROWS)).to_have_count(2)
    expect(_names(board)).to_have_text(["cart", "search"])
    expect(board).to_have_url(re.compile(r"\?q=ar$"))
    expect(board.get_by_label("Filter components")).to_be_focused()
    board.get_by_label("Health").select_option("Degraded")
    expect(board.locator(ROWS)).to_have_count(1)
    expect(board).to_have_url(re.compile("q=ar&health=Degraded$"))
    board.reload()
    expect(_names(board)).to_have_text(["cart"])
    expect(board.get_by_label("Filter components")).to_have_value("ar")
    board.go_back()
    expect(board.locator(ROWS)).to_have_count(2)
    board.get_by_role("link", name="Clear").click()
    expect(board.locator(ROWS)).to_have_count(6)


def _poll(page: Page) -> Response:
    """The clock of the page goes on to its next look at the board."""
    with page.expect_response(re.compile("/board-table/")) as waited:
        page.clock.run_for(POLL_MS)
    return waited.value


def test_an_open_board_asks_and_shows_what_changed_without_a_click(page: Page, shop: Shop) -> None:
    page.clock.install()
    page.goto(BOARD)
    # Ages are words in minutes, so one of two looks may fall on a new minute; both cannot.
    assert 304 in {_poll(page).status, _poll(page).status}
    expect(page.locator("#board-table")).not_to_contain_text("9.9.9")
    Application.objects.filter(pk=shop.application.pk).update(live_version="9.9.9", changed_at=timezone.now())
    _poll(page)
    expect(page.locator("#board-table")).to_contain_text("9.9.9")


def test_a_board_that_cannot_be_refreshed_says_so_until_it_can(page: Page) -> None:
    page.clock.install()
    page.goto(BOARD)
    expect(page.locator("#offline")).to_be_hidden()
    page.route("**/board-table/**", lambda route: route.fulfill(status=503, body="busy"))
    assert _poll(page).status == 503
    expect(page.locator("#offline")).to_be_visible()
    expect(page.locator(ROWS)).to_have_count(6)
    page.unroute("**/board-table/**")
    _poll(page)
    expect(page.locator("#offline")).to_be_hidden()


# --- keys -------------------------------------------------------------------------------------------------


def test_keys_reach_the_filter_the_rows_and_the_help(board: Page) -> None:
    board.keyboard.press("j")
    expect(board.locator(f"{ROWS}:nth-child(1) th a")).to_be_focused()
    board.keyboard.press("j")
    expect(board.locator(f"{ROWS}:nth-child(2) th a")).to_be_focused()
    board.keyboard.press("k")
    expect(board.locator(f"{ROWS}:nth-child(1) th a")).to_be_focused()
    board.keyboard.press("?")
    expect(board.get_by_role("dialog", name="Keyboard")).to_be_visible()
    board.keyboard.press("Escape")
    expect(board.get_by_role("dialog", name="Keyboard")).to_be_hidden()
    board.keyboard.press("/")
    expect(board.get_by_label("Filter components")).to_be_focused()
    expect(board.get_by_label("Filter components")).to_have_value("")


def test_a_slash_finds_a_change_where_a_page_has_no_filter_of_its_own(board: Page) -> None:
    board.set_viewport_size({"width": 1440, "height": 900})
    board.goto("/projects/shop/promotions/")
    board.keyboard.press("/")
    expect(board.get_by_label("Commit, issue, version or word")).to_be_focused()
    board.keyboard.type("deadline")
    board.keyboard.press("Enter")
    expect(board).to_have_url(re.compile(r"/projects/shop/find/\?q=deadline$"))
    expect(board.get_by_label("Find a change")).to_have_value("deadline")


def test_keys_are_letters_inside_a_field_and_nothing_once_switched_off(board: Page) -> None:
    field = board.get_by_label("Filter components")
    field.press_sequentially("j/?")
    expect(field).to_have_value("j/?")
    expect(field).to_be_focused()
    expect(board.locator("#help")).to_be_hidden()
    board.goto(BOARD)
    board.keyboard.press("?")
    board.get_by_label("Use these keys").uncheck()
    board.reload()
    board.keyboard.press("?")
    expect(board.locator("#help")).to_be_hidden()


def test_g_and_a_letter_go_to_a_page(board: Page) -> None:
    board.keyboard.press("g")
    board.keyboard.press("r")
    expect(board).to_have_url(re.compile("/projects/shop/releases/$"))
    # An address is there before the script that hears the keys.
    board.wait_for_load_state()
    board.keyboard.press("g")
    board.keyboard.press("b")
    expect(board).to_have_url(re.compile("/projects/shop/$"))


# --- the look ---------------------------------------------------------------------------------------------


def test_a_theme_stays_once_it_is_switched(board: Page) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = board.evaluate(ground)
    with board.expect_response(re.compile("/theme/")):
        board.get_by_role("button", name="Switch to dark").click()
    expect(board.locator("html")).to_have_attribute("data-theme", "dark")
    assert board.evaluate(ground) != light
    board.goto("/jobs/")
    expect(board.locator("html")).to_have_attribute("data-theme", "dark")
    board.get_by_role("button", name="Switch to light").click()
    expect(board.locator("html")).to_have_attribute("data-theme", "light")
    assert board.evaluate(ground) == light


# --- a job that was set aside -----------------------------------------------------------------------------


def test_a_quarantined_job_is_tried_again_when_somebody_says_so(page: Page, shop: Shop) -> None:
    page.goto(BOARD)
    page.locator("#notices a").first.click()
    expect(page).to_have_url(re.compile("/jobs/"))
    page.goto(f"/jobs/{shop.quarantined.pk}/")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("It is tried again in a moment.")).to_be_visible()
    expect(page.get_by_role("button", name="Try again")).to_have_count(0)
    shop.quarantined.refresh_from_db()
    assert (shop.quarantined.state, shop.quarantined.attempts) == (JobState.WAITING, 0)


# --- without a script -------------------------------------------------------------------------------------


def test_all_of_it_works_without_a_script(open_context: Callable[..., BrowserContext], shop: Shop) -> None:
    page = open_context(java_script_enabled=False).new_page()
    page.goto(BOARD)
    _sign_in(page)
    expect(page.locator(ROWS)).to_have_count(6)
    page.get_by_label("Filter components").fill("cart")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator(ROWS)).to_have_count(1)
    expect(page).to_have_url(re.compile("q=cart"))
    page.get_by_role("button", name="Switch to dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page).to_have_url(re.compile("q=cart"))
    page.locator(f"{ROWS} td a").last.click()
    expect(page.locator("#drift-table")).to_contain_text("kubectl-edit")


# --- the set-up -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Remote:
    """A config repository and a cluster, both behind real servers on loopback."""

    address: str
    cluster: StandIn


@pytest.fixture
def remote(tmp_path: Path, settings: Any) -> Iterator[Remote]:
    seed = Seed.create(tmp_path / "remotes" / "config.git")
    seed.commit(
        {f"apps/cart/{name}/deployment.yaml": DEPLOYMENT for name in ("dev", "production")}, "Deploy cart"
    )
    server = GitServer(tmp_path / "remotes")
    cluster = StandIn(tokens={"reader": TokenRole.READER})
    server.start()
    cluster.start()
    settings.GITOPSUI_MIRRORS = tmp_path / "mirrors"
    settings.GITOPSUI_SCRATCH = tmp_path / "scratch"
    settings.GITOPSUI_TRUSTED_ENDPOINTS = frozenset(
        {urlsplit(server.url).netloc, urlsplit(cluster.url).netloc}
    )
    connect.renderer.cache_clear()
    try:
        yield Remote(f"{server.url}/config.git", cluster)
    finally:
        cluster.stop()
        server.stop()
        connect.renderer.cache_clear()


def _work_on(repository: Repository) -> None:
    """What a worker does with a repository that was just connected."""
    jobs.load_tasks()
    repository_tasks.poll_repository(repository.pk)
    repository.refresh_from_db()
    layouts.ask_to_recognise(repository)
    tasks.recognise_repository(repository.pk)


def _check_everything() -> None:
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    tasks.check_due_applications()
    for cluster in Cluster.objects.all():
        tasks.check_cluster(cluster.pk)


def test_a_repository_and_a_cluster_are_connected_from_an_empty_board(
    open_context: Callable[..., BrowserContext], remote: Remote
) -> None:
    page = open_context(make_person("ada", Role.ADMIN)).new_page()
    page.goto("/set-up/")
    page.locator("main form input[name=url]").fill(remote.address)
    page.get_by_role("button", name="Look into it").click()
    expect(page.get_by_role("heading", name="config is being read")).to_be_visible()

    # The page finds out by itself that a worker has done its part.
    _work_on(Repository.objects.get())
    heading = page.get_by_role("heading", name="config holds 2 environments and 2 applications")
    expect(heading).to_be_visible()
    page.get_by_label("Take cart in dev").uncheck()
    expect(page.get_by_role("button", name="Take 1 application")).to_be_visible()
    page.get_by_label("Take cart in dev").check()
    page.get_by_role("button", name="Take 2 applications").click()

    expect(page.get_by_text("2 applications are on the board.")).to_be_visible()
    page.locator("textarea[name=kubeconfig]").fill(remote.cluster.kubeconfig("reader"))
    # Every environment is ticked; this cluster runs production alone.
    page.get_by_label("dev").first.uncheck()
    page.get_by_label("production").first.check()
    page.get_by_role("button", name="Connect").first.click()
    expect(page.get_by_role("heading", name="It is connected")).to_be_visible()

    _check_everything()
    page.get_by_role("link", name="Open the board").click()
    expect(_names(page)).to_have_text(["cart"])
    cells = page.locator(f"{ROWS} td")
    expect(cells.nth(0)).to_contain_text("no cluster connected")
    expect(cells.nth(1)).to_contain_text("Missing")
    expect(cells.nth(1)).to_contain_text("OutOfSync")


def test_an_address_that_is_refused_is_told_at_the_field_and_kept(
    open_context: Callable[..., BrowserContext], remote: Remote
) -> None:
    page = open_context(make_person("ada", Role.ADMIN)).new_page()
    page.goto("/set-up/")
    field = page.locator("main form input[name=url]")
    field.fill("https://127.0.0.1:1/config.git")
    page.get_by_role("button", name="Look into it").click()
    field = page.locator("main form input[name=url]")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_have_value("https://127.0.0.1:1/config.git")
    assert not Repository.objects.exists()
