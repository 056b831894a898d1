"""
Our client of GitHub, held to GitHub's own OpenAPI description: Prism refuses each request that does not fit
it, and answers the others with GitHub's own examples.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitopsui.adapters.forge.base import CommitStatus, MergeOutcome, PullState
from gitopsui.adapters.forge.call import ForgeAccess
from gitopsui.adapters.forge.github import GitHub
from gitopsui.adapters.http_policy import HttpPolicy
from gitopsui.domain.errors import ForgeError
from tests.ports import find_port

ROOT = Path(__file__).parents[3]
VARIABLE = "GITOPSUI_TEST_PRISM"  # a folder with the node_modules of prism/package.json
SHA = "6dcb09b5b57875f334f61aebed695e2e4193db5e"
REPO = "/repos/{owner}/{repo}"
USED = (
    REPO,
    f"{REPO}/pulls",
    f"{REPO}/pulls/{{pull_number}}",
    f"{REPO}/pulls/{{pull_number}}/merge",
    f"{REPO}/pulls/{{pull_number}}/reviews",
    f"{REPO}/issues/{{issue_number}}",
    f"{REPO}/issues/{{issue_number}}/comments",
    f"{REPO}/issues/{{issue_number}}/labels",
    f"{REPO}/statuses/{{sha}}",
    f"{REPO}/commits/{{ref}}/status",
    f"{REPO}/commits/{{ref}}/check-runs",
    f"{REPO}/collaborators/{{username}}/permission",
)


def find_prism() -> Path:
    folder = Path(os.environ.get(VARIABLE) or ROOT / ".tools" / "prism")
    if (folder / "node_modules" / ".bin" / "prism").exists():
        return folder
    if shutil.which("npm") is None:
        pytest.skip(f"{VARIABLE} names no folder, and there is no npm to make one with")
    pytest.skip("Prism is not installed: script/bootstrap --dev")


def write_description(folder: Path, target: Path) -> None:
    """Only what we call: the whole of it takes Prism half a minute to read."""
    source = folder / "node_modules" / "@octokit" / "openapi" / "generated" / "api.github.com.json"
    described = json.loads(source.read_text())
    described["paths"] = {path: described["paths"][path] for path in USED}
    described.pop("x-webhooks", None)
    described["servers"] = [{"url": "/"}]
    target.write_text(json.dumps(described))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Prism on loopback, `host:port`."""
    folder = find_prism()
    scratch = tmp_path_factory.mktemp("prism")
    write_description(folder, scratch / "github.json")
    port = find_port()
    program = folder / "node_modules" / ".bin" / "prism"
    arguments = ["mock", "-h", "127.0.0.1", "-p", str(port), str(scratch / "github.json")]
    with (scratch / "log").open("wb") as log:
        running = subprocess.Popen([program, *arguments], stdout=log, stderr=log, start_new_session=True)
    try:
        wait_for(port, running, scratch / "log")
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()


def wait_for(port: int, running: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert running.poll() is None, log.read_text()[-2000:]
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-2000:])


@pytest.fixture
def client(server: str) -> GitHub:
    policy = HttpPolicy(private_hosts=frozenset({server}))
    return GitHub(ForgeAccess(f"http://{server}", "octocat/Hello-World", "token"), policy)


def test_a_request_that_does_not_fit_is_refused(client: GitHub) -> None:
    with pytest.raises(ForgeError):
        client.set_status(SHA, CommitStatus("gitopsui/approvals", "great"))


def test_the_repository_and_the_rights_in_it_are_read(client: GitHub) -> None:
    assert client.check().name == "octocat/Hello-World"


def test_githubs_own_example_of_a_list_is_understood(client: GitHub) -> None:
    found = client.find("new-topic")
    # Prism gives the same page over and over, and says each time that there is a next one.
    assert {(pull.number, pull.head_sha) for pull in found} == {("1347", SHA)}


def test_githubs_own_example_of_a_pull_request_is_understood(client: GitHub) -> None:
    pull = client.get("1347")
    assert (pull.number, pull.head_sha, pull.base_branch) == ("1347", SHA, "master")
    # Its example is open and has a time of merging at once; the time says more.
    assert pull.state is PullState.MERGED
    assert pull.title == "Amazing new feature"


def test_what_is_sent_to_open_change_and_close_fits(client: GitHub) -> None:
    client.create(head="gitopsui/promote/7", base="main", title="cart: 1 to 2", body="What changes")
    client.update("1347", title="cart: 1 to 2", body="What changes")
    client.comment("1347", "It waits.")
    client.add_labels("1347", ("gitopsui", "into production"))
    client.close("1347")


def test_what_is_sent_to_merge_fits(client: GitHub) -> None:
    answer = client.merge("1347", head_sha=SHA, title="cart: 1 to 2", message="Because")
    assert answer.outcome is MergeOutcome.ASKED


@pytest.mark.parametrize("state", ["success", "pending", "failure"])
def test_what_is_sent_as_a_status_fits(client: GitHub, state: str) -> None:
    client.set_status(
        SHA, CommitStatus("gitopsui/approvals", state, "1 of 1", "https://gitopsui.example.org/7")
    )


def test_githubs_own_examples_of_checks_are_understood(client: GitHub) -> None:
    found = {one.name: one.state for one in client.list_checks(SHA)}
    assert found["continuous-integration/jenkins"] == "success"
    assert found["mighty_readme"] == "success"


def test_githubs_own_example_of_a_review_is_understood(client: GitHub) -> None:
    (review,) = client.list_reviews("1347")
    assert (review.by, review.state) == ("octocat", "approved")
    assert len(review.sha) == 40
