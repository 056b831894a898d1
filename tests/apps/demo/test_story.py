from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest

from apps.demo import story as story_module
from apps.demo.config_repository import HEAD, ConfigRepository, build_config_history
from apps.demo.outages import Outages
from apps.demo.reconciler import APPLICATIONS, NONPROD, PROD, UK, Reconciler
from apps.demo.releases import COMPONENTS
from apps.demo.repositories import create_repository
from apps.demo.source_repository import build_source_history
from apps.demo.story import EVENT_COUNT, OUTAGE, Stage, Story, is_broken_image, trial_after, version_after
from gitopsui.adapters.git_repository import Repository
from gitopsui.adapters.render import Renderer, Tools
from tests.apps.demo.cluster_stub import ClusterStub

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Play:
    """A stage whose clock goes on by two minutes with each look."""

    def __init__(self, folder: Path) -> None:
        for component in COMPONENTS:
            create_repository(folder / f"{component}.git", build_source_history(component, until=NOW))
        create_repository(folder / "shop-config.git", build_config_history(until=NOW))
        (folder / "scratch").mkdir()
        self.folder = folder
        self.config = ConfigRepository(folder / "shop-config.git")
        self.nonprod, self.prod = ClusterStub(), ClusterStub()
        self.now = NOW
        clusters = {NONPROD: self.nonprod, PROD: self.prod, UK: ClusterStub()}
        renderer = Renderer(Tools(), folder / "scratch")
        self.reconciler = Reconciler(self.config, renderer, clusters, folder / "reconciler.json")
        for component in COMPONENTS:
            self._apply(component)
        self.reconciler.reconcile()
        self.stage = Stage(
            self.config,
            folder,
            clusters,
            self.reconciler,
            self._clock,
            Outages(folder / "outages.json"),
        )
        self.story = Story(self.stage, folder / "story.json")

    def _apply(self, component: str) -> None:
        """What kustomize and helm would give is not needed here, only that it is there."""
        metadata = {"name": component, "namespace": "shop"}
        self.prod.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata}, manager="test")
        flags = {"name": "checkout-flags", "namespace": "shop"}
        self.prod.apply({"apiVersion": "v1", "kind": "ConfigMap", "metadata": flags}, manager="test")

    def _clock(self) -> datetime:
        self.now += timedelta(minutes=2)
        return self.now

    def versions(self) -> dict[tuple[str, str], str]:
        return {
            (a.component, a.environment): self.config.version(a.component, a.environment)
            for a in APPLICATIONS
        }


@pytest.fixture
def play(tmp_path: Path) -> Iterator[Play]:
    play = Play(tmp_path)
    # Kustomize and helm are left out here; a sync of what they render is tried with the reconciler.
    with mock.patch.object(Reconciler, "sync"):
        yield play


def test_the_first_round_does_what_it_tells(play: Play) -> None:
    told = [play.story.advance() for _ in range(EVENT_COUNT)]
    assert told == [
        "cart 3.4.0-rc.2 was released and goes to dev.",
        "stand-in-uk does not answer for 5 minutes.",
        "checkout in dev lists gift-cards.yaml, which is not there.",
        "Somebody edited Deployment cart in production.",
        "checkout in dev can be rendered again.",
        "",
        "catalog 5.1.0 was promoted to production.",
        "shop-cart-production was synced.",
        "pricing in staging is back at 1.1.0-rc.1.",
        "checkout 2.16.0-rc.1 was promoted to staging.",
    ]


def test_a_release_is_commits_a_tag_and_a_new_version_in_dev(play: Play) -> None:
    cart = Repository(play.folder / "cart.git")
    before = cart.resolve(HEAD)
    play.story.release(0)
    assert cart.resolve("refs/tags/v3.4.0-rc.2") == cart.resolve(HEAD)
    assert cart.is_ancestor(before, HEAD)
    assert cart.count(HEAD, exclude=before) >= 3
    assert play.config.version("cart", "dev") == "3.4.0-rc.2"


def test_an_edit_by_hand_is_written_by_kubectl_edit_in_production_alone(play: Play) -> None:
    commits = play.config.tree.count(HEAD)
    for number in range(len(story_module.DRIFTS)):
        play.story.edit_production(number)
    written = {key: writers[-1] for key, writers in play.prod.writers.items() if len(writers) > 1}
    assert set(written.values()) >= {"kubectl-edit"}
    assert play.prod.objects["Deployment", "shop", "catalog"]["spec"]["replicas"] == 6
    assert play.config.tree.count(HEAD) == commits
    assert all("kubectl-edit" not in writers for writers in play.nonprod.writers.values())


def test_a_broken_version_in_staging_is_reverted_by_a_second_commit(play: Play) -> None:
    before = play.config.version("cart", "staging")
    play.story.break_staging(1)
    broken = play.config.version("cart", "staging")
    assert is_broken_image(f"registry.demo.example/shop/cart:{broken}")
    play.story.mend_staging(1)
    assert play.config.version("cart", "staging") == before
    revert, attempt, *_ = play.config.tree.log(HEAD, limit=2)
    assert attempt.message.startswith(f"chore(cart): try {broken} in staging")
    assert revert.message.startswith('Revert "chore(cart): try')


def test_a_broken_version_is_never_promoted(play: Play) -> None:
    before = play.versions()
    assert play.story.promote_production(2) == ""
    assert play.versions() == before


def test_a_promotion_brings_the_version_one_environment_further(play: Play) -> None:
    play.story.promote_production(0)
    assert play.config.version("catalog", "production") == "5.1.0"
    assert play.story.promote_production(0) == ""


def test_a_cluster_is_out_of_reach_for_minutes_and_a_restart_does_not_end_it(play: Play) -> None:
    play.story.lose_cluster(0)
    again = Outages(play.folder / "outages.json")
    assert again.is_on(UK, play.now + OUTAGE - timedelta(seconds=1))
    assert not again.is_on(UK, play.now + OUTAGE)
    assert not again.is_on(PROD, play.now)


def test_what_is_done_twice_is_done_once(play: Play) -> None:
    for event in (play.story.break_rendering, play.story.mend_rendering):
        assert event(0) != ""
        head = play.config.head()
        assert (event(0), play.config.head()) == ("", head)


def test_a_restart_goes_on_with_the_next_event(play: Play) -> None:
    play.story.advance()
    again = Story(play.stage, play.folder / "story.json")
    assert (again.position, again.advance()) == (1, "stand-in-uk does not answer for 5 minutes.")


def test_after_the_last_round_of_commits_git_does_not_grow(play: Play) -> None:
    play.story.position = story_module.ROUNDS_WITH_COMMITS * EVENT_COUNT
    heads = {path.name: Repository(path).resolve(HEAD) for path in play.folder.glob("*.git")}
    told = [play.story.advance() for _ in range(2 * EVENT_COUNT)]
    assert {path.name: Repository(path).resolve(HEAD) for path in play.folder.glob("*.git")} == heads
    assert len([sentence for sentence in told if sentence]) == 6


@pytest.mark.timeout(120)
def test_all_rounds_can_be_played_and_end_with_nothing_broken(play: Play) -> None:
    for _ in range(8 * EVENT_COUNT):
        play.story.advance()
    versions = play.versions()
    assert not [place for place, version in versions.items() if is_broken_image(f"x/{place[0]}:{version}")]


@pytest.mark.parametrize(
    ("version", "follower"),
    [
        ("3.3.2", "3.4.0-rc.1"),
        ("3.4.0-rc.1", "3.4.0-rc.2"),
        ("3.4.0-rc.2", "3.4.0"),
        ("1.0.1_3", "1.1.0-rc.1"),
        ("1.1.0-rc.3", "1.1.0-rc.4"),
    ],
)
def test_versions_follow_each_other(version: str, follower: str) -> None:
    assert version_after(version) == follower


def test_a_trial_is_a_version_whose_image_crashes() -> None:
    assert trial_after("3.3.2", 2) == "3.3.3-trial.2"
    assert is_broken_image("registry.demo.example/shop/cart:3.3.3-trial.2")
    assert is_broken_image("registry.demo.example/shop/pricing:1.1.0-rc.2")
    assert not is_broken_image("registry.demo.example/shop/pricing:1.1.0-rc.3")
