"""Hostile commit messages and names of branches and tags, from the remote to every page."""

from __future__ import annotations

import re
from html import escape, unescape
from pathlib import Path

import pytest

from apps.environments.models import VersionObservation
from apps.environments.tasks import read_history
from apps.repositories.services import POLL
from gitopsui.domain.text import visible
from tests.adapters.git_http import Seed
from tests.apps.environments.samples import OWN_CANARIES, SETS, canaries, load_cases
from tests.apps.environments.world import GOOD, World, check_nothing_leaks

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u200b\u202a-\u202e]")
SUBJECT_CELL = re.compile(r'<td><code>\w{7}</code></td><td>(.*?)</td><td data-l="by">', re.DOTALL)


def raw_commit(seed: Seed, message: bytes, who: bytes = b"Dev <d@e> 1767225600 +0000") -> str:
    """A commit of these very bytes on top of main."""
    tip, tree = (seed.git("rev-parse", f"refs/heads/main{suffix}") for suffix in ("", "^{tree}"))
    head = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n\n" % (tree.encode(), tip.encode(), who, who)
    sha = seed.raw("commit", head + message)
    seed.point("refs/heads/main", sha)
    return sha


@pytest.mark.parametrize("folder", SETS)
def test_commit_messages_are_shown_as_text(world: World, folder: Path) -> None:
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    cases = load_cases(folder, "commit")
    for case in cases:
        raw_commit(seed, case.data)
    repository = world.connect("shop")

    world.poll(repository)

    assert len(repository.recent_commits) == len(cases) + 1
    shown = [commit["subject"] for commit in repository.recent_commits]
    assert not any("\x00" in subject or len(subject) > 200 for subject in shown)
    page = world.page("repository-detail", repository.pk, who="viewer")
    cells = SUBJECT_CELL.findall(page)
    assert len(cells) == len(shown)
    for cell, subject in zip(cells, shown, strict=True):
        assert escape(visible(subject)).replace("&#x27;", "&#39;")[:100] in cell.replace("&#x27;", "&#39;")
        text = unescape(re.sub(r"</?(bdi|details|summary|div)[^>]*>", "", cell))
        assert not HIDDEN.search(text)
    for address, page in world.every_page():
        assert "<script>alert" not in page, address
        assert "<img src=x" not in page, address
        assert 'hx-trigger="load"' not in page, address
    check_nothing_leaks(world, canaries(folder))


def test_the_joiner_of_an_emoji_is_not_broken_up(world: World) -> None:
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    raw_commit(seed, f"fix: café and {family}\n".encode())
    repository = world.connect("shop")
    world.poll(repository)
    assert family in world.page("repository-detail", repository.pk)


def test_a_message_forges_no_line_of_the_log(world: World) -> None:
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    raw_commit(seed, b"fix: x\n\n2026-11-23 08:00:00 WARNING security user=admin login ok\n")
    repository = world.connect("shop")
    world.poll(repository)
    assert not any("\n" in line or line.startswith("2026-11-23 08") for line in world.logged)


@pytest.mark.parametrize("folder", SETS)
def test_hostile_names_of_branches_and_tags_are_listed_escaped(world: World, folder: Path) -> None:
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    tip = seed.git("rev-parse", "refs/heads/main")
    names = [case.value for case in load_cases(folder, "ref") if case.facts["pushable"]]
    for name in names:
        for kind in ("heads", "tags"):
            seed.point(f"refs/{kind}/{name}", tip)
    repository = world.connect("shop")

    job = world.poll(repository)

    assert (job.kind, job.state) == (POLL, "done")
    stored = set(repository.revisions.values_list("name", flat=True))
    assert {f"refs/{kind}/{name}" for name in names for kind in ("heads", "tags")} <= stored
    page = world.page("repository-detail", repository.pk, who="viewer")
    for name in names:
        assert escape(visible(name)).replace("&#x27;", "&#39;") in page.replace("&#x27;", "&#39;")
    assert "<script>alert" not in page
    check_nothing_leaks(world, canaries(folder))


@pytest.mark.parametrize("folder", SETS)
def test_an_application_follows_a_branch_by_its_full_name(world: World, folder: Path) -> None:
    """A branch that is called `refs/heads/main`, or as an option, or as a tag, is itself and no other."""
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    main = seed.git("rev-parse", "refs/heads/main")
    other = seed.commit({"app/well.yaml": GOOD.decode().replace("1.2.3", "6.6.6")}, branch="other")
    names = [case.value for case in load_cases(folder, "ref") if case.facts["pushable"]]
    for name in names:
        seed.point(f"refs/heads/{name}", main)
        seed.point(f"refs/tags/{name}", other)
    repository = world.connect("shop")
    world.poll(repository)
    for number, name in enumerate(names):
        application = world.application(repository, "app", branch=name, release_name=str(number))
        world.check(application)
        assert (application.desired_sha, application.desired_version) == (main, "1.2.3"), name


def test_who_made_a_version_is_text_too(world: World) -> None:
    seed = world.seed("shop", {"app/well.yaml": GOOD})
    author = "<b onmouseover=alert(1)>\u202eEve"
    seed.commit(
        {"app/well.yaml": GOOD.decode().replace("1.2.3", "1.2.4")},
        author=f"{author.replace('<', '').replace('>', '')} <e@e>",
    )
    repository = world.connect("shop")
    world.poll(repository)
    application = world.application(repository, "app")
    world.check(application)
    read_history.work(application.pk)
    assert VersionObservation.objects.filter(source="git", author__contains="onmouseover").exists()
    page = world.page("application-detail", application.pk)
    assert "\\u{202E}Eve" in page
    assert "\u202e" not in page
    check_nothing_leaks(world, OWN_CANARIES)
