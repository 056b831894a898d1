"""Hostile manifests in Git and hostile objects in the cluster, from the outside to every page."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from apps.core.models import Job
from apps.environments.models import Application
from apps.environments.services.layouts import CHECK
from gitopsui.adapters.yaml_reader import read_text
from gitopsui.domain.resource import flatten
from gitopsui.domain.shape import check_shape
from gitopsui.domain.text import visible
from tests.adapters.git_http import link
from tests.apps.environments.samples import OWN_CANARIES, SETS, Case, canaries, load_cases
from tests.apps.environments.world import GOOD, World, check_nothing_leaks


def as_application(world: World, folder: Path) -> dict[str, Application]:
    """Each manifest case in a folder of its own beside a good file, checked."""
    cases = load_cases(folder, "manifest")
    files = {f"apps/{case.id}/{case.name}": case.data for case in cases}
    files |= {f"apps/{case.id}/well.yaml": GOOD for case in cases}
    world.seed("shop", files)
    repository = world.connect("shop")
    world.poll(repository)
    found = {case.id: world.application(repository, f"apps/{case.id}") for case in cases}
    world.check(*found.values())
    return found


IDENTITY = {"apiVersion": str, "kind": str, "metadata": dict}


def job_error(application: Application) -> str:
    return Job.objects.get(kind=CHECK, subject_id=application.pk).last_error


def page_text(text: str) -> str:
    return text.replace("&#x27;", "&#39;")


def shown(text: str) -> str:
    return page_text(escape(visible(text)))


@pytest.mark.parametrize("folder", SETS)
@pytest.mark.parametrize("is_there", [False, True], ids=["missing", "live"])
def test_odd_manifests_are_listed_with_a_note_beside_good_ones(
    world: World, folder: Path, is_there: bool
) -> None:
    cases = {case.id: case for case in load_cases(folder, "manifest")}
    if is_there:
        world.server.objects = [
            manifest
            for case in cases.values()
            for manifest in objects_of(case)
            if all(isinstance(manifest.get(key), kind) for key, kind in IDENTITY.items())
        ]

    applications = as_application(world, folder)

    for name, application in applications.items():
        assert application.checked_at is not None, (name, job_error(application))
        page = page_text(world.page("application-detail", application.pk, who="viewer"))
        assert "well" in world.page("resource-tree", application.pk), application.sync_reason
        for manifest in objects_of(cases[name]):
            metadata = manifest.get("metadata")
            if isinstance(metadata, dict) and isinstance(manifest.get("kind"), str):
                assert shown(str(metadata["name"])) in page, name
            for note in check_shape(manifest) if isinstance(manifest.get("kind"), str) else ():
                assert shown(note) in page, name
        assert "<img src=x" not in page
        assert "<b onmouseover" not in page
        assert "<i>Upper" not in page
        assert 'href="javascript:' not in page
    check_nothing_leaks(world, canaries(folder))


def objects_of(case: Case) -> list[dict[str, object]]:
    return [one for one in flatten(read_text(case.data, path=case.name)) if isinstance(one, dict)]


def one_application(world: World, data: bytes) -> Application:
    world.seed("shop", {"app/one.yaml": data, "app/well.yaml": GOOD})
    repository = world.connect("shop")
    world.poll(repository)
    application = world.application(repository, "app")
    world.check(application)
    return application


TWICE = b"""\
{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: "n"}, data: {v: "1"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: same, namespace: "n"}, data: {v: "2"}}
"""


@pytest.mark.parametrize("is_there", [False, True])
def test_the_same_object_twice_is_flagged_and_counted_once(world: World, is_there: bool) -> None:
    if is_there:
        metadata = {"name": "same", "namespace": "n"}
        world.server.objects = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"v": "2"}}
        ]
    application = one_application(world, TWICE)
    assert application.drifts.filter(name="same").count() == (0 if is_there else 1)
    assert application.resources.filter(name="same").count() == 1
    assert "same object twice" in world.page("application-detail", application.pk)


def test_a_kind_that_is_no_text_is_skipped_with_a_note(world: World) -> None:
    application = one_application(world, b"{apiVersion: v1, kind: [Secret], metadata: {name: x}}\n")
    page = world.page("application-detail", application.pk)
    assert "app/one.yaml" in page
    assert "NOT_MANIFEST" in page


def test_an_image_without_a_tag_and_a_long_one(world: World) -> None:
    image = "registry.example.org:5000/" + "a" * 3000
    manifest = (
        GOOD.decode().replace("name: well", "name: long", 1).replace("registry.example.org/well:1.2.3", image)
    )
    application = one_application(world, manifest.encode())
    tree = world.page("resource-tree", application.pk)
    assert "a" * 150 in tree
    assert application.desired_version in ("1.2.3", "")
    before, _, _ = tree.partition("a" * 201)
    assert before != tree, "the whole image is there on demand"
    assert "<details" in before[-400:] or "<summary" in before[-800:]


@pytest.mark.parametrize("folder", SETS)
def test_secrets_of_live_objects_are_masked_at_the_door(world: World, folder: Path) -> None:
    objects = [json.loads(case.data) for case in load_cases(folder, "live")]
    for number, manifest in enumerate(objects):
        manifest["metadata"]["name"] = f"live-{number}"
    world.server.objects = objects
    # Git names every one of them, with other values: each is compared and each has a drift.
    desired = [
        {
            "apiVersion": manifest["apiVersion"],
            "kind": manifest["kind"],
            "metadata": {"name": manifest["metadata"]["name"], "namespace": "n"},
            **({"data": {"p": "b3RoZXI="}} if manifest["kind"] == "Secret" else {}),
            **({"spec": {"url": "https://other.example.org"}} if "spec" in manifest else {}),
        }
        for manifest in objects
    ]
    application = one_application(world, json.dumps({"kind": "List", "items": desired}).encode())
    assert application.checked_at is not None
    stored = set(application.resources.values_list("name", flat=True))
    assert {f"live-{number}" for number in range(len(objects))} <= stored
    assert application.drifts.exists()
    check_nothing_leaks(world, canaries(folder))


def test_a_silent_cluster_leaves_the_last_truth_and_no_secret(world: World) -> None:
    application = one_application(world, b"{}\n")
    assert application.health == "Missing"
    before = list(application.resources.values_list("name", flat=True))
    world.server.is_silent = True
    world.check(application)
    assert list(application.resources.values_list("name", flat=True)) == before
    assert application.failed_at is not None
    assert application.error
    assert application.error in world.page("application-detail", application.pk)
    check_nothing_leaks(world, OWN_CANARIES)


def test_links_out_of_the_tree_are_not_followed(world: World) -> None:
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    targets = {"app/a.yaml": "b.yaml", "app/b.yaml": "a.yaml", "app/env.yaml": "/proc/self/environ"}
    seed.commit({path: link(target) for path, target in targets.items()})
    repository = world.connect("shop")
    world.poll(repository)
    application = world.application(repository, "app")
    world.check(application)
    page = world.page("application-detail", application.pk)
    for path in targets:
        assert path in page
    assert "A symbolic link is not followed." in page
    assert application.desired_version == "1.2.3"
