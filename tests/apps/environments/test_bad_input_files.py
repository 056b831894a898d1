"""Hostile files of config repositories, from the remote to every page."""

from __future__ import annotations

from pathlib import Path

import pytest

from apps.environments.models import Application
from apps.repositories.models import Repository, UnreadableRow
from tests.apps.environments.samples import SETS, canaries, load_cases
from tests.apps.environments.world import GOOD, World, check_nothing_leaks, commit

BOMBS = "apps/bombs"


def all_files(folder: Path) -> dict[str, bytes]:
    return {f"{BOMBS}/{case.name}": case.data for case in load_cases(folder, "yaml")}


def read(world: World, name: str, *paths: str) -> tuple[Repository, list[Application]]:
    """The repository connected and polled, with these folders checked."""
    repository = world.connect(name)
    world.poll(repository)
    applications = [world.application(repository, path) for path in paths]
    world.check(*applications)
    return repository, applications


@pytest.mark.parametrize("folder", SETS)
def test_each_unreadable_file_is_listed_with_its_reason_and_all_others_are_read(
    world: World, folder: Path
) -> None:
    files = all_files(folder) | {f"{BOMBS}/well.yaml": GOOD, "apps/calm/well.yaml": GOOD}
    world.seed("bombs", files)
    world.seed("other", {"apps/other/well.yaml": GOOD})

    repository, (bombs, calm) = read(world, "bombs", BOMBS, "apps/calm")
    _, (other,) = read(world, "other", "apps/other")

    bad = {case.name: case for case in load_cases(folder, "yaml") if case.outcome != "OK"}
    rows = {Path(row.path).name: row for row in UnreadableRow.objects.filter(repository=repository)}
    assert {name: row.code for name, row in rows.items()} == {n: case.outcome for n, case in bad.items()}
    pages = (
        world.page("repository-detail", repository.pk, who="viewer"),
        world.page("application-detail", bombs.pk, who="viewer"),
    )
    for page in pages:
        for name, row in rows.items():
            assert f"{BOMBS}/{name}" in page
            assert row.code in page
            assert row.line == 0 or f"{BOMBS}/{name}:{row.line}" in page
    assert bombs.sync == "Unknown"
    assert bombs.desired_version
    assert {calm.desired_version, other.desired_version} == {"1.2.3"}
    assert (calm.sync, calm.health) == ("OutOfSync", "Missing")
    assert "well" in world.page("resource-tree", bombs.pk)
    check_nothing_leaks(world, canaries(folder))


@pytest.mark.parametrize("folder", SETS)
def test_a_file_that_breaks_keeps_what_it_held_and_marks_it_unknown(world: World, folder: Path) -> None:
    world.server.objects = [live_well(), live_config()]
    seed = world.seed("shop", {"app/well.yaml": GOOD, "app/settings.yaml": CONFIG})
    repository, (application,) = read(world, "shop", "app")
    assert (application.sync, application.health) == ("Synced", "Healthy"), application.sync_reason
    broken = next(case for case in load_cases(folder, "yaml") if case.outcome == "YAML_SYNTAX")

    commit(seed, {"app/settings.yaml": broken.data})
    world.poll(repository)
    world.check(application)

    assert application.sync == "Unknown"
    kept = {row.name: row.sync for row in application.resources.all()}
    assert kept == {"well": "Synced", "settings": "Unknown"}
    assert not application.drifts.exists()
    page = world.page("application-detail", application.pk)
    assert "settings" in world.page("resource-tree", application.pk)
    assert "cannot be read" in page
    commit(seed, {"app/settings.yaml": CONFIG})
    world.poll(repository)
    world.check(application)
    assert application.sync == "Synced"
    assert not UnreadableRow.objects.exists()


def test_a_drift_in_a_file_that_breaks_stays_open(world: World) -> None:
    world.server.objects = [live_well(), live_config(greeting="changed")]
    seed = world.seed("shop", {"app/well.yaml": GOOD, "app/settings.yaml": CONFIG})
    repository, (application,) = read(world, "shop", "app")
    assert application.sync == "OutOfSync"

    commit(seed, {"app/settings.yaml": b"a: [1\nb: 2\n"})
    world.poll(repository)
    world.check(application)

    (drift,) = application.drifts.all()
    assert (drift.name, drift.resolved_at) == ("settings", None)
    assert "changed" in world.page("drift-table", application.pk)


CONFIG = (
    b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: 'n'}\ndata: {greeting: hello}\n"
)


def live_config(greeting: str = "hello") -> dict[str, object]:
    metadata = {"name": "settings", "namespace": "n", "uid": "u-2"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"greeting": greeting}}


def live_well() -> dict[str, object]:
    container = {"name": "c", "image": "registry.example.org/well:1.2.3"}
    template = {"metadata": {"labels": {"app": "well"}}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "well", "namespace": "n", "uid": "u-1", "generation": 1},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "well"}}, "template": template},
        "status": {
            "observedGeneration": 1,
            "replicas": 1,
            "updatedReplicas": 1,
            "readyReplicas": 1,
            "availableReplicas": 1,
            "conditions": [{"type": "Available", "status": "True"}],
        },
    }
