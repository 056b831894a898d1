"""A mirror follows its remote through everything that happens to either."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gitopsui.adapters import mirror_files, process
from gitopsui.adapters.git import FetchResult, GitAccess, Mirror, Progress, RefChange, Repository
from gitopsui.domain.errors import GitError
from tests.adapters.git_http import File, Hub, Seed, git, serving


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(tmp_path) as served:
        yield served


@pytest.fixture
def seed(hub: Hub) -> Seed:
    return hub.create()


@pytest.fixture
def mirror(hub: Hub) -> Mirror:
    return hub.mirror()


def names(changes: tuple[RefChange, ...]) -> list[str]:
    return [change.name for change in changes]


def kept(mirror: Mirror) -> set[str]:
    return set(
        git(f"--git-dir={mirror.path}", "for-each-ref", "--format=%(objectname)", "refs/gitopsui/").split()
    )


def code_of(mirror: Mirror) -> str:
    with pytest.raises(GitError) as caught:
        mirror.fetch()
    return caught.value.code


class TestFirstFetch:
    def test_brings_branches_and_tags_and_nothing_else(self, seed: Seed, mirror: Mirror) -> None:
        sha = seed.commit({"a": "x"})
        seed.tag("v1", sha, message="first")
        for name in ("refs/pull/1/head", "refs/notes/commits", "refs/gitopsui/keep/1-x"):
            seed.point(name, sha)
        seed.git("replace", sha, seed.raw_commit(b"evil\n"))
        assert not mirror.exists()
        result = mirror.fetch()
        assert names(result.created) == ["refs/heads/main", "refs/tags/v1"]
        assert mirror.exists()
        shown = git(f"--git-dir={mirror.path}", "for-each-ref", "--format=%(refname)")
        assert shown.split() == ["refs/heads/main", "refs/tags/v1"]
        assert mirror.read(sha, "a") == b"x"

    def test_takes_over_the_default_branch(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        sha = seed.commit(branch="trunk", parents=())
        seed.git("symbolic-ref", "HEAD", "refs/heads/trunk")
        assert mirror.ls_remote().head == "refs/heads/trunk"
        mirror.fetch()
        assert mirror.resolve("HEAD") == sha

    def test_an_empty_remote_is_an_empty_mirror(self, seed: Seed, mirror: Mirror) -> None:
        assert mirror.fetch() == FetchResult()
        assert mirror.exists()
        assert mirror.refs() == []
        seed.commit()
        assert names(mirror.fetch().created) == ["refs/heads/main"]

    def test_is_readable_by_nobody_else_and_holds_no_configuration_of_the_remote(
        self, seed: Seed, mirror: Mirror
    ) -> None:
        seed.commit()
        mirror.fetch()
        assert stat.S_IMODE(mirror.path.stat().st_mode) == 0o700
        assert "remote" not in (mirror.path / "config").read_text()
        assert not (mirror.path / "hooks").exists()

    def test_reports_progress(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit({f"f{number}": str(number) for number in range(300)})
        seen: list[Progress] = []
        mirror.fetch(on_progress=seen.append)
        last = [progress for progress in seen if progress.phase == "Receiving objects"][-1]
        assert last.done == last.total == 302

    def test_a_listener_that_fails_ends_it_and_leaves_nothing(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit({f"f{number}": str(number) for number in range(300)})

        def fail(_: Progress) -> None:
            raise LookupError("enough")

        with pytest.raises(LookupError):
            mirror.fetch(on_progress=fail)
        assert [path.name for path in mirror.path.parent.iterdir()] == ["shop.lock"]

    def test_a_half_built_one_of_a_killed_process_is_thrown_away(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        half = mirror.path.with_name("shop.tmp")
        (half / "objects").mkdir(parents=True)
        (half / "HEAD").write_text("ref: refs/heads/nothing\n")
        assert not mirror.exists()
        mirror.fetch()
        assert not half.exists()
        assert mirror.resolve("HEAD")

    def test_is_measured(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit({"random": File(os.urandom(100_000))})
        mirror.fetch()
        assert 100_000 < mirror.size_bytes() < 200_000

    def test_has_a_commit_graph(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        mirror.fetch()
        assert list(mirror.path.glob("objects/info/commit-graphs/*.graph"))


class TestPoll:
    def test_an_unchanged_remote_gives_the_same_digest_and_costs_one_listing(
        self, hub: Hub, seed: Seed, mirror: Mirror
    ) -> None:
        sha = seed.commit()
        first = mirror.ls_remote()
        hub.server.requests.clear()
        assert mirror.ls_remote() == first
        assert first.refs == {"refs/heads/main": sha}
        assert hub.server.requests == ["GET /shop.git/info/refs", "POST /shop.git/git-upload-pack"]

    def test_nothing_is_fetched_where_the_listing_is_what_the_mirror_has(
        self, hub: Hub, seed: Seed, mirror: Mirror
    ) -> None:
        sha = seed.commit()
        mirror.fetch()
        hub.server.requests.clear()
        assert mirror.fetch() == FetchResult()
        assert len(hub.server.requests) == 2
        seed.point("refs/heads/trunk", sha)
        mirror.fetch()
        seed.git("symbolic-ref", "HEAD", "refs/heads/trunk")
        assert mirror.fetch() == FetchResult()
        assert git(f"--git-dir={mirror.path}", "symbolic-ref", "HEAD") == "refs/heads/trunk"

    @pytest.mark.parametrize("change", ["branch", "tag", "delete", "head"])
    def test_every_change_gives_another_digest(self, seed: Seed, mirror: Mirror, change: str) -> None:
        sha = seed.commit()
        seed.point("refs/heads/other", sha)
        before = mirror.ls_remote()
        if change == "branch":
            seed.commit()
        elif change == "tag":
            seed.tag("v1", sha)
        elif change == "delete":
            seed.delete("refs/heads/other")
        else:
            seed.git("symbolic-ref", "HEAD", "refs/heads/other")
        assert mirror.ls_remote().digest != before.digest

    def test_other_refs_and_the_inside_of_tags_are_left_out(self, seed: Seed, mirror: Mirror) -> None:
        sha = seed.commit()
        seed.tag("v1", sha, message="annotated")
        digest_before = mirror.ls_remote().digest
        seed.point("refs/pull/7/head", sha)
        remote = mirror.ls_remote()
        assert set(remote.refs) == {"refs/heads/main", "refs/tags/v1"}
        assert remote.digest == digest_before

    def test_a_default_branch_that_does_not_exist_is_none(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        seed.git("symbolic-ref", "HEAD", "refs/heads/nope")
        assert mirror.ls_remote().head is None


class TestNextFetch:
    def test_tells_what_is_new_moved_and_gone(self, seed: Seed, mirror: Mirror) -> None:
        first = seed.commit()
        seed.point("refs/heads/gone", first)
        mirror.fetch()
        second = seed.commit()
        seed.delete("refs/heads/gone")
        seed.tag("v1", second)
        assert mirror.fetch() == FetchResult(
            created=(RefChange("refs/tags/v1", None, second),),
            moved=(RefChange("refs/heads/main", first, second),),
            deleted=(RefChange("refs/heads/gone", first, None),),
        )
        assert {ref.name for ref in mirror.refs()} == {"refs/heads/main", "refs/tags/v1"}

    def test_of_nothing_new_is_empty(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        assert not mirror.fetch().is_empty
        assert mirror.fetch().is_empty

    def test_keeps_the_old_head_of_a_rewritten_branch(self, seed: Seed, mirror: Mirror) -> None:
        base = seed.commit(message="base")
        old = seed.commit({"a": "old"}, "old")
        mirror.fetch()
        new = seed.commit({"a": "new"}, "new", parents=(base,))
        change = RefChange("refs/heads/main", old, new)
        result = mirror.fetch()
        assert result.rewritten == result.moved == (change,)
        assert kept(mirror) == {old}
        assert [commit.message for commit in mirror.log(new, exclude=old)] == ["new"]

    def test_keeps_the_head_of_a_deleted_branch_and_of_a_moved_tag(self, seed: Seed, mirror: Mirror) -> None:
        base = seed.commit()
        gone = seed.commit(branch="gone", parents=(base,))
        seed.tag("v1", base, message="first")
        tag_sha = seed.git("rev-parse", "refs/tags/v1")
        mirror.fetch()
        seed.delete("refs/heads/gone")
        seed.tag("v1", seed.commit(), message="again")
        result = mirror.fetch()
        assert names(result.rewritten) == ["refs/tags/v1"]
        assert kept(mirror) == {gone, tag_sha}

    def test_a_branch_may_become_a_folder_of_branches(self, seed: Seed, mirror: Mirror) -> None:
        sha = seed.commit()
        seed.point("refs/heads/release", sha)
        mirror.fetch()
        seed.delete("refs/heads/release")
        seed.point("refs/heads/release/1.0", sha)
        result = mirror.fetch()
        assert names(result.created) == ["refs/heads/release/1.0"]
        assert names(result.deleted) == ["refs/heads/release"]

    def test_follows_a_renamed_default_branch(self, seed: Seed, mirror: Mirror) -> None:
        sha = seed.commit()
        mirror.fetch()
        seed.git("branch", "-m", "main", "trunk")
        mirror.ls_remote()
        mirror.fetch()
        assert mirror.resolve("HEAD") == sha
        seed.point("refs/heads/other", sha)
        seed.git("symbolic-ref", "HEAD", "refs/heads/other")
        mirror.ls_remote()
        mirror.fetch()
        assert git(f"--git-dir={mirror.path}", "symbolic-ref", "HEAD") == "refs/heads/other"

    def test_loses_no_old_head_when_one_is_killed_half_way(
        self, seed: Seed, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base = seed.commit()
        old = seed.commit()
        mirror.fetch()
        new = seed.commit(parents=(base,))

        def die(*_: object) -> None:
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr(mirror, "_compare", die)
            with pytest.raises(SystemExit):
                mirror.fetch()
        assert mirror.resolve("refs/heads/main") == new
        assert mirror.fetch().rewritten == (RefChange("refs/heads/main", old, new),)
        assert kept(mirror) == {old}
        assert mirror.fetch().is_empty

    def test_joins_packs_when_there_are_many(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        mirror.fetch()
        sizes = []
        for number in range(22):
            seed.commit({"a": str(number)})
            mirror.fetch()
            sizes.append(len(list(mirror.path.glob("objects/pack/*.pack"))))
        assert max(sizes) <= 20
        assert mirror.count("HEAD") == 23


class TestTidy:
    def test_forgets_kept_heads_after_thirty_days(
        self, seed: Seed, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        base = seed.commit()
        old = seed.commit()
        mirror.fetch()
        seed.commit(parents=(base,))
        mirror.fetch()
        mirror.tidy()
        assert kept(mirror) == {old}
        later = time.time() + 31 * 24 * 3600
        monkeypatch.setattr(time, "time", lambda: later)
        mirror.tidy()
        assert kept(mirror) == set()
        assert mirror.resolve("HEAD")

    def test_joins_the_packs_and_reads_as_before_with_one_graph(self, seed: Seed, mirror: Mirror) -> None:
        for number in range(4):
            seed.commit({"a": str(number)})
            mirror.fetch()
        packs, log = mirror.path / "objects/pack", mirror.log("HEAD")
        assert len(list(packs.glob("*.pack"))) > 1
        mirror.tidy()
        assert len(list(packs.glob("*.pack"))) == 1
        assert mirror.log("HEAD") == log
        assert (mirror.path / "objects/info/commit-graph").is_file()
        assert not list((mirror.path / "objects/info").glob("commit-graphs/*.graph"))
        assert b"BDAT" in (mirror.path / "objects/info/commit-graph").read_bytes()[:200]  # it knows paths
        seed.commit({"a": "more"})
        assert not mirror.fetch().is_empty
        assert mirror.count("HEAD") == 5

    def test_removes_what_a_killed_fetch_left_though_nothing_is_fetched(
        self, seed: Seed, mirror: Mirror
    ) -> None:
        seed.commit()
        mirror.fetch()
        pack = mirror.path / "objects/pack/tmp_pack_Ab12"
        for path in (pack, pack.with_name("tmp_pack_new")):
            path.write_bytes(b"half")
        os.utime(pack, (0, 0))
        mirror.tidy()
        assert not pack.exists()
        assert pack.with_name("tmp_pack_new").exists()

    def test_leaves_a_damaged_mirror_to_the_next_fetch(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        mirror.fetch()
        (mirror.path / mirror_files.DAMAGE_MARK).touch()
        mirror.tidy()
        assert not mirror.exists()

    def test_does_not_run_beside_a_fetch(
        self, seed: Seed, mirror: Mirror, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seed.commit()
        mirror.fetch()
        monkeypatch.setattr("gitopsui.adapters.git.TIDY_PATIENCE", timedelta(0))
        with mirror_files.locked(mirror.path, patience=timedelta(0)), pytest.raises(GitError) as caught:
            mirror.tidy()
        assert caught.value.code == "GIT_BUSY"


class TestLeftovers:
    """F39, F41: what killed processes leave is removed when it is old."""

    LEFTOVERS = ("refs/heads/main.lock", "packed-refs.lock", "objects/pack/tmp_pack_Ab12", "HEAD.lock")

    def leave(self, mirror: Mirror, *, age: timedelta) -> None:
        past = time.time() - age.total_seconds()
        for name in self.LEFTOVERS:
            path = mirror.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
            os.utime(path, (past, past))

    def test_old_locks_and_packs_are_removed(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        mirror.fetch()
        self.leave(mirror, age=2 * mirror.policy.total_timeout + timedelta(seconds=5))
        sha = seed.commit()
        assert names(mirror.fetch().moved) == ["refs/heads/main"]
        assert mirror.resolve("HEAD") == sha
        assert not any((mirror.path / name).exists() for name in self.LEFTOVERS)

    def test_a_fresh_lock_of_somebody_else_is_respected(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        mirror.fetch()
        (mirror.path / "refs/heads").mkdir(parents=True, exist_ok=True)
        lock = mirror.path / "refs/heads/main.lock"
        lock.touch()
        os.utime(lock, (time.time() - 10,) * 2)
        seed.commit()
        assert code_of(mirror) == "GIT_BUSY"
        assert lock.exists()


class TestDamage:
    """F43: a damaged mirror is noticed, built again beside, and put in place."""

    @staticmethod
    def damage(mirror: Mirror) -> None:
        (pack,) = mirror.path.glob("objects/pack/*.pack")
        pack.chmod(0o600)
        with pack.open("r+b") as file:
            file.seek(20)
            file.write(bytes(40))

    @pytest.fixture
    def damaged(self, seed: Seed, mirror: Mirror) -> Mirror:
        seed.commit({"a": File(os.urandom(2000)), "b": "x"}, "only " + "long " * 50)
        mirror.fetch()
        self.damage(mirror)
        return mirror

    def test_is_noticed_by_a_read_and_healed_by_the_next_fetch(self, seed: Seed, damaged: Mirror) -> None:
        with pytest.raises(GitError, match="damaged") as caught:
            damaged.log("refs/heads/main")
        assert caught.value.code == "GIT_DAMAGED"
        assert not caught.value.permanent
        assert not damaged.exists()
        assert damaged.fetch() == FetchResult(is_rebuilt=True)
        assert damaged.exists()
        assert damaged.log("refs/heads/main")[0].message.startswith("only")

    def test_is_noticed_and_healed_by_a_fetch(self, seed: Seed, damaged: Mirror) -> None:
        new = seed.commit({"c": "y"})
        result = damaged.fetch()
        if not result.is_rebuilt:
            # Git did not need the damaged object; a read does.
            with pytest.raises(GitError):
                damaged.log(new)
            result = damaged.fetch()
        assert result.is_rebuilt
        assert len(damaged.log(new)) == 2

    def test_stays_in_its_place_while_the_remote_is_away(self, hub: Hub, damaged: Mirror) -> None:
        with pytest.raises(GitError):
            damaged.log("refs/heads/main")
        hub.server.stop()
        assert code_of(damaged) == "GIT_UNREACHABLE"
        assert Repository(damaged.path).exists()

    def test_an_emptied_folder_is_built_again(self, seed: Seed, mirror: Mirror) -> None:
        seed.commit()
        mirror.fetch()
        (mirror.path / "HEAD").unlink()
        assert not mirror.exists()
        assert mirror.fetch().is_rebuilt


class TestLimits:
    def test_a_repository_over_the_limit_is_refused_and_leaves_nothing(self, hub: Hub, seed: Seed) -> None:
        seed.commit({"big": File(os.urandom(3 << 20))})
        mirror = hub.mirror(max_bytes=1 << 20)
        with pytest.raises(GitError, match="larger than the 1 MiB") as caught:
            mirror.fetch()
        assert caught.value.code == "GIT_TOO_LARGE"
        assert caught.value.permanent
        assert not mirror.exists()
        assert [path.name for path in mirror.path.parent.iterdir()] == ["shop.lock"]

    def test_a_fetch_that_grows_over_the_limit_is_ended_while_it_runs(
        self, hub: Hub, seed: Seed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seed.commit({"big": File(os.urandom(16 << 20))})
        mirror = hub.mirror(max_bytes=1 << 20)
        largest = 0
        measure = mirror_files.measure

        def note(path: Path) -> int:
            nonlocal largest
            largest = max(largest, measure(path))
            return measure(path)

        monkeypatch.setattr(mirror_files, "measure", note)
        monkeypatch.setattr(process, "TICK_SECONDS", 0.01)
        assert code_of(mirror) == "GIT_TOO_LARGE"
        assert 1 << 20 < largest < 16 << 20

    def test_without_free_space_nothing_is_fetched(self, hub: Hub, seed: Seed) -> None:
        seed.commit()
        mirror = hub.mirror(min_free_bytes=1 << 62)
        assert code_of(mirror) == "GIT_NO_SPACE"
        assert not mirror.exists()

    def test_a_disk_that_fills_up_leaves_the_mirror_as_it_was(
        self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """F40, with a Git that runs out of space in the middle of a pack."""
        seed, mirror = hub.create(), hub.mirror()
        first = seed.commit({"a": "x"})
        mirror.fetch()
        seed.commit({"big": File(os.urandom(12 << 20))})
        with monkeypatch.context() as patched:
            full_disk(patched, mirror, tmp_path)
            assert code_of(mirror) == "GIT_NO_SPACE"
        self.check_that_it_goes_on(seed, mirror, first)

    @pytest.mark.skipif("GITOPSUI_TEST_MOUNT" not in os.environ, reason="GITOPSUI_TEST_MOUNT is not set")
    def test_a_real_disk_that_fills_up_leaves_the_mirror_as_it_was(self, hub: Hub, tmp_path: Path) -> None:
        """F40, on a disk of 8 MB; making one takes the rights of an administrator."""
        disk = tmp_path / "mirrors"
        disk.mkdir()
        env = {"PATH": os.environ.get("PATH", os.defpath)}
        mount = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(disk)]
        assert process.run(mount, env=env, timeout=timedelta(seconds=10), max_output=1000).returncode == 0
        try:
            seed, mirror = hub.create(), hub.mirror()
            first = seed.commit({"a": "x"})
            mirror.fetch()
            seed.commit({"big": File(os.urandom(12 << 20))})
            assert code_of(mirror) == "GIT_NO_SPACE"
            self.check_that_it_goes_on(seed, mirror, first)
        finally:
            process.run(["umount", str(disk)], env=env, timeout=timedelta(seconds=10), max_output=1000)

    def check_that_it_goes_on(self, seed: Seed, mirror: Mirror, first: str) -> None:
        assert mirror.resolve("HEAD") == first
        assert not list(mirror.path.glob("objects/pack/tmp_*"))
        seed.commit({"big": None}, parents=(first,))
        assert names(mirror.fetch().moved) == ["refs/heads/main"]

    def test_a_remote_that_says_nothing_is_given_up(self, seed: Seed, tmp_path: Path) -> None:
        seed.commit()
        with serving(tmp_path, latency=timedelta(seconds=2)) as slow:
            mirror = slow.mirror(total_timeout=timedelta(seconds=1))
            with pytest.raises(GitError) as caught:
                mirror.ls_remote()
        assert caught.value.code == "GIT_TIMEOUT"

    def test_a_remote_that_is_away_leaves_the_mirror_as_it_was(
        self, hub: Hub, seed: Seed, mirror: Mirror
    ) -> None:
        sha = seed.commit()
        mirror.fetch()
        hub.server.stop()
        assert code_of(hub.mirror()) == "GIT_UNREACHABLE"
        assert mirror.resolve("HEAD") == sha

    def test_a_repository_that_is_not_there_is_named(self, hub: Hub) -> None:
        mirror = hub.mirror("nothing")
        with pytest.raises(GitError, match="no repository at this address") as caught:
            mirror.ls_remote()
        assert (caught.value.code, caught.value.permanent) == ("GIT_NOT_FOUND", True)


FULL_DISK = """#!/bin/sh
case " $* " in
*" fetch "*)
  head -c 100000 /dev/zero > "{mirror}/objects/pack/tmp_pack_Ab12"
  echo "fatal: write error: No space left on device" >&2
  echo "fatal: fetch-pack: invalid index-pack output" >&2
  exit 128 ;;
esac
exec "{git}" "$@"
"""


def full_disk(monkeypatch: pytest.MonkeyPatch, mirror: Mirror, folder: Path) -> None:
    """A stand-in for Git that does to a fetch what a full disk does, and leaves the half pack it leaves."""
    program = folder / "full/git"
    program.parent.mkdir()
    program.write_text(FULL_DISK.format(mirror=mirror.path, git=shutil.which("git")))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


class TestTogether:
    def test_two_fetches_at_once_end_with_one_good_mirror(self, hub: Hub, seed: Seed) -> None:
        sha = seed.commit({f"f{number}": str(number) for number in range(50)})
        results: list[FetchResult] = []
        threads = [threading.Thread(target=lambda: results.append(hub.mirror().fetch())) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(len(result.created) for result in results) == [0, 0, 0, 1]
        assert hub.mirror().resolve("HEAD") == sha

    def test_a_fetch_waits_no_longer_than_its_time_for_another(
        self, hub: Hub, seed: Seed, mirror: Mirror
    ) -> None:
        seed.commit()
        hub.mirror().ls_remote()
        hasty = hub.mirror(total_timeout=timedelta(seconds=1))
        with mirror_files.locked(mirror.path, patience=timedelta(0)):
            assert code_of(hasty) == "GIT_BUSY"

    def test_reading_goes_on_while_a_fetch_runs(self, hub: Hub, seed: Seed, mirror: Mirror) -> None:
        sha = seed.commit()
        mirror.fetch()
        with mirror_files.locked(mirror.path, patience=timedelta(0)):
            assert hub.mirror().log("HEAD")[0].sha == sha


class TestAccess:
    PASSWORD = "CANARY-git-password"

    @pytest.fixture
    def closed(self, tmp_path: Path) -> Iterator[Hub]:
        with serving(tmp_path, users={"robot": self.PASSWORD}) as served:
            served.create().commit({"a": "x"})
            yield served

    def test_a_user_name_and_password_open_the_remote(self, closed: Hub) -> None:
        mirror = closed.mirror(access=GitAccess("robot", self.PASSWORD))
        mirror.fetch()
        assert mirror.read(mirror.resolve("HEAD"), "a") == b"x"
        stored = b"".join(path.read_bytes() for path in mirror.path.rglob("*") if path.is_file())
        assert self.PASSWORD.encode() not in stored

    @pytest.mark.parametrize("access", [None, GitAccess("robot", "wrong"), GitAccess(password="token")])
    def test_without_the_right_one_the_error_is_plain_and_permanent(
        self, closed: Hub, access: GitAccess | None
    ) -> None:
        with pytest.raises(GitError, match="refuses the credential, or asks for one") as caught:
            closed.mirror(access=access).ls_remote()
        assert (caught.value.code, caught.value.permanent) == ("GIT_AUTH", True)

    def test_the_password_is_in_no_argument_and_no_environment(
        self, closed: Hub, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[str] = []
        run = process.run

        def spy(argv: list[str], **options: object) -> process.Result:
            seen.append(f"{argv} {options}")
            return run(argv, **options)  # type: ignore[arg-type]

        monkeypatch.setattr(process, "run", spy)
        mirror = closed.mirror(access=GitAccess("robot", self.PASSWORD))
        mirror.fetch()
        assert seen
        assert not [call for call in seen if self.PASSWORD in call]
        assert self.PASSWORD not in repr(mirror._remote.access)

    def test_no_file_with_it_stays_behind(self, closed: Hub, memory: Path) -> None:
        closed.mirror(access=GitAccess("robot", self.PASSWORD)).fetch()
        with pytest.raises(GitError):
            closed.mirror(access=GitAccess("robot", "wrong")).fetch()
        assert not [*memory.iterdir()]


class TestRules:
    def test_an_address_is_checked_at_each_use(self, tmp_path: Path) -> None:
        for url, code in (
            ("file:///etc", "URL_SCHEME"),
            ("https://127.0.0.1/x", "URL_ADDRESS"),
            ("ext::sh -c id", "URL_SCHEME"),
            ("http://git.example.org/x", "URL_SCHEME"),
        ):
            with pytest.raises(GitError) as caught:
                Mirror(tmp_path / "m", url).ls_remote()
            assert (caught.value.code, caught.value.permanent) == (code, True)

    def test_configuration_and_environment_of_the_machine_have_no_say(
        self, hub: Hub, seed: Seed, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        seed.commit()
        marker = tmp_path / "pwned"
        (tmp_path / ".gitconfig").write_text(
            f"[core]\n sshCommand = touch {marker}\n[alias]\n fetch = !touch\n"
        )
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / ".gitconfig"))
        monkeypatch.setenv("GIT_ASKPASS", f"touch {marker}")
        monkeypatch.setenv("GIT_DIR", "/nonexistent")
        monkeypatch.setenv("GIT_NAMESPACE", "elsewhere")
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
        mirror.fetch()
        assert mirror.resolve("refs/heads/main")
        assert not marker.exists()


def test_git_that_is_not_there_is_named(
    hub: Hub, seed: Seed, mirror: Mirror, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    seed.commit()
    mirror.ls_remote()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert code_of(mirror) == "GIT_NOT_INSTALLED"
