"""What ships, both ways: on the preview as it is now, on a merged promotion as it was when it was merged."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.environments.models import Component
from apps.promotions.selectors.cargo import MOST_SHIPPED, Cargo, cargo_of
from apps.releases import rendering
from apps.releases.services.components import update_component
from apps.repositories.models import Repository
from apps.repositories.services import store_commits, store_refs
from tests.adapters.git_http import Seed
from tests.apps.promotions.conftest import World

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
    assert (cargo.already_count, cargo.lost_count, cargo.lost) == (1, 1, ["hurry (#8)"])


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
