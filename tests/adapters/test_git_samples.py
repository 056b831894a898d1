"""Every hostile repository of the samples, built by their own recipe and fetched over HTTP."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from apps.demo.git_server import GitServer
from gitopsui.adapters import process
from gitopsui.adapters.git import GitPolicy, Mirror, RefChange
from gitopsui.domain.errors import GitError
from tests.adapters.git_http import ENV, Hub, git

SAMPLES = Path(__file__).parents[2] / "../shared/conformance/badinput"
MARKER = Path("/tmp/gitopsui-pwned")
REASON = "sample cases are not beside this repository"
pytestmark = [pytest.mark.shared, pytest.mark.skipif(not SAMPLES.exists(), reason=REASON)]

MISSING_SAMPLES = {
    # The recipe names them; a sample of the cases may come without.
    "yaml/control_plain.yaml": "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: 'shop:1.10'}]}\n",
    "yaml/lfs_pointer.yaml": "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "manifest/secret_in_git_plain.yaml": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\n",
}


@pytest.fixture(autouse=True)
def nothing_is_run() -> Iterator[None]:
    yield
    assert not MARKER.exists()


def refusal_of(mirror: Mirror) -> GitError:
    with pytest.raises(GitError) as caught:
        mirror.fetch()
    return caught.value


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    shutil.copytree(SAMPLES, folder / "badinput")
    for path, text in MISSING_SAMPLES.items():
        target = folder / "badinput" / path
        target.parent.chmod(0o755)
        if not target.exists():
            target.write_text(text)
    recipe = str(folder / "badinput/repos/make_repos.sh")
    made = process.run(
        ["bash", recipe, str(folder / "out")],
        env={"PATH": ENV["PATH"]},
        timeout=timedelta(minutes=3),
        max_output=1 << 20,
    )
    assert made.returncode == 0, made.stderr.decode()
    return folder / "out"


@pytest.fixture(scope="module")
def samples(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    with GitServer(built) as server:
        policy = GitPolicy(plain_http=frozenset({server.host_port}), min_free_bytes=0)
        yield Hub(server, tmp_path_factory.mktemp("mirrors"), policy)


@pytest.fixture
def fetched(samples: Hub, request: pytest.FixtureRequest) -> Mirror:
    mirror = samples.mirror(request.param)
    if not mirror.exists():
        mirror.fetch()
    return mirror


REFUSED = ("tree_dotdot", "submodule_ext", "commit_missing_parent", "shallow_remote")


@pytest.mark.parametrize("name", REFUSED)
def test_a_broken_or_unsafe_one_is_refused(samples: Hub, name: str) -> None:
    mirror = samples.mirror(name)
    assert refusal_of(mirror).code == "GIT_REFUSED"
    assert not mirror.exists()


def test_all_others_are_mirrored_and_read(samples: Hub, built: Path, tmp_path: Path) -> None:
    names = {path.stem for path in built.glob("*.git")} - set(REFUSED)
    assert len(names) > 20
    for name in sorted(names):
        mirror = samples.mirror(name)
        if not mirror.exists():
            mirror.fetch()
        for ref in mirror.refs()[:50]:
            json.dumps([commit.message for commit in mirror.log(ref.name)]).encode()
        for number, ref in enumerate(mirror.refs()[:3]):
            left_out = mirror.export(ref.name, [""], tmp_path / name / str(number))
            assert all("link" in item.reason or "UTF-8" in item.reason for item in left_out), left_out


@pytest.mark.parametrize("fetched", ["hostile_refs"], indirect=True)
def test_hostile_names_stay_names(fetched: Mirror, built: Path) -> None:
    offered = git(f"--git-dir={built / 'hostile_refs.git'}", "for-each-ref", "--format=%(refname)")
    assert {ref.name for ref in fetched.refs()} == set(offered.splitlines())
    for ref in fetched.refs():
        assert fetched.resolve(ref.name) == ref.commit_sha


@pytest.mark.parametrize("fetched", ["commit_ts_huge", "commit_ts_negative"], indirect=True)
def test_dates_that_are_none_are_none(fetched: Mirror) -> None:
    newest, first = fetched.log("HEAD")
    assert newest.committed_at is None
    assert first.committed_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("fetched", ["commit_ts_future"], indirect=True)
def test_the_order_is_that_of_history(fetched: Mirror) -> None:
    assert [commit.parents for commit in fetched.log("HEAD")][-1] == ()


@pytest.mark.parametrize("fetched", ["commit_no_email"], indirect=True)
def test_an_author_without_address_is_empty(fetched: Mirror) -> None:
    assert fetched.log("HEAD")[0].author_email == ""


@pytest.mark.parametrize("fetched", ["commit_messages"], indirect=True)
def test_every_message_is_read_in_its_own_record(fetched: Mirror) -> None:
    expected = {path.read_bytes() for path in (SAMPLES / "commit").iterdir()}
    messages = [commit.message for commit in fetched.log("HEAD")]
    assert len(messages) == len(expected) + 1
    whole = {text.decode("utf-8", "replace").split("\0")[0][:1000] for text in expected}
    assert whole <= {message[:1000] for message in messages}


@pytest.mark.parametrize("fetched", ["replace_ref"], indirect=True)
def test_replaced_content_is_not_shown(fetched: Mirror) -> None:
    assert b":1.10" in fetched.read(fetched.resolve("refs/heads/main"), "apps/demo/deploy.yaml")


@pytest.mark.parametrize(
    ("fetched", "path"),
    [
        ("symlink_outside", "apps/demo/evil.yaml"),
        ("symlink_proc_environ", "apps/demo/values.yaml"),
        ("symlink_dir", "apps/root"),
        ("symlink_loop", "apps/demo/a.yaml"),
        ("symlink_changelog", "CHANGELOG.md"),
    ],
    indirect=["fetched"],
)
def test_links_are_not_followed(fetched: Mirror, path: str, tmp_path: Path) -> None:
    with pytest.raises(GitError) as caught:
        fetched.read("HEAD", path)
    assert caught.value.code == "GIT_PATH_MISSING"
    left_out = fetched.export("HEAD", [""], tmp_path / "out")
    assert path in {item.path for item in left_out}
    assert not os.path.lexists(tmp_path / "out" / path)


@pytest.mark.parametrize("fetched", ["symlink_inside"], indirect=True)
def test_a_link_inside_is_written(fetched: Mirror, tmp_path: Path) -> None:
    assert fetched.export("HEAD", [""], tmp_path / "out") == ()
    copy = tmp_path / "out/apps/demo/copy.yaml"
    assert copy.read_bytes() == fetched.read("HEAD", "apps/demo/deploy.yaml")


def test_a_rewritten_history_is_told_with_both_heads(samples: Hub, built: Path) -> None:
    mirror = samples.mirror("force_pushed")
    mirror.fetch()
    old, new = mirror.resolve("refs/heads/main"), (built / "force_pushed.next").read_text().strip()
    git(f"--git-dir={built / 'force_pushed.git'}", "update-ref", "refs/heads/main", new)
    assert mirror.fetch().rewritten == (RefChange("refs/heads/main", old, new),)
    assert mirror.log(new, exclude=old)


def test_a_deleted_only_branch_leaves_the_last_state(samples: Hub, built: Path) -> None:
    mirror = samples.mirror("branch_deleted")
    mirror.fetch()
    sha = mirror.resolve("HEAD")
    git(f"--git-dir={built / 'branch_deleted.git'}", "update-ref", "-d", "refs/heads/main")
    assert refusal_of(mirror).code == "GIT_NOT_FOUND"
    assert mirror.resolve("refs/heads/main") == sha


def test_a_renamed_default_branch_is_gone_and_created(samples: Hub, built: Path) -> None:
    mirror = samples.mirror("default_branch_renamed")
    mirror.fetch()
    git(f"--git-dir={built / 'default_branch_renamed.git'}", "branch", "-m", "main", "trunk")
    result = mirror.fetch()
    assert [change.name for change in result.deleted] == ["refs/heads/main"]
    assert [change.name for change in result.created] == ["refs/heads/trunk"]
    assert mirror.resolve("HEAD") == mirror.resolve("refs/heads/trunk")
