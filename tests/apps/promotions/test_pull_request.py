"""What a reviewer reads on the forge: the facts of our own page, kept up to date and of no effect there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.utils import timezone

from apps.promotions.models import Promotion
from apps.promotions.selectors.facts import seen_of
from apps.promotions.services.decide import approve
from apps.repositories.models import Repository
from apps.repositories.services import store_commits, store_refs
from gitopsui.domain.pull_text import GAP
from tests.adapters.git_http import Seed
from tests.apps.promotions.conftest import World
from tests.apps.promotions.forge_bench import CREATE, MERGE, ONE, PAGE, Bench
from tests.apps.releases.written import override
from tests.forges.server import saying

CANARY = "canary-of-the-till"
ENVIRONMENT = '          env: [{name: TILL_PASSWORD, value: "%s"}]\n'
REFUSED = saying(422, b'{"message": "Validation Failed"}', Content_Type="application/json")


def text_of(bench: Bench) -> str:
    [pull] = bench.project.pulls
    return pull.body


def updates(bench: Bench) -> int:
    count: int = bench.forge.count("PUT" if bench.kind == "gitlab" else "PATCH", ONE)
    return count


def release(world: World, folder: Path) -> None:
    """cart has a source: 2.0.0 brings three commits to 1.0.0, and 1.0.1 is a branch beside it."""
    address = "https://git.example.org/shop/cart"
    source = Repository.objects.create(
        project=world.project, name="cart", url=address, same_as=address, host="git.example.org"
    )
    seed = Seed.create(folder / "cart.git")
    base = seed.commit(message="feat: begin")
    seed.tag("1.0.0", seed.commit({"x": "1"}, "fix: hotfix the till", branch="1.0", parents=(base,)))
    seed.commit(message="feat(api)!: drop v1 for @ada, fixes #12")
    seed.commit(message="feat: buy the competitor (#7)")
    seed.tag("2.0.0", seed.commit(message="fix: round | prices"))
    store_refs(source, seed.as_repository().refs(), now=timezone.now())
    store_commits(source, git=seed.as_repository())
    component = world.applications["cart", "production"].component
    component.source = source
    component.save()
    override(component, "pull_request", "7", is_hidden=True)


def hold_a_secret(world: World) -> None:
    path = world.path("cart", "production")
    world.seed.commit({path: world.read("cart") + ENVIRONMENT % CANARY}, "Name the till")
    world.prepare()


@pytest.mark.django_db
def test_it_is_opened_with_what_the_page_says(bench: Bench, tmp_path: Path) -> None:
    release(bench.world, tmp_path)
    hold_a_secret(bench.world)
    promotion = bench.opened()
    body = text_of(bench)
    assert body == promotion.body
    assert "| cart in production | 1.0.0 | 2.0.0 | `registry.example.org/shop/cart:2.0.0` |" in body
    assert "#### cart 1.0.0 → 2.0.0" in body
    assert "**Breaking changes (1)**" in body
    assert f"drop v1 for @{GAP}ada, fixes #{GAP}12" in body
    assert "- round \\| prices" not in body, "outside of a table a bar is only a bar"
    assert "- round | prices" in body
    assert "**Would be lost (1)**\n\n- hotfix the till" in body
    assert "+          image: registry.example.org/shop/cart:2.0.0" in body
    assert f"/promotions/{promotion.pk}/)" in body
    assert "competitor" not in body, "what people hid in the notes is hidden here"
    assert CANARY not in body
    assert updates(bench) == 0


@pytest.mark.django_db
def test_opening_it_asks_the_forge_no_more_than_before(bench: Bench) -> None:
    bench.world.allow(merge="here")
    bench.world.advance(bench.world.propose("cart"))
    writes = [one for one in bench.forge.requests if one.method != "GET" and "/statuses/" not in one.path]
    assert re.search(CREATE, writes[0].path)
    # Whatever follows comes after it is open.
    assert not [one for one in writes[1:] if "labels" not in one.path]
    assert bench.forge.count("POST", CREATE) == 1


@pytest.mark.django_db
def test_it_has_labels_that_it_is_found_by(bench: Bench) -> None:
    bench.opened()
    [pull] = bench.project.pulls
    assert pull.labels == ["gitopsui", "into production"]


@pytest.mark.django_db
def test_labels_that_the_forge_refuses_are_noted_and_hold_nothing_up(bench: Bench) -> None:
    bench.forge.fail("*", r"/labels$", REFUSED, times=100)
    promotion = bench.propose()
    assert bench.until_merged(promotion) == [""]
    bench.check_once(promotion)
    noted = promotion.events.filter(text__startswith="It got no labels on its forge. ").count()
    assert noted == (0 if bench.kind == "gitlab" else 1)


@pytest.mark.django_db
def test_a_gate_that_answers_otherwise_is_written_into_it_once(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here", approvals=1)
    for _ in range(3):
        bench.turn(promotion)
    assert "| Approvals | waits | 1 approval still to come; 0 of 1 given. |" in text_of(bench)
    assert updates(bench) == 1
    assert text_of(bench) == promotion.body


@pytest.mark.django_db
def test_nothing_is_written_between_the_last_approval_and_the_merge_and_the_answers_after_it(
    bench: Bench,
) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="auto", approvals=1)
    bench.turn(promotion)
    assert updates(bench) == 1
    approve(promotion.pk, by=bench.world.people["approver"], seen=seen_of(promotion))
    assert bench.until_merged(promotion) == [""]
    bench.check_once(promotion)
    assert "| Approvals | passes | Approved by approver. |" in text_of(bench)
    changes = [one for one in bench.forge.requests if one.method in ("PATCH", "PUT", "POST")]
    merged = [at for at, one in enumerate(changes) if re.search(MERGE, one.path)]
    written = [at for at, one in enumerate(changes) if re.search(ONE, one.path)]
    assert written[0] < merged[-1] < written[1], "the record of the forge has the last answers"
    assert updates(bench) == 2
    bench.turn(promotion)
    assert updates(bench) == 2


@pytest.mark.django_db
def test_a_body_that_was_not_taken_is_sent_again_and_holds_nothing_up(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here", approvals=1)
    bench.forge.fail("PUT" if bench.kind == "gitlab" else "PATCH", ONE, PAGE)
    assert bench.turn(promotion) == ""
    assert (promotion.phase, promotion.error) == ("open", "")
    assert "Approvals" not in text_of(bench)
    assert bench.turn(promotion) == ""
    assert "| Approvals | waits |" in text_of(bench)


@pytest.mark.django_db
def test_a_body_that_is_refused_is_not_sent_over_and_over(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here", approvals=1)
    bench.forge.fail("PUT" if bench.kind == "gitlab" else "PATCH", ONE, REFUSED, times=100)
    assert {bench.turn(promotion) for _ in range(3)} == {""}
    assert updates(bench) == 1


@pytest.mark.django_db
def test_the_commit_stays_what_it_was_and_the_review_built_in_writes_no_body(world: World) -> None:
    world.allow(merge="here")
    promotion = world.advance(world.propose("cart"))
    assert promotion.body == promotion.message
    assert world.seed.git("log", "-1", "--format=%B", promotion.head_sha).strip() == promotion.message.strip()


@pytest.mark.django_db
def test_one_that_was_opened_before_it_was_told_is_brought_up_to_date(bench: Bench) -> None:
    promotion = bench.opened()
    bench.world.allow(merge="here")
    Promotion.objects.filter(pk=promotion.pk).update(body="Only the message")
    bench.turn(promotion)
    assert updates(bench) == 1
    assert promotion.body == text_of(bench)
