"""Hostile and broken repositories, from the remote to every page."""

from __future__ import annotations

from datetime import UTC, datetime
from html import escape
from typing import Any

import pytest
from django.urls import reverse

from apps.core.models import Job
from apps.environments import tasks
from apps.environments.models import Application
from apps.environments.services.layouts import CHECK
from apps.releases.tasks import update_component
from apps.repositories.models import Repository
from tests.adapters.git_http import File, Seed, link
from tests.apps.environments.samples import MARKER, OWN_CANARIES
from tests.apps.environments.test_bad_input_commits import raw_commit
from tests.apps.environments.test_bad_input_files import live_well
from tests.apps.environments.world import GOOD, World, check_nothing_leaks, commit


def in_sync(world: World) -> tuple[Seed, Repository, Application]:
    """An application that is well, to be broken."""
    world.server.objects = [live_well()]
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    repository = world.connect("shop")
    world.poll(repository)
    application = world.application(repository, "app")
    world.check(application)
    assert (application.sync, application.health) == ("Synced", "Healthy"), application.sync_reason
    return seed, repository, application


def test_a_branch_that_is_gone_leaves_the_last_state_and_marks_it_stale(world: World) -> None:
    seed, repository, application = in_sync(world)
    checked_at = application.checked_at
    seed.point("refs/heads/other", seed.git("rev-parse", "refs/heads/main"))
    seed.delete("refs/heads/main")

    world.poll(repository)
    world.check(application)

    assert [row.name for row in application.resources.all()] == ["well"]
    assert application.desired_version == "1.2.3"
    assert application.checked_at == checked_at
    assert not application.drifts.exists()
    page = world.page("application-detail", application.pk, who="viewer")
    assert "branch is gone" in page
    assert "what it held last is kept" in page
    assert "Stale" in page
    assert "was Synced" in page
    assert "was Healthy" in page
    assert application.is_stale(datetime.now(UTC))
    assert application in Application.objects.stale(datetime.now(UTC))
    board = world.page("board", world.project.slug)
    assert "stale" in board.lower()
    check_nothing_leaks(world, OWN_CANARIES)

    seed.point("refs/heads/main", seed.git("rev-parse", "refs/heads/other"))
    world.poll(repository)
    world.check(application)
    assert application.sync == "Synced"
    assert not application.is_stale(datetime.now(UTC))


def test_a_rewritten_history_is_said_with_both_heads(world: World) -> None:
    seed, repository, application = in_sync(world)
    old = seed.git("rev-parse", "refs/heads/main")
    new = seed.commit({"app/well.yaml": GOOD.decode()}, "Rewritten", parents=())
    world.poll(repository)
    world.check(application)
    page = world.page("repository-detail", repository.pk, who="viewer")
    assert "History was rewritten" in page
    assert old[:8] in page
    assert new[:8] in page
    assert application.desired_sha == new


def unsafe_tree(seed: Seed) -> None:
    blob = seed.raw("blob", b"x: 1\n")
    entry = b"100644 ../../tmp/gitopsui-pwned\0" + bytes.fromhex(blob)
    who = b"Dev <d@e> 1767225600 +0000"
    tree = seed.raw("tree", entry)
    tip = seed.git("rev-parse", "refs/heads/main")
    head = f"tree {tree}\nparent {tip}\n".encode() + b"author %s\ncommitter %s\n\nm\n" % (who, who)
    seed.point("refs/heads/main", seed.raw("commit", head))


def missing_parent(seed: Seed) -> None:
    tree = seed.git("rev-parse", "refs/heads/main^{tree}")
    who = "Dev <d@e> 1767225600 +0000"
    content = f"tree {tree}\nparent {'1' * 40}\nauthor {who}\ncommitter {who}\n\nm\n"
    sha = seed.raw("commit", content.encode())
    (seed.path / "refs/heads/main").write_text(f"{sha}\n")


@pytest.mark.parametrize("break_it", [unsafe_tree, missing_parent])
def test_what_is_unsafe_or_damaged_is_refused_and_the_last_state_stays(world: World, break_it: Any) -> None:
    seed, repository, application = in_sync(world)
    sha = application.desired_sha
    break_it(seed)

    job = world.poll(repository)
    world.check(application)

    assert job.state == "failed"
    assert repository.failed_at is not None
    page = world.page("repository-detail", repository.pk, who="viewer")
    assert escape(repository.error) in page
    assert "Not reachable" in page
    assert (application.desired_sha, application.sync) == (sha, "Synced")
    assert not MARKER.exists()
    check_nothing_leaks(world, OWN_CANARIES)


def test_hooks_and_attributes_of_a_tree_have_no_effect(world: World) -> None:
    files = {
        "hooks/post-checkout": File(f"#!/bin/sh\ntouch {MARKER}\n".encode(), "100755"),
        ".gitconfig": f"[core]\n\thooksPath = hooks\n\tsshCommand = touch {MARKER}\n",
        ".gitattributes": "*.yaml filter=evil diff=evil -diff\n* export-subst\n",
        "CHANGELOG.md": link("/etc/passwd"),
    }
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    seed.commit(files)
    repository = world.connect("shop")
    world.poll(repository)
    application = world.application(repository, "app")
    world.check(application)
    assert application.desired_version == "1.2.3"
    tasks.recognise_repository.work(repository.pk)
    check_nothing_leaks(world, (*OWN_CANARIES, "root:x:0:0"))


def test_a_remote_with_nothing_but_tags_has_versions_and_no_environments(world: World) -> None:
    seed = world.seed("source", {"CHANGELOG.md": b"# Changelog\n\n## [1.0.0] - 2026-01-01\n- first\n"})
    seed.tag("v1.0.0", seed.git("rev-parse", "refs/heads/main"))
    seed.delete("refs/heads/main")
    repository = world.connect("source", is_source=True)
    job = world.poll(repository)
    assert job.state == "done"
    assert repository.recent_commits == []
    page = world.page("repository-detail", repository.pk)
    assert "v1.0.0" in page
    application = world.application(world.connect("source"), "app")
    component = application.component
    component.source = repository
    component.save()
    update_component.work(component.pk)
    slug = world.project.slug
    assert "1.0.0" in world.page("component-detail", slug, component.slug)
    check_nothing_leaks(world, OWN_CANARIES)


@pytest.mark.parametrize("stamp", [b"99999999999999", b"-1", b"4070908800"])
def test_times_that_cannot_be_or_lie_ahead_stop_nothing(world: World, stamp: bytes) -> None:
    seed, repository, application = in_sync(world)
    raw_commit(seed, b"odd\n", b"Dev <d@e> " + stamp + b" +0000")
    commit(seed, {"app/well.yaml": GOOD.replace(b"1.2.3", b"1.2.4")}, "After it")
    job = world.poll(repository)
    assert job.state == "done"
    assert [one["subject"] for one in repository.recent_commits] == ["After it", "odd", "Begin"]
    world.check(application)
    tasks.read_history.work(application.pk)
    assert application.desired_version == "1.2.4"
    if stamp != b"4070908800":
        page = world.page("repository-detail", repository.pk)
        assert "invalid date" in page
    assert not application.observations.filter(at__gt=datetime.now(UTC)).exists()
    check_nothing_leaks(world, OWN_CANARIES)


def test_a_commit_without_an_address_has_an_unknown_author(world: World) -> None:
    seed, repository, _ = in_sync(world)
    raw_commit(seed, b"who\n", b" <> 1767225600 +0000")
    job = world.poll(repository)
    assert job.state == "done"
    assert repository.recent_commits[0]["author"] == "(unknown author)"
    assert "(unknown author)" in world.page("repository-detail", repository.pk)


def test_a_secret_of_the_past_is_nowhere(world: World) -> None:
    secret = b"{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {p: CANARY-own-past}}\n"
    seed = world.seed("shop", {"app/well.yaml": GOOD, "app/secret.yaml": secret})
    commit(seed, {"app/secret.yaml": secret.replace(b"past", b"past-2")})
    commit(seed, {"app/secret.yaml": None}, "fix: remove secret")
    repository = world.connect("shop")
    world.poll(repository)
    application = world.application(repository, "app")
    world.check(application)
    tasks.read_history.work(application.pk)
    tasks.recognise_repository.work(repository.pk)
    check_nothing_leaks(world, OWN_CANARIES)


def test_one_impossible_namespace_does_not_blind_the_cluster(world: World) -> None:
    world.server.objects = [live_well()]
    odd = b'{apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: "../x"}}\n'
    world.seed("shop", {"a/odd.yaml": odd, "b/well.yaml": GOOD})
    repository = world.connect("shop")
    world.poll(repository)
    first, second = (world.application(repository, path) for path in ("a", "b"))
    Job.objects.filter(kind=CHECK).update(due_at=datetime(2020, 1, 1, tzinfo=UTC))

    tasks.check_cluster(world.cluster.pk)

    for application in (first, second):
        application.refresh_from_db()
        assert application.failed_at is None
    assert second.sync == "Synced"
    assert [row.name for row in first.resources.all()] == ["a"]


def test_a_remote_that_is_not_there_is_said_and_the_page_stays(world: World) -> None:
    repository = world.connect("nothing")
    job = world.poll(repository)
    assert job.state == "failed"
    assert repository.error in world.page("repository-detail", repository.pk)
    assert repository.error in world.page("job-detail", job.pk)
    assert world.client("viewer").get(reverse("repository-list")).status_code == 200
