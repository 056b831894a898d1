"""Repositories made to do harm: what is taken of them, what is not, and that nothing they name is run."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsui.adapters.git import Mirror
from gitopsui.domain.errors import GitError
from tests.adapters.git_http import File, Hub, Seed, serving

MARKER = Path("/tmp/gitopsui-pwned")


@pytest.fixture(autouse=True)
def nothing_is_run() -> Iterator[None]:
    assert not MARKER.exists()
    yield
    assert not MARKER.exists()


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(tmp_path) as served:
        yield served


@pytest.fixture
def seed(hub: Hub) -> Seed:
    return hub.create()


def refusal_of(mirror: Mirror) -> GitError:
    with pytest.raises(GitError) as caught:
        mirror.fetch()
    return caught.value


class TestUnsafeObjects:
    @pytest.fixture
    def blob(self, seed: Seed) -> bytes:
        seed.commit({"x": "evil"}, "good")
        return bytes.fromhex(seed.git("rev-parse", "HEAD:x"))

    @pytest.mark.parametrize(
        "name", [b"..", b".", b".git", b".GIT", b"../../tmp/gitopsui-pwned", b"a/b", b"git~1", b".git "]
    )
    def test_a_fetch_that_brings_one_is_refused_and_changes_nothing(
        self, hub: Hub, seed: Seed, blob: bytes, name: bytes
    ) -> None:
        mirror = hub.mirror()
        mirror.fetch()
        good = mirror.resolve("HEAD")
        inner = bytes.fromhex(seed.raw("tree", b"100644 config\0" + blob))
        evil = seed.raw("tree", b"40000 %s\0" % name + inner)
        seed.point("refs/heads/main", seed.raw_commit(tree=evil))
        error = refusal_of(mirror)
        assert (error.code, error.permanent) == ("GIT_REFUSED", True)
        assert mirror.resolve("HEAD") == good
        assert mirror.exists()
        assert refusal_of(hub.mirror("shop")).code == "GIT_REFUSED"

    def test_harmless_faults_of_old_histories_are_taken(self, hub: Hub, seed: Seed, blob: bytes) -> None:
        faults = {
            "no-email": b"dev 1767225600 +0000",
            "bad-zone": b"dev <d@e> 1767225600 +9999999",
            "huge-date": b"dev <d@e> 99999999999999999999 +0000",
            "no-space": b"dev<d@e> 1767225600 +0000",
            "zero-date": b"dev <d@e> 01767225600 +0000",
            "bad-email": b"dev <d@<e> 1767225600 +0000",
            "no-name": b"<d@e> 1767225600 +0000",
        }
        for name, who in faults.items():
            seed.point(f"refs/heads/{name}", seed.raw_commit(who=who))
        seed.point("refs/heads/nul", seed.raw_commit(b"before\0after"))
        mirror = hub.mirror()
        assert len(mirror.fetch().created) == len(faults) + 2
        for ref in mirror.refs():
            assert len(mirror.log(ref.name)) == 1

    def test_a_submodule_that_names_a_program_is_refused(self, hub: Hub, seed: Seed) -> None:
        modules = '[submodule "x"]\n\tpath = sub\n\turl = ext::sh -c touch% /tmp/gitopsui-pwned\n'
        seed.commit({".gitmodules": modules, "sub": File(b"1" * 40, "160000")})
        # Git does not mind this address as such, since it would not be allowed; nothing asks for it here.
        mirror = hub.mirror()
        mirror.fetch()
        assert mirror.read(mirror.resolve("HEAD"), ".gitmodules") == modules.encode()

    def test_a_submodule_whose_name_leaves_its_folder_is_refused(self, hub: Hub, seed: Seed) -> None:
        seed.commit({".gitmodules": '[submodule "../../x"]\n\tpath = sub\n\turl = https://x/y\n'})
        assert refusal_of(hub.mirror()).code == "GIT_REFUSED"

    def test_a_commit_whose_parent_does_not_exist_is_refused(self, hub: Hub, seed: Seed) -> None:
        good = seed.commit()
        mirror = hub.mirror()
        mirror.fetch()
        tree = seed.git("rev-parse", "HEAD^{tree}")
        who = b"Dev <d@e> 1767225600 +0000"
        body = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n\nm\n" % (tree.encode(), b"1" * 40, who, who)
        sha = seed.raw("commit", body)
        (seed.path / "refs/heads").mkdir(parents=True, exist_ok=True)
        (seed.path / "refs/heads/main").write_text(f"{sha}\n")
        error = refusal_of(mirror)
        assert error.code == "GIT_REFUSED"
        assert not error.permanent
        assert mirror.resolve("HEAD") == good


class TestNames:
    NAMES = (
        "--upload-pack=touch${IFS}/tmp/gitopsui-pwned",
        "--output=/tmp/gitopsui-pwned",
        "-x",
        "$(touch${IFS}/tmp/gitopsui-pwned)",
        "v1;id",
        "<script>alert(1)</script>",
        '"onmouseover=alert(1)',
        "refs/heads/main",
        "@",
        "HEAD",
        "a" * 40,
        "+main",
        "v1%00",
        "\u202etxt",
        "caf\udce9",
    )

    def test_of_branches_and_tags_are_listed_resolved_and_read(self, hub: Hub, seed: Seed) -> None:
        base = seed.commit(message="base")
        shas = {}
        for number, name in enumerate(self.NAMES):
            shas[name] = seed.commit({"x": str(number)}, branch="tmp", parents=(base,))
            line = f"update refs/heads/{name} {shas[name]}\nupdate refs/tags/{name} {base}\n"
            seed.git("update-ref", "--stdin", stdin=line.encode("utf-8", "surrogateescape"))
        mirror = hub.mirror()
        mirror.fetch()
        by_name = {ref.name: ref for ref in mirror.refs()}
        for name in self.NAMES:
            shown = name.replace("\udce9", "�")
            assert by_name[f"refs/heads/{shown}"].sha == shas[name]
            assert by_name[f"refs/tags/{shown}"].sha == base
            assert mirror.log(shas[name], exclude=base)[0].sha == shas[name]
            if shown == name:
                assert mirror.resolve(f"refs/heads/{name}") == shas[name]
                assert mirror.count(f"refs/heads/{name}", exclude=f"refs/tags/{name}") == 1
        assert mirror.fetch().is_empty

    def test_that_disappear_are_deleted_whatever_they_are(self, hub: Hub, seed: Seed) -> None:
        base = seed.commit()
        for name in self.NAMES:
            line = f"update refs/heads/{name} {base}\n".encode("utf-8", "surrogateescape")
            seed.git("update-ref", "--stdin", stdin=line)
        mirror = hub.mirror()
        mirror.fetch()
        for name in self.NAMES:
            line = f"delete refs/heads/{name}\n".encode("utf-8", "surrogateescape")
            seed.git("update-ref", "--stdin", stdin=line)
        assert len(mirror.fetch().deleted) == len(self.NAMES)
        assert [ref.short for ref in mirror.refs()] == ["main"]

    def test_of_files_never_become_options(self, hub: Hub, seed: Seed, tmp_path: Path) -> None:
        names = [
            *("--output=x", "-rf", "$(id)", "a\nb", "*.yaml", ":(glob)**", " x ", "\u202e"),
        ]
        seed.commit({f"apps/{name}": name for name in names})
        mirror = hub.mirror()
        mirror.fetch()
        sha = mirror.resolve("HEAD")
        assert mirror.export(sha, ["apps"], tmp_path / "out") == ()
        assert sorted(os.listdir(tmp_path / "out/apps")) == sorted(names)
        for name in names:
            assert mirror.log(sha, paths=[f"apps/{name}"])[0].sha == sha


def test_attributes_hooks_and_configuration_in_a_tree_do_nothing(
    hub: Hub, seed: Seed, tmp_path: Path
) -> None:
    touch = "touch /tmp/gitopsui-pwned"
    seed.commit(
        {
            ".gitattributes": "* filter=evil diff=evil working-tree-encoding=UTF-16 export-subst\n",
            ".gitconfig": f'[core]\n\tpager = {touch}\n[filter "evil"]\n\tsmudge = {touch}\n',
            ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/lfs\n",
            "hooks/post-checkout": File(f"#!/bin/sh\n{touch}\n".encode(), "100755"),
            "config": f"[core]\n\tsshCommand = {touch}\n",
            ".mailmap": "Other <other@example.org> <dev@example.org>\n",
            "x": "$Format:%H$",
        }
    )
    mirror = hub.mirror()
    mirror.fetch()
    sha = mirror.resolve("HEAD")
    assert mirror.log(sha, paths=["x"])[0].author_name == "Dev"
    mirror.export(sha, [""], tmp_path / "out")
    assert (tmp_path / "out/x").read_text() == "$Format:%H$"


def test_hooks_and_configuration_in_a_mirror_that_was_tampered_with_start_nothing(
    hub: Hub, seed: Seed
) -> None:
    """Nobody but us writes there; the options hold all the same."""
    seed.commit()
    mirror = hub.mirror()
    mirror.fetch()
    hooks = mirror.path / "hooks"
    hooks.mkdir()
    for name in ("reference-transaction", "post-update", "pre-auto-gc"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {MARKER}\n")
        (hooks / name).chmod(0o755)
    with (mirror.path / "config").open("a") as file:
        file.write(f"[core]\n\tfsmonitor = touch {MARKER}\n\thooksPath = hooks\n\taskPass = touch {MARKER}\n")
    seed.commit()
    assert mirror.fetch().moved
    assert len(mirror.log("HEAD")) == 2
