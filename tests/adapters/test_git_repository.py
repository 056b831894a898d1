"""Reading a repository: what is listed, found, counted and written out."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gitopsui.adapters.git import EntryKind, LeftOut, RefKind, Repository
from gitopsui.domain.errors import GitError
from tests.adapters.git_http import LONG_AGO, File, Seed, link


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    return Seed.create(tmp_path / "shop.git")


@pytest.fixture
def repository(seed: Seed) -> Repository:
    return seed.as_repository()


def code_of(error: pytest.ExceptionInfo[GitError]) -> str:
    return error.value.code


class TestRefs:
    def test_lists_branches_and_tags_with_the_commits_behind_them(
        self, seed: Seed, repository: Repository
    ) -> None:
        sha = seed.commit()
        seed.tag("v1", sha)
        seed.tag("v2", sha, message="second")
        seed.point("refs/pull/1/head", sha)
        branch, light, annotated = repository.refs()
        assert (branch.name, branch.short, branch.kind) == ("refs/heads/main", "main", RefKind.BRANCH)
        assert branch.sha == branch.commit_sha == sha
        assert branch.date == LONG_AGO + timedelta(minutes=1)
        assert (light.short, light.kind, light.commit_sha, light.is_annotated) == (
            "v1",
            RefKind.TAG,
            sha,
            False,
        )
        assert (annotated.short, annotated.commit_sha, annotated.is_annotated) == ("v2", sha, True)
        assert annotated.sha != sha

    def test_follows_tags_of_tags(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit()
        seed.tag("inner", sha, message="a")
        seed.tag("middle", "inner", message="b")
        seed.tag("outer", "middle", message="c")
        assert {ref.commit_sha for ref in repository.refs()} == {sha}

    def test_a_tag_of_a_tree_or_file_has_no_commit(self, seed: Seed, repository: Repository) -> None:
        seed.commit({"a": "x"})
        seed.tag("tree", "main^{tree}")
        seed.tag("annotated-tree", "main^{tree}", message="a tree")
        seed.tag("file", "main:a")
        seed.tag("nested-file", "annotated-tree", message="nested")
        tags = [ref for ref in repository.refs() if ref.kind is RefKind.TAG]
        assert len(tags) == 4
        assert all(ref.commit_sha is None for ref in tags)

    def test_a_branch_and_a_tag_of_one_name_are_two(self, seed: Seed, repository: Repository) -> None:
        old, new = seed.commit(), seed.commit()
        seed.point("refs/heads/v1", new)
        seed.point("refs/tags/v1", old)
        assert repository.resolve("refs/heads/v1") == new
        assert repository.resolve("refs/tags/v1") == old

    def test_an_empty_repository_has_none(self, repository: Repository) -> None:
        assert repository.refs() == []


class TestResolve:
    def test_finds_full_names_and_ids(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit()
        seed.tag("v1", sha, message="first")
        for revision in ("refs/heads/main", "refs/tags/v1", "HEAD", sha, sha[:8], sha.upper()):
            assert repository.resolve(revision) == sha

    @pytest.mark.parametrize(
        "revision",
        [
            *("main", "refs/heads/none", "a" * 40, "abcdef0", "", "-x", "--all", "@", "@{-1}", ":/Change"),
            *("HEAD~1", "refs/heads/main~1", "refs/heads/main:a", "refs/heads/main^{tree}"),
            "refs/heads/x\n--all",
        ],
    )
    def test_knows_no_short_or_calculated_names(
        self, seed: Seed, repository: Repository, revision: str
    ) -> None:
        seed.commit({"a": "x"})
        seed.commit()
        with pytest.raises(GitError) as caught:
            repository.resolve(revision)
        assert code_of(caught) == "GIT_REF_MISSING"

    def test_a_folder_that_holds_no_repository_has_no_refs(self, tmp_path: Path) -> None:
        repository = Repository(tmp_path / "nothing")
        assert not repository.exists()
        with pytest.raises(GitError, match="not been fetched") as caught:
            repository.refs()
        assert code_of(caught) == "GIT_REF_MISSING"


class TestLog:
    def test_reads_every_field(self, seed: Seed, repository: Repository) -> None:
        first = seed.commit(message="Begin")
        sha = seed.commit(message="fix(cart): count\n\nBody.\n", author="Zoë Ω <zoe@example.org>")
        commit, _ = repository.log("refs/heads/main")
        assert commit.sha == sha
        assert commit.parents == (first,)
        assert (commit.author_name, commit.author_email) == ("Zoë Ω", "zoe@example.org")
        assert commit.message == "fix(cart): count\n\nBody.\n"
        assert commit.authored_at == commit.committed_at == datetime(2026, 1, 1, 0, 2, tzinfo=UTC)

    def test_lists_what_one_side_has_and_the_other_has_not(self, seed: Seed, repository: Repository) -> None:
        base = seed.commit(message="base")
        seed.commit(message="one")
        tip = seed.commit(message="two")
        assert [commit.message for commit in repository.log(tip, exclude=base)] == ["two", "one"]
        assert repository.log(base, exclude=tip) == []
        assert repository.count(tip, exclude=base) == 2

    def test_keeps_to_paths_read_as_they_are(self, seed: Seed, repository: Repository) -> None:
        seed.commit({"apps/a.yaml": "1", "b.yaml": "1"}, "both")
        seed.commit({"apps/a.yaml": "2"}, "a")
        seed.commit({"*.yaml": "1"}, "star")
        seed.commit({"--all": "1"}, "option")
        messages = {
            path: [commit.message for commit in repository.log("HEAD", paths=[path])]
            for path in ("apps", "b.yaml", "*.yaml", "--all", ":(glob)**")
        }
        assert messages == {
            "apps": ["a", "both"],
            "b.yaml": ["both"],
            "*.yaml": ["star"],
            "--all": ["option"],
            ":(glob)**": [],
        }

    def test_leaves_out_merges_and_side_branches_on_demand(self, seed: Seed, repository: Repository) -> None:
        base = seed.commit(message="base")
        side = seed.commit(message="side", branch="side", parents=(base,))
        trunk = seed.commit(message="trunk")
        seed.commit(message="merge", parents=(trunk, side))

        def messages(*, first_parent: bool = False, no_merges: bool = False) -> list[str]:
            commits = repository.log("HEAD", first_parent=first_parent, no_merges=no_merges)
            return [commit.message for commit in commits]

        assert sorted(messages()) == ["base", "merge", "side", "trunk"]
        assert messages(first_parent=True) == ["merge", "trunk", "base"]
        assert sorted(messages(no_merges=True)) == ["base", "side", "trunk"]
        assert repository.count("HEAD") == 3
        assert repository.count("HEAD", no_merges=False) == 4

    def test_orders_by_history_and_not_by_date(self, seed: Seed, repository: Repository) -> None:
        seed.clock = datetime(2099, 1, 1, tzinfo=UTC)
        seed.commit(message="from the future")
        seed.clock = LONG_AGO
        seed.commit(message="newest")
        assert [commit.message for commit in repository.log("HEAD")] == ["newest", "from the future"]
        assert repository.log("HEAD", limit=1)[0].message == "newest"

    @pytest.mark.parametrize(
        "stamp",
        [
            b"99999999999999 +0000",
            b"-1 +0000",
            b"253402300800 +0000",
            b"x +0000",
            b"18446744073709551615 +0000",
        ],
    )
    def test_what_is_no_date_is_none(self, seed: Seed, repository: Repository, stamp: bytes) -> None:
        seed.commit()
        sha = seed.raw_commit(who=b"Dev <d@e> " + stamp)
        commit = repository.log(sha)[0]
        assert commit.committed_at is None
        assert commit.authored_at is None

    def test_text_is_decoded_whatever_it_holds(self, seed: Seed, repository: Repository) -> None:
        seed.commit()
        sha = seed.raw_commit(b"caf\xe9 \x1b[31m\x1e\x1f %x00 %H\n", who=b"\xff\xfe <d\xe9> 1 +0000")
        commit = repository.log(sha)[0]
        assert commit.message == "caf� \x1b[31m\x1e\x1f %x00 %H\n"
        assert commit.author_name == "��"

    def test_a_message_ends_at_a_nul(self, seed: Seed, repository: Repository) -> None:
        seed.commit(message="first")
        sha = seed.raw_commit(b"before\0after\n")
        assert [commit.message for commit in repository.log(sha)] == ["before"]

    def test_a_message_may_be_empty(self, seed: Seed, repository: Repository) -> None:
        seed.commit(message="first")
        seed.commit(message="")
        seed.commit(message="third")
        assert [commit.message for commit in repository.log("HEAD")] == ["third", "", "first"]

    def test_a_huge_message_is_cut(self, seed: Seed, repository: Repository) -> None:
        seed.commit(message="x" * 200_000)
        assert len(repository.log("HEAD")[0].message) == 1 << 16

    def test_replaced_commits_are_read_as_they_were(self, seed: Seed, repository: Repository) -> None:
        good = seed.commit({"image": "v1"}, "good")
        evil = seed.commit({"image": "v9"}, "evil", branch="evil", parents=())
        seed.git("replace", good, evil)
        assert repository.log(good)[0].message == "good"
        assert repository.read(good, "image") == b"v1"

    def test_an_unknown_commit_is_missing(self, seed: Seed, repository: Repository) -> None:
        seed.commit()
        for call in (repository.log, repository.count, repository.tree):
            with pytest.raises(GitError) as caught:
                call("b" * 40)
            assert code_of(caught) == "GIT_REF_MISSING"

    def test_knows_what_is_in_a_history(self, seed: Seed, repository: Repository) -> None:
        old, new = seed.commit(), seed.commit()
        assert repository.is_ancestor(old, new)
        assert repository.is_ancestor(old, old)
        assert not repository.is_ancestor(new, old)
        with pytest.raises(GitError):
            repository.is_ancestor("b" * 40, new)


class TestTree:
    FILES: Mapping[str, str | File | None] = {
        "apps/shop/deploy.yaml": "a",
        "apps/shop/run.sh": File(b"#!", "100755"),
        "apps/link": link("shop"),
        "apps-old/x": "old",
        "sub": File(b"1" * 40, "160000"),
    }

    def test_lists_files_links_and_submodules(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit(self.FILES)
        listed = {(entry.path, entry.kind, entry.size) for entry in repository.tree(sha)}
        assert listed == {
            ("apps-old/x", EntryKind.FILE, 3),
            ("apps/link", EntryKind.SYMLINK, 4),
            ("apps/shop/deploy.yaml", EntryKind.FILE, 1),
            ("apps/shop/run.sh", EntryKind.EXECUTABLE, 2),
            ("sub", EntryKind.SUBMODULE, None),
        }

    def test_lists_one_folder(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit(self.FILES)
        assert [entry.path for entry in repository.tree(sha, "apps/shop")] == [
            "apps/shop/deploy.yaml",
            "apps/shop/run.sh",
        ]
        assert repository.tree(sha, "nowhere") == []

    def test_lists_one_level(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit(self.FILES)
        assert [(entry.path, entry.kind) for entry in repository.tree(sha, "apps", recursive=False)] == [
            ("apps/link", EntryKind.SYMLINK),
            ("apps/shop", EntryKind.FOLDER),
        ]
        assert len(repository.tree(sha, recursive=False)) == 3

    def test_paths_are_text_and_never_options_or_patterns(self, seed: Seed, repository: Repository) -> None:
        names = ["--output=x", "-r", "*.yaml", ":(glob)x", "new\nline", "tab\t", 'quote"', " lead", "é"]
        sha = seed.commit({name: name for name in names})
        assert sorted(entry.path for entry in repository.tree(sha)) == sorted(names)
        for name in names:
            assert [entry.path for entry in repository.tree(sha, name)] == [name]
            assert repository.read(sha, name) == name.encode()

    def test_reads_a_regular_file_only(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit({**self.FILES, "CHANGELOG.md": link("/etc/passwd")})
        assert repository.read(sha, "apps/shop/run.sh") == b"#!"
        for path in ("CHANGELOG.md", "apps/link", "apps", "sub", "nowhere", "apps/", "", "../x"):
            with pytest.raises(GitError) as caught:
                repository.read(sha, path)
            assert code_of(caught) == "GIT_PATH_MISSING", path

    def test_a_file_over_the_limit_is_not_read(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit({"big": "x" * 5000})
        with pytest.raises(GitError) as caught:
            repository.read(sha, "big", max_bytes=1000)
        assert code_of(caught) == "GIT_TOO_LARGE"


class TestBlobs:
    def test_gives_contents_by_id(self, seed: Seed, repository: Repository) -> None:
        contents = [b"", b"one\n", b"\0\xff\n\n", b"x" * 100_000]
        sha = seed.commit({f"f{number}": File(content) for number, content in enumerate(contents)})
        shas = [entry.sha for entry in repository.tree(sha)]
        blobs = repository.blobs([*shas, *shas], max_bytes=200_000)
        assert [blobs[sha] for sha in shas] == contents

    def test_nothing_asked_is_nothing_read(self, repository: Repository) -> None:
        assert repository.blobs([], max_bytes=0) == {}

    def test_all_together_must_fit(self, seed: Seed, repository: Repository) -> None:
        sha = seed.commit({"a": "x" * 3000, "b": "y" * 3000})
        with pytest.raises(GitError) as caught:
            repository.blobs([entry.sha for entry in repository.tree(sha)], max_bytes=4000)
        assert code_of(caught) == "GIT_TOO_LARGE"

    @pytest.mark.parametrize("sha", ["b" * 40, "HEAD", "HEAD:a", "", "a" * 40 + "\n" + "b" * 40])
    def test_what_is_no_file_content_is_missing(self, seed: Seed, repository: Repository, sha: str) -> None:
        seed.commit({"a": "x"})
        with pytest.raises(GitError) as caught:
            repository.blobs([sha], max_bytes=1000)
        assert code_of(caught) == "GIT_REF_MISSING"

    def test_a_commit_is_no_file_content(self, seed: Seed, repository: Repository) -> None:
        with pytest.raises(GitError) as caught:
            repository.blobs([seed.commit()], max_bytes=1000)
        assert code_of(caught) == "GIT_REF_MISSING"


class TestExport:
    def test_writes_the_files_below_the_prefixes(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        sha = seed.commit({"a/x.yaml": "1", "a/b/run": File(b"2", "100755"), "ab/y": "3", "z": "4"})
        out = tmp_path / "out"
        assert repository.export(sha, ["a", "z"], out) == ()
        written = {str(path.relative_to(out)): path.read_text() for path in out.rglob("*") if path.is_file()}
        assert written == {"a/x.yaml": "1", "a/b/run": "2", "z": "4"}
        assert os.access(out / "a/b/run", os.X_OK)
        assert stat.S_IMODE((out / "a/x.yaml").stat().st_mode) == 0o600

    def test_everything_lies_below_the_empty_prefix(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        sha = seed.commit({"a/x": "1", "y": "2"})
        repository.export(sha, [""], tmp_path / "out")
        assert (tmp_path / "out/a/x").read_text() == "1"
        assert (tmp_path / "out/y").read_text() == "2"

    def test_writes_links_that_stay_inside(self, seed: Seed, repository: Repository, tmp_path: Path) -> None:
        sha = seed.commit(
            {
                "base/deploy.yaml": "x",
                "base/copy.yaml": link("deploy.yaml"),
                "prod/deploy.yaml": link("../base/copy.yaml"),
                "prod/base": link("../base"),
                "prod/through.yaml": link("base/../base/deploy.yaml"),
            }
        )
        out = tmp_path / "out"
        assert repository.export(sha, [""], out) == ()
        for path in ("base/copy.yaml", "prod/deploy.yaml", "prod/base/deploy.yaml", "prod/through.yaml"):
            assert (out / path).read_text() == "x"
            assert (out / path).resolve().is_relative_to(out.resolve())

    def test_leaves_out_what_could_lead_outside(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        links = {
            "passwd": "/etc/passwd",
            "up": "../../../../etc/passwd",
            "environ": "/proc/self/environ",
            "root": "/",
            "loop-a": "loop-b",
            "loop-b": "loop-a",
            "dangling": "nowhere",
            "here": ".",
            "deep/parent": "..",
            "hop": "deep/../../x",
            "other": "../outside/secret",
            "empty-step": "other",
        }
        files = {f"app/{path}": link(target) for path, target in links.items()}
        sha = seed.commit({**files, "app/deploy.yaml": "x", "app/deep/y": "y", "outside/secret": "s"})
        left_out = repository.export(sha, ["app"], tmp_path / "out")
        assert {item.path for item in left_out} == set(files)
        assert not [path for path in (tmp_path / "out").rglob("*") if path.is_symlink()]

    def test_leaves_out_submodules_and_names_no_file_can_have(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        seed.commit({"x": "y"})
        blob = seed.git("rev-parse", "HEAD:x")
        raw = bytes.fromhex(blob)
        names = [b"bad\xff.yaml", b"ok.yaml"]
        tree = seed.raw("tree", b"".join(b"100644 " + name + b"\0" + raw for name in names))
        sha = seed.raw_commit(tree=tree)
        left_out = repository.export(sha, [""], tmp_path / "out")
        assert left_out == (LeftOut("bad�.yaml", "The name is not valid UTF-8."),)
        assert os.listdir(tmp_path / "out") == ["ok.yaml"]
        sub = seed.commit({"sub": File(b"1" * 40, "160000")})
        assert [item.path for item in repository.export(sub, ["sub"], tmp_path / "out2")] == ["sub"]

    def test_writes_no_path_that_leaves_the_folder(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        """Fetch refuses such trees; should one get here all the same, it is not written."""
        seed.commit({"x": "y"})
        raw = bytes.fromhex(seed.git("rev-parse", "HEAD:x"))
        inner = bytes.fromhex(seed.raw("tree", b"100644 config\0" + raw))
        evil = seed.raw("tree", b"40000 ..\0" + inner + b"40000 .git\0" + inner + b"100644 fine\0" + raw)
        left_out = repository.export(seed.raw_commit(tree=evil), [""], tmp_path / "a/b/out")
        assert {item.path for item in left_out} == {"../config", ".git/config"}
        assert sorted(path.name for path in (tmp_path / "a").rglob("*")) == ["b", "fine", "out"]

    def test_writes_through_no_link_that_is_already_there(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        sha = seed.commit({"x": "new"})
        victim = tmp_path / "victim"
        victim.write_text("old")
        out = tmp_path / "out"
        out.mkdir()
        (out / "x").symlink_to(victim)
        with pytest.raises(FileExistsError):
            repository.export(sha, [""], out)
        assert victim.read_text() == "old"

    def test_runs_no_filter_and_honours_no_attribute(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        attributes = "* text eol=crlf ident export-subst filter=evil working-tree-encoding=UTF-16\n"
        sha = seed.commit({".gitattributes": attributes, "x": "$Id$ $Format:%H$\n"})
        repository.export(sha, [""], tmp_path / "out")
        assert (tmp_path / "out/x").read_bytes() == b"$Id$ $Format:%H$\n"

    def test_writes_no_folders_nested_deeper_than_can_be_removed(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        paths = ["d/" * 500 + "x", "e/" * 1200 + "x"]
        sha = seed.commit(dict.fromkeys(paths, "deep"))
        left_out = repository.export(sha, [""], tmp_path / "out")
        assert [item.path for item in left_out] == [paths[1]]
        assert (tmp_path / "out" / paths[0]).read_text() == "deep"
        shutil.rmtree(tmp_path / "out")

    def test_refuses_more_than_the_limits_before_writing(
        self, seed: Seed, repository: Repository, tmp_path: Path
    ) -> None:
        sha = seed.commit({"a": "x" * 600, "b": "y" * 600})
        for limits in ({"max_bytes": 1000}, {"max_files": 1}):
            with pytest.raises(GitError) as caught:
                repository.export(sha, [""], tmp_path / "out", **limits)
            assert code_of(caught) == "GIT_TOO_LARGE"
        assert not (tmp_path / "out").exists()


def test_a_clone_with_files_is_read_at_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    seed = Seed.create(folder / ".git")
    sha = seed.commit({"a": "x"})
    assert Repository.at(folder).resolve("HEAD") == sha
    assert Repository.at(folder / ".git").read(sha, "a") == b"x"


def test_the_environment_of_the_caller_has_no_say(
    seed: Seed, repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sha = seed.commit(message="mine")
    other = Seed.create(tmp_path / "other.git")
    other.commit(message="other")
    monkeypatch.setenv("GIT_DIR", str(other.path))
    monkeypatch.setenv("GIT_OBJECT_DIRECTORY", str(other.path / "objects"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.pager")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", "touch /tmp/gitopsui-pwned")
    assert [commit.sha for commit in repository.log("HEAD")] == [sha]


def test_without_git_the_error_says_so(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="not installed") as caught:
        repository.refs()
    assert code_of(caught) == "GIT_NOT_INSTALLED"
