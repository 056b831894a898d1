from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest

from apps.demo.releases import COMPONENTS, RELEASES, Release
from apps.demo.repositories import NewCommit, NewTag, Step, create_repository, extend_repository
from apps.demo.source_repository import build_more_commits, build_source_history, tag_name
from gitopsui.adapters.git_repository import Repository
from gitopsui.domain.commit import parse_message
from gitopsui.domain.keep_a_changelog import find_differences, parse_changelog
from gitopsui.domain.version import parse_tag

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MAIN = "refs/heads/main"


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_history_is_the_same_each_time_and_another_with_another_seed(component: str) -> None:
    first = build_source_history(component, until=NOW)
    assert first == build_source_history(component, until=NOW)
    assert first != build_source_history(component, until=NOW, seed=1)


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_year_has_some_hundred_commits_in_order_that_end_before_now(component: str) -> None:
    steps = build_source_history(component, until=NOW)
    on_main = [step.at for step in steps if step.branch == "main"]
    assert 150 <= len([step for step in steps if isinstance(step, NewCommit)]) <= 400
    assert on_main == sorted(on_main)
    assert on_main[-1] < NOW
    assert (NOW - on_main[0]).days == 365


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_message_is_conventional_a_merge_or_a_revert(component: str) -> None:
    commits = [step for step in build_source_history(component, until=NOW) if isinstance(step, NewCommit)]
    parsed = [parse_message(commit.message) for commit in commits]
    odd = [message for message, commit in zip(parsed, commits, strict=True) if not message.type]
    assert all(message.description.startswith(("Merge pull request #", 'Revert "')) for message in odd)
    has_major = len({release.version.split(".")[0] for release in RELEASES[component]}) > 1
    assert any(message.breaking for message in parsed) == has_major
    assert {"feat", "fix", "chore", "docs", "test", "refactor"} <= {message.type for message in parsed}


@pytest.mark.parametrize("component", COMPONENTS)
def test_each_release_is_a_tag_that_follows_the_one_before(component: str, tmp_path: Path) -> None:
    path = tmp_path / f"{component}.git"
    create_repository(path, build_source_history(component, until=NOW))
    repository = Repository(path)
    tags = {ref.short: ref for ref in repository.refs() if ref.kind == "tag"}
    names = [tag_name(release.version) for release in RELEASES[component]]
    assert sorted(tags) == sorted(names)
    on_main = [tag_name(release.version) for release in RELEASES[component] if not release.is_hotfix]
    shas = [str(tags[name].commit_sha) for name in on_main]
    for earlier, later in pairwise(shas):
        assert repository.is_ancestor(earlier, later)
    assert all((tag := parse_tag(name)) is not None and tag.version is not None for name in names)


def test_as_many_commits_lie_between_two_versions_as_the_table_says(tmp_path: Path) -> None:
    path = tmp_path / "checkout.git"
    create_repository(path, build_source_history("checkout", until=NOW))
    count = Repository(path).count("refs/tags/v2.15.0", exclude="refs/tags/v2.14.0")
    assert count == 24


def test_a_hotfix_has_a_fix_of_main_under_another_id_and_one_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "catalog.git"
    create_repository(path, build_source_history("catalog", until=NOW))
    repository = Repository(path)
    own, picked, begun = repository.log("refs/tags/v5.0.5", exclude="refs/tags/v5.0.4")
    (source,) = re.findall(r"\(cherry picked from commit ([0-9a-f]{40})\)", picked.message)
    assert repository.is_ancestor(source, "refs/tags/v5.1.0")
    assert not repository.is_ancestor(source, "refs/tags/v5.0.4")
    assert (own.message.split(":")[0], begun.message.split(":")[0]) == ("fix(search)", "ci")


def test_what_dev_runs_takes_something_back_that_staging_has(tmp_path: Path) -> None:
    path = tmp_path / "checkout.git"
    create_repository(path, build_source_history("checkout", until=NOW))
    repository = Repository(path)
    commits = repository.log("refs/tags/v2.16.0-rc.1", exclude="refs/tags/v2.15.0")
    (reverted,) = [sha for one in commits for sha in parse_message(one.message).reverts]
    assert repository.is_ancestor(reverted, "refs/tags/v2.15.0")


def test_one_component_keeps_a_changelog_that_lacks_one_of_its_releases(tmp_path: Path) -> None:
    path = tmp_path / "checkout.git"
    create_repository(path, build_source_history("checkout", until=NOW))
    repository = Repository(path)
    (file,) = repository.tree("refs/heads/main", "CHANGELOG.md")
    parsed = parse_changelog(repository.blobs([file.sha], max_bytes=1 << 20)[file.sha].decode())
    tagged = {release.version: release.tagged_at(NOW).date() for release in RELEASES["checkout"]}
    assert find_differences(parsed.entries, tagged) == ["2.13.2 has a tag and no entry."]
    assert not parsed.problems
    assert [entry.version for entry in parsed.entries][:3] == ["", "2.15.0", "2.14.0"]


@pytest.mark.parametrize("component", ["cart", "catalog", "pricing"])
def test_no_other_component_keeps_one(component: str) -> None:
    steps = build_source_history(component, until=NOW)
    assert not any("CHANGELOG.md" in step.files for step in steps if isinstance(step, NewCommit))


def test_tags_with_a_build_are_light_and_the_final_ones_of_others_are_annotated() -> None:
    def messages(component: str) -> dict[str, str]:
        steps = build_source_history(component, until=NOW)
        return {step.name: step.message for step in steps if isinstance(step, NewTag)}

    assert messages("pricing")["v1.0.1+3"] == ""
    assert messages("cart")["v3.3.2"] == "cart 3.3.2\n"
    assert messages("cart")["v3.4.0-rc.1"] == ""


def test_a_later_release_brings_so_many_commits_and_its_tag(tmp_path: Path) -> None:
    path = tmp_path / "cart.git"
    create_repository(path, build_source_history("cart", until=NOW))
    before = Repository(path).count(MAIN, no_merges=False)
    steps = build_more_commits("cart", Release("3.4.0", 0), Release("3.4.0-rc.1", 0), at=NOW, count=4)
    extend_repository(path, steps)
    repository = Repository(path)
    assert repository.count(MAIN, no_merges=False) == before + len(steps) - 1
    assert repository.is_ancestor("refs/tags/v3.4.0-rc.1", "refs/tags/v3.4.0")


@pytest.mark.parametrize("ordinal", [0, 1, 5])
def test_a_later_release_goes_on_with_numbers_and_packages_where_the_year_ended(ordinal: int) -> None:
    def facts(steps: list[Step]) -> tuple[int, dict[str, int]]:
        messages = [step.message for step in steps if isinstance(step, NewCommit)]
        numbers = [int(number) for text in messages for number in re.findall(r"\(#(\d+)\)", text)]
        bumps = [match for text in messages for match in re.findall(r"bump (\S+) from .* to 2\.(\d+)", text)]
        return max(numbers), {name: int(minor) for name, minor in bumps}

    year = facts(build_source_history("cart", until=NOW))
    release, before = Release("3.4.0", 0), Release("3.4.0-rc.1", 0)
    later = facts(build_more_commits("cart", release, before, at=NOW, count=40, ordinal=ordinal))
    assert 0 < later[0] - year[0] < 40 * 3 + 12 * (ordinal + 1)
    assert all(minor > year[1].get(name, 4) for name, minor in later[1].items())
