"""What ships, both ways: on the preview as it is now, on a merged promotion as it was when it was merged."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.environments.models import Component
from apps.promotions.models import Promotion
from apps.promotions.selectors.cargo import MOST_KEPT, MOST_SHIPPED, Cargo, cargo_of, cargo_of_promotion
from apps.releases import rendering
from apps.releases.services.components import update_component
from apps.repositories.models import Repository
from apps.repositories.services import store_commits, store_refs
from tests.adapters.git_http import Seed
from tests.apps.promotions.conftest import World
from tests.apps.releases.written import override

ASKED = "/projects/shop/promotions/new/?from=staging&into=production&component=cart"
SECRET = "acquisition"


class Source:
    """
    The repository that `cart` is made from. 2.0.0 has something for each section; 1.0.0 is of a branch that
    took over one fix and has another one that 2.0.0 lacks.
    """

    def __init__(self, world: World, path: Path) -> None:
        self.seed = Seed.create(path)
        address = "https://git.example.org/shop/cart"
        self.repository = Repository.objects.create(
            project=world.project, name="shop/cart", url=address, same_as=address, host="git.example.org",
            default_branch="main",
        )  # fmt: skip
        Component.objects.filter(slug="cart").update(source=self.repository)
        for application in world.applications.values():
            application.component.refresh_from_db()

    def write(self) -> None:
        base = self.seed.commit({"a": "1", "tax": "1"}, "feat: begin")
        subjects = [
            "feat(api)!: answer prices in minor units",
            "fix(deps): bump basket-lib from 1.0.0 to 1.1.0",
            "fix(deps): bump basket-lib from 1.1.0 to 1.2.0",
            "perf: read the basket once",
            "security: check who asks",
            "docs: say how to pay",
            f"feat: prepare the {SECRET} (#7)",
        ]
        for number, subject in enumerate(subjects):
            self.seed.commit({"a": f"{number + 2}"}, subject)
        head = self.seed.commit({"tax": "2"}, "fix(tax): round once")
        self.seed.tag("v2.0.0", head)
        self.seed.commit({"tax": "2"}, "fix(tax): round once", branch="1.0", parents=(base,))
        self.seed.tag("v1.0.0", self.seed.commit({"b": "1"}, "fix: hurry (#8)", branch="1.0"))

    def poll(self) -> None:
        now = timezone.now()
        store_refs(self.repository, self.seed.as_repository().refs(), now=now)
        self.repository.refs_digest, self.repository.changed_at = now.isoformat(), now
        self.repository.save()
        store_commits(self.repository, git=self.seed.as_repository())
        update_component(self.component, git=self.seed.as_repository(), sanitise=rendering.sanitise)

    @property
    def component(self) -> Component:
        return Component.objects.select_related("source", "project").get(slug="cart")

    def cargo(self) -> Cargo:
        return cargo_of(self.component, "1.0.0", "2.0.0")


@pytest.fixture
def source(world: World, tmp_path: Path) -> Source:
    made = Source(world, tmp_path / "cart.git")
    made.write()
    made.poll()
    return made


def merged(world: World, client: Client, **values: Any) -> Promotion:
    world.allow(merge="auto", **values)
    promotion = world.advance(world.propose("cart"), turns=2)
    assert promotion.phase == "merged"
    world.sign_in(client, "viewer")
    return promotion


def ships(promotion: Promotion) -> list[Cargo]:
    promotion.refresh_from_db()
    return cargo_of_promotion(promotion, promotion.items.select_related("component__source"))


def test_every_section_is_told_the_worst_first_and_what_is_there_already_with_its_reason(
    source: Source,
) -> None:
    cargo = source.cargo()
    assert [(line.kind, line.text) for line in cargo.lines] == [
        ("breaking", "answer prices in minor units"),
        ("security", "check who asks"),
        ("new", f"prepare the {SECRET}"),
        ("faster", "read the basket once"),
    ]
    assert cargo.dependencies is not None
    assert (cargo.dependencies.count, cargo.dependencies.texts) == (1, ["basket-lib 1.0.0 → 1.2.0"])
    assert cargo.others is not None
    assert cargo.others.texts == ["say how to pay"]
    assert [(line.text, bool(line.reason)) for line in cargo.already] == [("round once", True)]
    assert (cargo.already_count, cargo.lost_count) == (1, 1)
    assert [(line.text, line.number) for line in cargo.lost] == [("hurry", "#8")]


def test_its_commits_and_pull_requests_lead_to_their_pages_on_the_host(
    world: World, client: Client, source: Source
) -> None:
    source.repository.url = "https://github.com/acme/cart"
    source.repository.save()
    cargo = source.cargo()
    page = world.sign_in(client, "proposer").get(ASKED).content.decode()
    shas = [line.sha for line in (*cargo.lines, *cargo.lost, *cargo.already)] + [cargo.already[0].twin]
    for sha in shas:
        assert f'href="https://github.com/acme/cart/commit/{sha}"' in page
    assert 'href="https://github.com/acme/cart/pull/8"' in page


def test_the_preview_shows_it_folded_and_leads_to_the_rest(
    world: World, client: Client, source: Source
) -> None:
    for number in range(MOST_SHIPPED + 3):
        source.seed.commit({"n": f"{number}"}, f"feat: number {number}")
    source.seed.tag("v2.0.0", source.seed.commit({"n": "last"}, "feat: the last"))
    source.poll()
    page = world.sign_in(client, "proposer").get(ASKED).content.decode()
    assert "1 already there" in page
    assert "1 dependency update" in page
    assert "1 other change" in page
    assert "1 is there already" in page
    assert ">8 more</a>" in page
    assert "from=tag%3A2.0.0&amp;into=tag%3A1.0.0" in page


def test_it_takes_no_more_queries_than_the_notes_alone(source: Source) -> None:
    component = source.component
    source.cargo()
    with CaptureQueriesContext(connection) as captured:
        cargo_of(component, "1.0.0", "2.0.0")
    assert len(captured) <= 11


def test_a_merged_promotion_shows_what_shipped_though_tags_move(
    world: World, client: Client, source: Source
) -> None:
    before = source.cargo()
    promotion = merged(world, client)
    source.seed.tag("v2.0.0", source.seed.commit({"a": "99"}, "feat: slipped in later"))
    source.seed.tag("v1.0.0", source.seed.git("rev-parse", "refs/heads/main~3"))
    source.poll()
    (kept,) = ships(promotion)
    assert kept.is_kept
    assert source.cargo().line_count != before.line_count
    for name in ("lines", "line_count", "dependencies", "others", "lost", "arrives_count", "already_count"):
        assert getattr(kept, name) == getattr(before, name)
    page = client.get(f"/promotions/{promotion.pk}/").content.decode()
    assert "as it was merged" in page
    assert "slipped in later" not in page
    assert client.get(kept.compare_url).status_code == 200


def test_the_page_of_a_merged_promotion_reads_no_history(
    world: World, client: Client, source: Source
) -> None:
    promotion = merged(world, client)
    with CaptureQueriesContext(connection) as captured:
        page = client.get(f"/promotions/{promotion.pk}/").content.decode()
    assert "read the basket once" in page
    table = source.repository.commits.model._meta.db_table
    assert not [one["sql"] for one in captured if f'FROM "{table}"' in one["sql"]]


def test_what_is_hidden_after_the_merge_is_hidden_there_too(
    world: World, client: Client, source: Source
) -> None:
    promotion = merged(world, client)
    address = f"/promotions/{promotion.pk}/"
    assert SECRET in client.get(address).content.decode()
    override(source.component, "pull_request", "7", is_hidden=True)
    override(source.component, "pull_request", "8", is_hidden=True)
    (kept,) = ships(promotion)
    assert SECRET not in client.get(address).content.decode()
    assert (kept.line_count, [line.text for line in kept.lost]) == (3, ["hidden by ada"])


def test_what_is_kept_is_small_and_counts_the_rest(world: World, client: Client, source: Source) -> None:
    sha = ""
    for number in range(MOST_KEPT + 30):
        sha = source.seed.commit({"n": f"{number}"}, f"feat: {number} {'long ' * 200}")
    source.seed.tag("v2.0.0", sha)
    source.poll()
    promotion = merged(world, client)
    (kept,) = ships(promotion)
    assert kept.line_count == MOST_KEPT + 30 + 4
    assert len(json.dumps(promotion.preview["ships"])) < 40_000


def test_an_open_promotion_shows_what_would_ship_now(world: World, client: Client, source: Source) -> None:
    world.allow(approvals=1)
    promotion = world.advance(world.propose("cart"))
    assert "ships" not in promotion.preview
    source.seed.tag("v2.0.0", source.seed.commit({"a": "99"}, "feat: slipped in later"))
    source.poll()
    page = world.sign_in(client, "viewer").get(f"/promotions/{promotion.pk}/").content.decode()
    assert "slipped in later" in page


def test_what_was_not_known_at_the_merge_is_kept_as_soon_as_it_is(
    world: World, client: Client, tmp_path: Path
) -> None:
    source = Source(world, tmp_path / "late.git")
    promotion = merged(world, client)
    assert promotion.preview.get("ships", []) == []
    source.write()
    source.poll()
    world.advance(promotion)
    assert [one["to_version"] for one in promotion.preview["ships"]] == ["2.0.0"]
    assert promotion.preview["files"]
