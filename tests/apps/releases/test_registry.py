"""What is kept of a registry, what is newer than what runs, and how it looks on the page of a component."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.conf import LazySettings
from django.template.loader import render_to_string
from django.utils import timezone

from apps.core.models import Job, JobState
from apps.environments.models import Component
from apps.releases import tasks
from apps.releases.models import ImageTag, RegistryState, Release, ReleasePolicy
from apps.releases.selectors import registry as selectors
from apps.releases.selectors.registry import (
    Newer,
    commits_of_digests,
    hint_of,
    newer_than,
    read_panel,
    version_in,
)
from apps.releases.services import registry as services
from apps.releases.services.registry import check_registry, find_watched, refresh_newest, watch_registries
from apps.repositories.models import Credential
from gitopsui.adapters.registry import ImageLabels
from gitopsui.domain.errors import HttpError, InputError, RegistryError
from tests.adapters.registry_server import PASSWORD, USER, serving_with_password
from tests.apps.releases.conftest import Shop
from tests.apps.releases.registry_fake import FakeRegistry

IMAGE = "acme/cart"
BUILT = datetime(2026, 11, 1, 12, tzinfo=UTC)
BUSY = RegistryError("It asks us to wait.", code="REGISTRY_BUSY", retry_after=timedelta(minutes=7))
SILENT = HttpError("It did not answer in time.", code="HTTP_TIMEOUT")
ELSEWHERE = HttpError("Refused.", code="URL_HOST", permanent=True)


@pytest.fixture
def door() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def cart(shop: Shop) -> Component:
    shop.component.image = f"reg.example.org/{IMAGE}:1.0.0"
    shop.component.save()
    return shop.component


def push(door: FakeRegistry, *tags: str, **labels: Any) -> None:
    for tag in tags:
        door.push(IMAGE, tag, ImageLabels(**{"version": tag, **labels}))


def stored(component: Component) -> dict[str, ImageTag]:
    return {row.tag: row for row in component.image_tags.all()}


def state_of(component: Component) -> RegistryState:
    return RegistryState.objects.get(component=component)


def policy(component: Component, **fields: Any) -> None:
    ReleasePolicy.objects.update_or_create(component=component, defaults=fields)


# --- versions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "pattern", "version"),
    [
        ("1.2.3", "", "1.2.3"),
        ("v1.2.3", "", "1.2.3"),
        ("1.2.3-rc.1", "", "1.2.3-rc.1"),
        ("1.2.3_build.4", "", "1.2.3+build.4"),
        ("1.2", "", ""),
        ("1", "", ""),
        ("latest", "", ""),
        ("3f2a91b", "", ""),
        ("alpine-1.2.3", "", ""),
        ("1.2.3", "^cart/v(?P<version>.+)$", "1.2.3"),
        ("cart-1.2.3", "^cart-(?P<version>.+)$", "1.2.3"),
        ("r2026-1-5", r"^r(?P<major>\d+)-(?P<minor>\d+)-(?P<patch>\d+)$", "2026.1.5"),
        ("1.2.3", "(", "1.2.3"),
    ],
)
def test_an_image_tag_is_a_version_when_it_names_one_that_stays(tag: str, pattern: str, version: str) -> None:
    assert version_in(tag, pattern) == version


# --- what a look keeps ------------------------------------------------------------------------------------


def test_tags_are_kept_with_digest_commit_and_date(cart: Component, door: FakeRegistry) -> None:
    source = "https://git.example.org/acme/cart"
    labels = ImageLabels("a" * 40, source, BUILT, "1.0.0")
    digest = door.push(IMAGE, "v1.0.0", labels)
    check_registry(cart, registry=door)
    row = stored(cart)["v1.0.0"]
    assert (row.digest, row.version, row.revision) == (digest, "1.0.0", "a" * 40)
    assert (row.source_url, row.built_at, row.gone_at, row.previous_digest) == (source, BUILT, None, "")
    state = state_of(cart)
    assert (state.image, state.newest_allowed, state.error) == (f"reg.example.org/{IMAGE}", "v1.0.0", "")
    assert state.checked_at is not None


def test_a_second_look_reads_no_image_twice(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0", "1.1.0")
    check_registry(cart, registry=door)
    before = stored(cart)
    door.calls.clear()
    check_registry(cart, registry=door)
    assert door.asked("labels") == []
    assert sorted(door.asked("head")) == ["1.0.0", "1.1.0"]
    assert {tag: row.seen_at for tag, row in stored(cart).items()} == {
        t: r.seen_at for t, r in before.items()
    }


def test_the_newest_versions_are_looked_into_first_and_a_run_ends(
    cart: Component, door: FakeRegistry
) -> None:
    push(door, *(f"1.{number}.0" for number in range(30)), "latest", "2.0.0-rc.1")
    check_registry(cart, registry=door)
    first = door.asked("head")
    assert first[:3] == ["2.0.0-rc.1", "1.29.0", "1.28.0"]
    assert len(first) == services.NEW_PER_RUN
    assert ImageTag.objects.filter(digest="").count() == 12
    check_registry(cart, registry=door)
    assert not ImageTag.objects.filter(digest="").exists()
    assert door.asked("head")[services.NEW_PER_RUN :][11] == "latest"


def test_every_known_tag_is_asked_again_in_turn(cart: Component, door: FakeRegistry) -> None:
    push(door, *(f"1.{number}.0" for number in range(90)))
    begun = datetime(2026, 11, 1, tzinfo=UTC)
    with time_machine.travel(begun, tick=False) as clock:
        for turn in range(10):
            clock.move_to(begun + turn * services.EVERY)
            if turn == 5:
                assert not ImageTag.objects.filter(digest="").exists()
                door.calls.clear()
            check_registry(cart, registry=door)
    assert len(door.asked("head")) == 5 * services.KNOWN_PER_RUN
    assert set(door.asked("head")) == {f"1.{number}.0" for number in range(90)}


def test_what_runs_is_asked_in_every_run(cart: Component, shop: Shop, door: FakeRegistry) -> None:
    push(door, *(f"1.{number}.0" for number in range(60)))
    shop.run("production", "1.0.0")
    for _ in range(4):
        check_registry(cart, registry=door)
    door.calls.clear()
    check_registry(cart, registry=door)
    assert "1.0.0" in door.asked("head")
    assert len(door.asked("head")) == services.KNOWN_PER_RUN


def test_a_moved_tag_keeps_the_digest_it_had(cart: Component, door: FakeRegistry) -> None:
    push(door, "latest", revision="a" * 40)
    check_registry(cart, registry=door)
    before = stored(cart)["latest"]
    push(door, "latest", revision="b" * 40)
    check_registry(cart, registry=door)
    after = stored(cart)["latest"]
    assert after.previous_digest == before.digest != after.digest
    assert after.revision == "b" * 40
    assert after.seen_at > before.seen_at


def test_a_gone_tag_is_marked_and_comes_back(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0", "1.1.0")
    check_registry(cart, registry=door)
    door.delete(IMAGE, door.images[IMAGE]["1.1.0"])
    check_registry(cart, registry=door)
    assert stored(cart)["1.1.0"].gone_at is not None
    assert state_of(cart).newest_allowed == "1.0.0"
    push(door, "1.1.0")
    check_registry(cart, registry=door)
    assert stored(cart)["1.1.0"].gone_at is None


def test_what_an_incomplete_list_does_not_name_is_not_gone(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0", "1.1.0")
    check_registry(cart, registry=door)
    del door.images[IMAGE]["1.1.0"]
    door.is_complete = False
    check_registry(cart, registry=door)
    assert stored(cart)["1.1.0"].gone_at is None


def test_a_tag_that_goes_while_it_is_looked_at_is_no_failure(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0", "1.1.0")
    door.failures["1.1.0"] = RegistryError("Gone.", code="REGISTRY_NOT_FOUND", permanent=True)
    check_registry(cart, registry=door)
    assert state_of(cart).error == ""
    assert stored(cart)["1.0.0"].digest


def test_another_image_begins_anew(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0")
    check_registry(cart, registry=door)
    cart.image = "reg.example.org/acme/shop"
    cart.save()
    door.push("acme/shop", "2.0.0")
    check_registry(cart, registry=door)
    assert set(stored(cart)) == {"2.0.0"}
    assert state_of(cart).image == "reg.example.org/acme/shop"


def test_another_pattern_reads_the_versions_again(cart: Component, door: FakeRegistry) -> None:
    push(door, "cart-1.0.0")
    check_registry(cart, registry=door)
    assert stored(cart)["cart-1.0.0"].version == ""
    cart.tag_pattern = "^cart-(?P<version>.+)$"
    cart.save()
    check_registry(cart, registry=door)
    assert stored(cart)["cart-1.0.0"].version == "1.0.0"
    assert state_of(cart).newest_allowed == "cart-1.0.0"


# --- failures ---------------------------------------------------------------------------------------------


def test_a_failure_keeps_the_last_state_and_says_since_when(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0")
    check_registry(cart, registry=door)
    answered_at = state_of(cart).checked_at
    door.failures[""] = SILENT
    for _ in range(2):
        with pytest.raises(HttpError):
            check_registry(cart, registry=door)
    state = state_of(cart)
    assert (state.error_code, state.checked_at, state.newest_allowed) == (
        "HTTP_TIMEOUT",
        answered_at,
        "1.0.0",
    )
    assert state.failed_at is not None
    assert stored(cart)["1.0.0"].gone_at is None
    door.failures.clear()
    check_registry(cart, registry=door)
    assert (state_of(cart).error, state_of(cart).failed_at) == ("", None)


def test_the_first_failure_stays_the_time_it_fails_since(cart: Component, door: FakeRegistry) -> None:
    door.failures[""] = SILENT
    with pytest.raises(HttpError):
        check_registry(cart, registry=door)
    since = state_of(cart).failed_at
    with pytest.raises(HttpError):
        check_registry(cart, registry=door)
    assert state_of(cart).failed_at == since


def test_one_image_that_cannot_be_read_does_not_stop_the_others(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0", "1.1.0")
    door.failures[door.images[IMAGE]["1.1.0"]] = SILENT
    check_registry(cart, registry=door)
    assert stored(cart)["1.0.0"].digest
    assert stored(cart)["1.1.0"].digest == ""
    assert state_of(cart).error_code == "HTTP_TIMEOUT"
    assert state_of(cart).failed_at is None
    door.failures.clear()
    check_registry(cart, registry=door)
    assert stored(cart)["1.1.0"].digest
    assert state_of(cart).error == ""


def test_labels_that_can_never_be_read_are_not_asked_for_again_but_told(
    cart: Component, door: FakeRegistry
) -> None:
    push(door, *(f"1.{number}.0" for number in range(6)))
    door.failures = dict.fromkeys(door.images[IMAGE].values(), ELSEWHERE)
    check_registry(cart, registry=door)
    assert all(row.digest and not row.revision for row in stored(cart).values())
    door.calls.clear()
    check_registry(cart, registry=door)
    assert door.asked("labels") == []
    assert state_of(cart).error_code == "URL_HOST"


def test_a_registry_that_fails_again_and_again_is_left_alone(cart: Component, door: FakeRegistry) -> None:
    push(door, *(f"1.{number}.0" for number in range(10)))
    door.failures = dict.fromkeys(door.images[IMAGE], SILENT)
    check_registry(cart, registry=door)
    assert len(door.asked("head")) == services.MOST_FAILURES


def test_a_registry_that_asks_to_wait_is_waited_for_by_all_its_images(
    cart: Component, door: FakeRegistry
) -> None:
    now = timezone.now()
    for pk, host in ((7001, "reg.example.org"), (7002, "ghcr.io")):
        Job.objects.create(kind=services.CHECK, subject_id=pk, group=host, due_at=now)
    push(door, "1.0.0")
    door.failures["1.0.0"] = BUSY
    with pytest.raises(RegistryError):
        check_registry(cart, registry=door)
    held, free = Job.objects.filter(kind=services.CHECK).order_by("subject_id")
    assert held.due_at
    assert held.due_at >= now + timedelta(minutes=7)
    assert free.due_at == now
    assert "asked again after" in state_of(cart).error_hint


def test_an_error_keeps_no_secret(cart: Component, door: FakeRegistry) -> None:
    door.failures[""] = HttpError("https://me:canary-7@reg.example.org failed", code="X")
    with pytest.raises(HttpError):
        check_registry(cart, registry=door)
    assert "canary-7" not in state_of(cart).error


# --- what is offered --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "newest"),
    [("", "2.0.0"), ("^1.0", "1.10.0"), ("~1.9", "1.9.0"), (">=2.1.0-0", "2.1.0-rc.1"), (">5", "")],
)
def test_the_newest_allowed_is_in_the_range(
    cart: Component, door: FakeRegistry, text: str, newest: str
) -> None:
    push(door, "1.9.0", "1.10.0", "2.0.0", "2.1.0-rc.1", "latest", "3")
    policy(cart, version_range=text)
    check_registry(cart, registry=door)
    assert state_of(cart).newest_allowed == newest


def test_a_range_that_is_none_is_told_and_stops_no_reading(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0")
    policy(cart, version_range="nonsense")
    with pytest.raises(InputError):
        check_registry(cart, registry=door)
    assert state_of(cart).error_code == "VERSION_RANGE"
    assert stored(cart)["1.0.0"].digest
    assert newer_than(cart, "0.9.0") is None


def test_a_release_that_is_marked_bad_is_not_offered(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0", "1.1.0")
    check_registry(cart, registry=door)
    Release.objects.create(component=cart, tag="v1.1.0", version="1.1.0", commit_sha="a" * 40, is_bad=True)
    refresh_newest(cart)
    assert state_of(cart).newest_allowed == "1.0.0"
    assert newer_than(cart, "0.9.0") == Newer("1.0.0", 1)


@pytest.mark.parametrize(
    ("running", "expected"),
    [
        ("1.0.0", Newer("1.2.0", 4)),
        ("v1.0.0", Newer("1.2.0", 4)),
        ("1.1.0", Newer("1.2.0", 3)),
        ("1.1.0_3", Newer("1.2.0", 2)),
        ("1.1.0_4", Newer("1.2.0", 1)),
        ("1.1.0+4", Newer("1.2.0", 1)),
        ("1.2.0-rc.1", Newer("1.2.0", 1)),
        ("1.2.0", None),
        ("9.0.0", None),
        ("latest", None),
        ("", None),
    ],
)
def test_newer_is_by_precedence_and_then_by_build(
    cart: Component, door: FakeRegistry, running: str, expected: Newer | None
) -> None:
    push(door, "1.0.0", "1.1.0", "1.1.0_3", "1.1.0_4", "1.2.0", "v1.2.0", "1.3.0-rc.1", "latest")
    check_registry(cart, registry=door)
    assert newer_than(cart, running) == expected


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        ("1.8.0", "1.9.0 is in the registry"),
        ("v1.8.0", "1.9.0 is in the registry"),
        ("1.9.0", ""),
        ("1.10.0", ""),
    ],
)
def test_a_hint_names_what_is_newer_than_what_runs(shown: str, text: str) -> None:
    now = timezone.now()
    hint = hint_of("v1.9.0", now, "", shown=shown, now=now)
    assert (hint.text if hint else "") == text


def test_a_hint_that_nobody_confirmed_for_long_says_so(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.9.0")
    check_registry(cart, registry=door)
    row, later = RegistryState.objects.get(component=cart), timezone.now() + timedelta(hours=1)
    hint = hint_of(row.newest_allowed, row.checked_at, cart.tag_pattern, shown="1.0.0", now=later)
    assert hint is not None
    assert hint.text == "1.9.0 was in the registry"


def test_a_digest_tells_the_commit(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0", revision="a" * 40)
    push(door, "1.1.0")
    check_registry(cart, registry=door)
    digest = door.images[IMAGE]["1.0.0"]
    asked = [digest, door.images[IMAGE]["1.1.0"], ""]
    assert commits_of_digests(cart, asked) == {digest: "a" * 40}


# --- who is asked -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hosts", "is_told", "is_watched"),
    [
        ((), False, False),
        ((), True, True),
        (("reg.example.org",), False, True),
        (("*.example.org",), False, True),
        (("ghcr.io",), False, False),
        (("ghcr.io",), True, True),
    ],
)
def test_a_registry_is_asked_when_the_operator_or_the_component_says_so(
    cart: Component, hosts: tuple[str, ...], is_told: bool, is_watched: bool
) -> None:
    policy(cart, watches_registry=is_told)
    assert (cart.pk in find_watched(hosts)) is is_watched


@pytest.mark.parametrize("image", ["", "UPPER CASE", "a//b"])
def test_what_is_no_image_is_not_asked_for(cart: Component, image: str) -> None:
    Component.objects.filter(pk=cart.pk).update(image=image)
    policy(cart, watches_registry=True)
    assert find_watched(()) == {}


def test_a_job_comes_and_goes_with_the_watching_and_is_due_for_another_image(cart: Component) -> None:
    policy(cart, watches_registry=True)
    watch_registries(())
    row = Job.objects.get(kind=services.CHECK)
    assert (row.subject_id, row.group, row.every) == (cart.pk, "reg.example.org", services.EVERY)
    later = timezone.now() + timedelta(minutes=9)
    Job.objects.update(due_at=later)
    watch_registries(())
    assert Job.objects.get(kind=services.CHECK).due_at == later
    Component.objects.filter(pk=cart.pk).update(image="ghcr.io/acme/cart")
    watch_registries(())
    assert not Job.objects.filter(kind=services.CHECK, due_at__gte=later).exists()
    policy(cart, watches_registry=False)
    watch_registries(())
    assert not Job.objects.filter(kind=services.CHECK).exists()


@pytest.mark.binary
def test_a_tick_asks_the_real_registry_with_the_stored_credential(
    cart: Component, settings: LazySettings, tmp_path: Path
) -> None:
    with serving_with_password(tmp_path) as real:
        digest = real.push(IMAGE, "1.4.0", {"revision": "a" * 40})
        credential = Credential.objects.create(
            endpoint=f"http://{real.host}", username=USER, password=PASSWORD, set_at=timezone.now()
        )
        policy(cart, watches_registry=True, registry_credential=credential)
        Component.objects.filter(pk=cart.pk).update(image=f"{real.host}/{IMAGE}")
        settings.GITOPSUI_TRUSTED_ENDPOINTS = (real.host,)
        tasks.check_due_registries()
    assert stored(cart)["1.4.0"].digest == digest
    assert commits_of_digests(cart, [digest]) == {digest: "a" * 40}
    assert Job.objects.get(kind=services.CHECK).state == JobState.DONE


def test_a_registry_that_may_not_be_reached_is_told_and_not_reached(
    cart: Component, settings: LazySettings
) -> None:
    policy(cart, watches_registry=True)
    Component.objects.filter(pk=cart.pk).update(image="127.0.0.1:1/acme/cart")
    tasks.check_due_registries()
    assert state_of(cart).error_code == "URL_ADDRESS"


# --- the page ---------------------------------------------------------------------------------------------


def page(component: Component, now: datetime | None = None) -> str:
    panel = read_panel(component, now=now or timezone.now())
    return " ".join(render_to_string("releases/_registry.html", {"registry": panel}).split())


def test_a_component_nobody_watches_has_no_panel(cart: Component) -> None:
    assert read_panel(cart, now=timezone.now()) is None


def test_the_panel_says_what_is_newer_and_where_each_tag_runs(
    cart: Component, shop: Shop, door: FakeRegistry
) -> None:
    push(door, "1.0.0", "1.1.0", "1.2.0", "1.3.0", revision="3f2a91bc" + "0" * 32, created=BUILT)
    shop.run("production", "1.0.0")
    shop.run("dev", "v1.3.0")
    check_registry(cart, registry=door)
    panel = read_panel(cart, now=timezone.now())
    assert panel
    assert (panel.state, panel.newer, panel.than) == ("ok", Newer("1.3.0", 3), "production")
    where = {row.tag: row.environments for row in panel.rows}
    assert where == {"1.3.0": ("dev",), "1.2.0": (), "1.1.0": (), "1.0.0": ("production",)}
    shown = page(cart)
    assert "3 versions newer than production" in shown
    assert "3f2a91b" in shown


def test_what_runs_is_listed_even_when_it_is_old_or_gone(
    cart: Component, shop: Shop, door: FakeRegistry
) -> None:
    push(door, *(f"1.{number}.0" for number in range(20)), "2.0.0")
    shop.run("production", "1.1.0")
    shop.run("dev", "2.0.0")
    check_registry(cart, registry=door)
    del door.images[IMAGE]["2.0.0"]
    check_registry(cart, registry=door)
    panel = read_panel(cart, now=timezone.now())
    assert panel
    tags = [row.tag for row in panel.rows]
    assert tags[0] == "2.0.0"
    assert tags[-1] == "1.1.0"
    assert len(tags) == selectors.VERSION_ROWS + 1
    assert "gone since" in page(cart)


def test_a_failure_is_shown_above_the_last_known_tags(cart: Component, door: FakeRegistry) -> None:
    push(door, "1.0.0")
    check_registry(cart, registry=door)
    door.failures[""] = SILENT
    with pytest.raises(HttpError):
        check_registry(cart, registry=door)
    shown = page(cart)
    assert "did not answer in time" in shown
    assert "1.0.0" in shown
    stale = page(cart, timezone.now() + timedelta(hours=2))
    assert "stale" in stale
    assert "What is listed is what it had" in stale


def test_foreign_text_is_shown_and_not_obeyed(cart: Component) -> None:
    RegistryState.objects.create(
        component=cart, image="x\u202ey", error="<script>alert(1)</script>\u202e", failed_at=timezone.now()
    )
    ImageTag.objects.create(component=cart, tag="<b>x", digest='"><i>', seen_at=timezone.now())
    shown = page(cart)
    assert "<script>" not in shown
    assert "<b>" not in shown
    assert "<i>" not in shown
    assert "\u202e" not in shown


def test_a_panel_costs_the_same_however_many_tags_there_are(
    cart: Component, shop: Shop, door: FakeRegistry, django_assert_max_num_queries: Any
) -> None:
    push(door, *(f"1.{number}.0" for number in range(60)))
    shop.run("production", "1.1.0")
    check_registry(cart, registry=door)
    with django_assert_max_num_queries(9):
        read_panel(cart, now=timezone.now())
