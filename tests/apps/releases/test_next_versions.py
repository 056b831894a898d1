"""Which version comes next: of the right line, by the policy, with its reason."""

from __future__ import annotations

import pytest
from pytest_django import DjangoAssertNumQueries

from apps.environments.models import Component
from apps.releases.models import ReleasePolicy
from apps.releases.selectors.next_versions import Proposal, propose, read_proposal
from tests.apps.releases.conftest import Shop


@pytest.fixture
def main(shop: Shop) -> Shop:
    shop.source.default_branch = "main"
    return shop


def proposed(shop: Shop, sha: str = "") -> Proposal:
    shop.poll()
    shop.update()
    return propose(Component.objects.select_related("source", "project").get(pk=shop.component.pk), sha)


@pytest.mark.parametrize(
    ("messages", "version", "reason"),
    [
        (
            ["feat: a", "feat: b", "fix: c"],
            "2.16.0",
            "Minor, because of 2 features since 2.15.0. Nothing breaking.",
        ),
        (["fix: c"], "2.15.1", "Patch, because of 1 fix since 2.15.0. Nothing breaking."),
        (["feat!: a"], "3.0.0", "Major, because of 1 breaking change since 2.15.0."),
        (["docs: a"], "", "Nothing to release: 1 commit since 2.15.0, it is no feature or fix."),
        ([], "", "Nothing to release: no commit since 2.15.0."),
        (["chore: x\n\nRelease-As: 4.0.0"], "4.0.0", "A commit since 2.15.0 asks for it with Release-As."),
    ],
)
def test_it_follows_the_commits_and_says_why(
    main: Shop, messages: list[str], version: str, reason: str
) -> None:
    main.release("2.15.0")
    for message in messages:
        main.seed.commit(message=message)
    found = proposed(main)
    assert (found.current, found.version, found.reason) == ("2.15.0", version, reason)


@pytest.mark.parametrize(("below_one", "version"), [("minor", "0.5.0"), ("major", "1.0.0")])
def test_what_breaks_below_one_is_a_matter_of_policy(main: Shop, below_one: str, version: str) -> None:
    ReleasePolicy.objects.create(component=main.component, below_one=below_one)
    main.release("0.4.2")
    main.seed.commit(message="feat!: other wire")
    assert proposed(main).version == version


def test_a_pre_release_that_was_begun_goes_on_or_is_finished(main: Shop) -> None:
    main.release("2.15.0")
    main.release("2.16.0-rc.1", "feat: a")
    main.seed.commit(message="fix: b")
    found = proposed(main)
    assert (found.current, found.version, found.prerelease) == ("2.15.0", "2.16.0", "2.16.0-rc.2")


def test_a_tag_on_a_release_branch_of_its_own_counts_for_the_main_line(main: Shop) -> None:
    """The way of argo-cd: no tag stands on the main branch itself."""
    main.release("1.0.0")
    fork = main.seed.commit(message="feat: a")
    patch = main.seed.commit(message="fix: only there", branch="release-1.1", parents=(fork,))
    main.seed.tag("v1.1.0", patch)
    main.seed.commit(message="feat: b", parents=(fork,))
    found = proposed(main)
    assert (found.current, found.version, len(found.commits)) == ("1.1.0", "1.2.0", 1)


def test_a_commit_of_an_old_line_follows_the_releases_of_that_line(main: Shop) -> None:
    first = main.release("1.0.0")
    main.release("2.0.0", "feat!: b")
    fix = main.seed.commit(message="fix: old", branch="1.x", parents=(first,))
    found = proposed(main, fix)
    assert (found.current, found.version) == ("1.0.0", "1.0.1")


def test_before_the_first_tag_and_before_the_first_read(main: Shop) -> None:
    assert "not all read yet" in propose(main.component).problem
    main.seed.commit(message="feat: a")
    found = proposed(main)
    assert (found.version, found.prefix, found.reason) == ("0.1.0", "v", "The first release, of 1 commit.")


def test_of_a_folder_only_its_commits_count(main: Shop) -> None:
    ReleasePolicy.objects.create(component=main.component, paths=["cart"])
    sha = main.seed.commit({"cart/a": "1"}, "feat: a")
    main.seed.tag("v1.0.0", sha)
    main.seed.commit({"pay/a": "1"}, "feat!: not ours")
    main.seed.commit({"cart/b": "1"}, "fix: ours")
    found = proposed(main)
    assert (found.version, [commit.message.strip() for commit in found.commits]) == ("1.0.1", ["fix: ours"])


def test_a_page_reads_the_commits_only_when_something_moved(
    main: Shop, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    main.release("0.4.2")
    main.seed.commit(message="feat!: other wire")
    proposed(main)
    component = Component.objects.select_related("source", "project").get(pk=main.component.pk)
    assert read_proposal(component).version == "0.5.0"
    with django_assert_max_num_queries(5):
        assert read_proposal(component).version == "0.5.0"
    ReleasePolicy.objects.create(component=component, below_one="major")
    assert read_proposal(component).version == "1.0.0"
