"""Each commit is stored once, whatever happens to the job or to the history."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from apps.core.jobs import job_of
from apps.repositories import services
from apps.repositories.models import COMMITS, PATCHES, CommitGraph, StoredCommit
from apps.repositories.selectors.commits import graph_of, has_whole_history
from apps.repositories.services import commits as storing
from gitopsui.adapters.git_history import History
from gitopsui.domain.errors import GitError
from tests.accounts import make_person
from tests.adapters.git_http import Seed, git
from tests.apps.repositories.conftest import Stored


class TestRows:
    def test_a_row_says_what_git_says(self, stored: Stored) -> None:
        sha = stored.seed.commit(
            message="fix(till): open again (#12)\n\nBody.", author="Ada <ada@example.org>"
        )
        assert stored.store() == 1
        row = stored.row.commits.get()
        assert (row.sha, row.parents, row.is_merge, row.pull_request) == (sha, "", False, 12)
        assert (row.author_name, row.author_email) == ("Ada", "ada@example.org")
        assert (row.committer_name, row.committer_email) == ("Ada", "ada@example.org")
        assert (row.subject, row.is_cut) == ("fix(till): open again (#12)", False)
        assert "Body." in row.message
        assert row.committed_at == stored.seed.clock
        assert (row.patch_id, row.signature) == ("", "")

    def test_a_merge_has_its_parents_in_order_and_no_patch(self, stored: Stored) -> None:
        base = stored.seed.commit()
        side = stored.seed.commit(branch="side", parents=[base])
        main = stored.seed.commit()
        merge = stored.seed.commit(parents=[main, side])
        stored.store()
        row = stored.row.commits.get(sha=merge)
        assert (row.parents, row.is_merge) == (f"{main} {side}", True)
        assert row.patch_id == StoredCommit.NO_PATCH

    def test_what_cannot_be_stored_as_it_is_is_stored_as_far_as_it_can(self, stored: Stored) -> None:
        stored.seed.commit(message="first")
        stored.seed.commit(
            message="\udcff\x1b[31m \u202e" + "long " * 40_000, author=f"{'N' * 900} <{'e' * 900}>"
        )
        stored.seed.point("refs/heads/odd", stored.seed.raw_commit(b"", who=b"X <> 99999999999999 +0000"))
        assert stored.store() == 3
        assert [row.is_cut for row in stored.row.commits.order_by("pk")].count(True) == 1
        assert stored.row.commits.get(author_name="X").committed_at is None

    def test_a_token_in_a_message_is_masked(self, stored: Stored) -> None:
        stored.seed.commit(message="fix: use https://ada:CANARY-token@git.example.org/x\n\npassword=CANARY")
        stored.store()
        row = stored.row.commits.get()
        assert "CANARY" not in row.message + row.subject


class TestRepeating:
    def test_a_second_run_adds_what_is_new(self, stored: Stored) -> None:
        first = stored.seed.commit()
        assert stored.store() == 1
        assert stored.store() == 0
        second = stored.seed.commit()
        assert stored.store() == 1
        assert stored.shas() == {first, second}
        assert len(graph_of(stored.row)) == 2

    def test_a_run_that_is_killed_goes_on_where_it_stopped(
        self, stored: Stored, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(storing, "PORTION", 4)
        made = [stored.seed.commit() for _ in range(10)]

        def die(done: int, *_: Any) -> None:
            if done == 8:
                raise KeyboardInterrupt

        stored.row.refs_digest = "now"
        stored.row.save()
        with pytest.raises(KeyboardInterrupt):
            services.store_commits(stored.row, git=stored.git, report=die)
        assert stored.shas() == set(made[:8])
        assert not has_whole_history(stored.row)
        assert services.store_commits(stored.row, git=stored.git) == 6
        assert stored.row.commits.count() == len(graph_of(stored.row)) == 10
        assert stored.shas() == set(made)
        assert has_whole_history(stored.row)

    def test_rows_that_are_there_without_a_graph_do_no_harm(self, stored: Stored) -> None:
        made = {stored.seed.commit(), stored.seed.commit()}
        stored.store()
        CommitGraph.objects.all().delete()
        assert stored.store() == 2
        assert stored.row.commits.count() == 2
        assert stored.shas() == made

    def test_a_mirror_that_was_built_again_brings_only_what_is_new(
        self, stored: Stored, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The heads that were known are not in it, so Git tells the whole history once more."""
        monkeypatch.setattr(storing, "PORTION", 2)
        made = [stored.seed.commit() for _ in range(7)]
        stored.store()
        lost = stored.seed.commit()
        stored.store()
        again = Seed.create(stored.seed.path.with_name("again.git"))
        stored.seed.point("refs/heads/main", made[-1])
        stored.seed.git("push", "--quiet", str(again.path), "refs/heads/main")
        again.clock = stored.seed.clock
        new = again.commit(message="after")
        stored.seed = again
        assert stored.store() == 1
        assert stored.shas() == {*made, new}
        assert lost not in graph_of(stored.row)

    def test_rows_that_are_missing_are_noticed_and_stored_again(self, stored: Stored) -> None:
        made = {stored.seed.commit() for _ in range(3)}
        stored.store()
        stored.row.commits.order_by("pk").last().delete()  # type: ignore[union-attr]
        stored.store()
        assert not has_whole_history(stored.row)
        stored.store()
        assert stored.shas() == made
        assert has_whole_history(stored.row)

    def test_a_graph_of_another_version_is_built_again_from_the_rows(self, stored: Stored) -> None:
        stored.seed.commit()
        stored.store()
        CommitGraph.objects.update(blob=b"GRAPH\x07", digest="other")
        assert len(graph_of(stored.row)) == 0
        stored.seed.commit()
        assert stored.store() == 1
        assert len(graph_of(stored.row)) == 2

    def test_an_empty_repository_is_whole(self, stored: Stored) -> None:
        assert stored.store() == 0
        assert has_whole_history(stored.row)


class TestRewriting:
    def test_a_branch_that_is_forced_keeps_its_commits_as_long_as_its_head_is_kept(
        self, stored: Stored
    ) -> None:
        base = stored.seed.commit()
        old = stored.seed.commit(message="old")
        stored.store()
        stored.seed.point(f"refs/gitopsui/keep/1-{old}", old)
        new = stored.seed.commit(message="new", parents=[base])
        stored.store()
        assert stored.shas() == {base, old, new}
        stored.seed.delete(f"refs/gitopsui/keep/1-{old}")
        stored.store()
        assert stored.shas() == {base, new}
        graph = graph_of(stored.row)
        assert old not in graph
        assert graph.is_ancestor(graph.index(base), graph.index(new))

    def test_a_shallow_clone_is_said_and_nothing_is_stored(self, stored: Stored) -> None:
        stored.seed.commit()
        stored.seed.commit()
        shallow = stored.seed.path.with_name("shallow.git")
        git("clone", "--quiet", "--bare", "--depth=1", f"file://{stored.seed.path}", str(shallow))
        with pytest.raises(GitError, match="shallow"):
            services.store_commits(stored.row, git=History(shallow))
        assert stored.shas() == set()


class TestJobs:
    def test_commits_are_stored_when_the_refs_are_others(self, stored: Stored) -> None:
        stored.seed.commit()
        stored.store()
        services.watch_commits(stored.row)
        assert job_of(COMMITS, stored.row.pk) is None
        stored.row.refs_digest = "others"
        services.watch_commits(stored.row)
        job = job_of(COMMITS, stored.row.pk)
        assert job is not None
        assert job.due_at is not None

    def test_what_is_slow_to_read_is_left_for_later(self, stored: Stored) -> None:
        stored.seed.commit()
        stored.store()
        assert job_of(PATCHES, stored.row.pk) is not None

    def test_a_repository_that_is_removed_takes_its_jobs_and_history_along(self, stored: Stored) -> None:
        stored.seed.commit()
        stored.store()
        services.remove_repository(stored.row, by=make_person("admin", None))
        assert job_of(PATCHES, stored.row.pk) is None
        assert not StoredCommit.objects.exists()


class TestPatches:
    def test_are_read_in_portions_until_none_is_left(
        self, stored: Stored, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("apps.repositories.services.patches.PORTION", 2)
        base = stored.seed.commit({"a": "1"})
        empty = stored.seed.commit({})
        stored.seed.commit({"a": "2"})
        stored.store()
        at_once = timedelta(seconds=-1)
        assert services.read_patches(stored.row, git=stored.git, run_for=at_once)
        assert stored.row.commits.exclude(patch_id="").count() == 2
        assert not services.read_patches(stored.row, git=stored.git, run_for=at_once)
        assert stored.row.commits.get(sha=empty).patch_id == StoredCommit.NO_PATCH
        assert len(stored.row.commits.get(sha=base).patch_id) == 40
        assert set(stored.row.commits.values_list("signature", flat=True)) == {"unsigned"}

    def test_nothing_unread_is_nothing_to_do(self, stored: Stored) -> None:
        assert not services.read_patches(stored.row, git=stored.git)
