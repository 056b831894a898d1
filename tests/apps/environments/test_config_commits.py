"""The commits of the config repository that touch an application, and what each of them changed."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.apps import apps

from apps.environments.models import Application
from apps.environments.tasks import read_history
from tests.adapters.git_http import Seed
from tests.apps.environments.world import GOOD, World

FILE = "app/well.yaml"


def edited(old: str, new: str) -> str:
    return GOOD.decode().replace(old, new)


@pytest.fixture
def shop(world: World) -> tuple[Seed, Application]:
    seed = world.seed("shop", {FILE: GOOD, "other/well.yaml": GOOD})
    repository = world.connect("shop")
    world.poll(repository)
    return seed, world.application(repository, "app")


def read(world: World, application: Application) -> Application:
    world.poll(application.repository)
    world.check(application)
    read_history.work(application.pk)
    application.refresh_from_db()
    return application


def told(application: Application) -> list[tuple[str, str, str, str]]:
    rows = application.config_commits.all()
    return [(row.subject, row.previous_version, row.version, row.change) for row in rows]


def test_each_commit_is_kept_with_the_versions_and_what_else_it_changed(
    world: World, shop: tuple[Seed, Application]
) -> None:
    seed, application = shop
    seed.commit({FILE: edited("1.2.3", "1.2.4")}, message="Deploy 1.2.4 (#7)")
    seed.commit({FILE: edited("1.2.3", "1.2.4").replace("replicas: 1", "replicas: 3")}, message="Scale")
    assert told(read(world, application)) == [
        ("Scale", "1.2.4", "1.2.4", "Deployment well: replicas 1 → 3"),
        ("Deploy 1.2.4 (#7)", "1.2.3", "1.2.4", ""),
        ("Begin", "", "1.2.3", ""),
    ]
    assert application.config_commits.get(subject__startswith="Deploy").pull_request == 7


def test_commits_elsewhere_and_those_that_change_nothing_of_it_are_not_its_own(
    world: World, shop: tuple[Seed, Application]
) -> None:
    seed, application = shop
    seed.commit({"other/well.yaml": edited("1.2.3", "9")}, message="Another application")
    seed.commit({"app/README.md": "words"}, message="Words")
    assert [row[0] for row in told(read(world, application))] == ["Begin"]


def test_a_commit_that_cannot_be_rendered_says_so_and_the_next_one_goes_on(
    world: World, shop: tuple[Seed, Application]
) -> None:
    seed, application = shop
    seed.commit({FILE: None}, message="Lose it")
    seed.commit({FILE: edited("1.2.3", "1.2.4")}, message="Mend it")
    rows = {row.subject: row for row in read(world, application).config_commits.all()}
    assert (rows["Lose it"].is_unrendered, rows["Lose it"].changes_version) == (True, False)
    assert (rows["Mend it"].is_unrendered, rows["Mend it"].version) == (False, "1.2.4")


def test_reading_goes_on_where_it_ended_and_repeats_nothing(
    world: World, shop: tuple[Seed, Application]
) -> None:
    seed, application = shop
    read(world, application)
    seed.commit({FILE: edited("1.2.3", "1.2.4")}, message="Deploy 1.2.4")
    read(world, application)
    Application.objects.filter(pk=application.pk).update(history_sha="")
    rows = told(read(world, application))
    assert [row[:3] for row in rows] == [("Deploy 1.2.4", "1.2.3", "1.2.4"), ("Begin", "", "1.2.3")]


def test_a_rewritten_history_replaces_what_was_read_of_it(
    world: World, shop: tuple[Seed, Application]
) -> None:
    seed, application = shop
    seed.commit({FILE: edited("1.2.3", "6.6.6")}, message="A mistake")
    read(world, application)
    first = seed.git("rev-list", "--max-parents=0", "main")
    seed.point("refs/heads/main", first)
    seed.commit({FILE: edited("1.2.3", "1.2.4")}, message="As it was meant")
    rows = told(read(world, application))
    assert [row[0] for row in rows] == ["As it was meant", "Begin"]


def test_what_an_earlier_release_has_read_is_read_again(world: World, shop: tuple[Seed, Application]) -> None:
    _, application = shop
    assert read(world, application).history_sha
    migration = import_module("apps.environments.migrations.0009_read_history_again")
    migration.forget_how_far_it_was_read(apps, None)
    application.refresh_from_db()
    assert application.history_sha == ""


def test_a_commit_that_changes_only_words_of_a_file_changes_nothing_of_it(
    world: World, shop: tuple[Seed, Application]
) -> None:
    seed, application = shop
    seed.commit({FILE: f"# Words.\n{GOOD.decode()}"}, message="Words")
    assert [row[0] for row in told(read(world, application))] == ["Begin"]
