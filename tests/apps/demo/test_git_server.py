"""Stock Git clones from, fetches from and pushes to the demo's server."""

from __future__ import annotations

import http.client
import os
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest

from apps.demo.git_server import GitServer
from tests.adapters.git_http import File, Seed, git
from tests.waiting import wait_for


@pytest.fixture
def server(tmp_path: Path) -> Iterator[GitServer]:
    (tmp_path / "root").mkdir()
    with GitServer(tmp_path / "root") as started:
        yield started


@pytest.fixture
def seed(server: GitServer) -> Seed:
    return Seed.create(server.root / "shop.git")


def request(
    server: GitServer, path: str, *, method: str = "GET", headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, path, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def test_a_clone_and_a_fetch_bring_what_is_there(server: GitServer, seed: Seed, tmp_path: Path) -> None:
    first = seed.commit({"big": File(os.urandom(2 << 20))})
    clone = tmp_path / "clone"
    git("clone", "--quiet", f"{server.url}/shop.git", str(clone))
    assert git("rev-parse", "HEAD", cwd=clone) == first
    second = seed.commit()
    git("fetch", "--quiet", cwd=clone)
    assert git("rev-parse", "origin/main", cwd=clone) == second


@pytest.mark.parametrize("buffer", ["1m", "64k"], ids=["in one piece", "chunked"])
def test_a_push_of_any_size_arrives(server: GitServer, seed: Seed, tmp_path: Path, buffer: str) -> None:
    """Over its buffer Git sends a body without a length, in chunks; a small one it may compress."""
    seed.commit()
    local = Seed.create(tmp_path / "local.git")
    sha = local.commit({"big": File(os.urandom(600_000)), "text": "x" * 100_000})
    local.git(
        "-c",
        f"http.postBuffer={buffer}",
        "push",
        "--quiet",
        f"{server.url}/shop.git",
        f"{sha}:refs/heads/new",
    )
    assert seed.git("rev-parse", "refs/heads/new") == sha
    assert seed.git("cat-file", "-s", "refs/heads/new:big") == "600000"


def test_a_compressed_request_is_understood(server: GitServer, seed: Seed, tmp_path: Path) -> None:
    """With many refs on both sides the request of a fetch is long enough that Git compresses it."""
    for number in range(200):
        seed.point(f"refs/heads/b{number}", seed.commit(branch=f"x{number}", parents=()))
    clone = tmp_path / "clone.git"
    git("clone", "--quiet", "--mirror", f"{server.url}/shop.git", str(clone))
    sha = seed.commit(branch="b0")
    git("fetch", "--quiet", cwd=clone)
    assert git("rev-parse", "refs/heads/b0", cwd=clone) == sha


def test_the_second_protocol_is_spoken(server: GitServer, seed: Seed) -> None:
    seed.commit()
    path = "/shop.git/info/refs?service=git-upload-pack"
    status, body = request(server, path, headers={"Git-Protocol": "version=2"})
    assert status == 200
    assert b"version 2" in body
    status, body = request(server, path)
    assert b"version 2" not in body


class TestUsers:
    @pytest.fixture
    def closed(self, tmp_path: Path) -> Iterator[GitServer]:
        root = tmp_path / "root"
        root.mkdir()
        Seed.create(root / "shop.git").commit()
        with GitServer(root, users={"robot": "s3:cret"}) as started:
            yield started

    def test_who_is_one_comes_in(self, closed: GitServer) -> None:
        port = closed.port
        assert git("ls-remote", f"http://robot:s3%3Acret@127.0.0.1:{port}/shop.git")

    @pytest.mark.parametrize(
        "header", ["", "Basic", "Basic !!", "Basic cm9ib3Q6eA==", "Bearer czM6Y3JldA==", "Basic OnMzOmNyZXQ="]
    )
    def test_who_is_none_stays_out(self, closed: GitServer, header: str) -> None:
        status, body = request(closed, "/shop.git/info/refs", headers={"Authorization": header})
        assert (status, body) == (401, b"")


@pytest.mark.parametrize(
    "path", ["/../secret", "/%2e%2e/secret", "/shop.git/../../secret", "/none.git/HEAD", "/"]
)
def test_nothing_outside_is_served(server: GitServer, seed: Seed, tmp_path: Path, path: str) -> None:
    (tmp_path / "secret").write_text("secret")
    status, body = request(server, path)
    assert status in (403, 404)
    assert b"secret" not in body


def test_an_answer_waits_for_the_latency(tmp_path: Path) -> None:
    with GitServer(tmp_path, latency=timedelta(seconds=0.3)) as server:
        began = time.monotonic()
        request(server, "/none.git/info/refs")
        assert time.monotonic() - began >= 0.3


def test_many_are_served_at_once(server: GitServer, seed: Seed) -> None:
    seed.commit()
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(git("ls-remote", f"{server.url}/shop.git", "main")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert len(set(answers)) == 1


def test_a_client_that_hangs_up_leaves_no_process(server: GitServer, seed: Seed) -> None:
    """One that asks for more than the connection holds, and reads nothing of it."""
    sha = seed.commit({"big": File(os.urandom(32 << 20))})
    body = f"0032want {sha}\n00000009done\n".encode()
    headers = {"Content-Type": "application/x-git-upload-pack-request"}
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/shop.git/git-upload-pack", body=body, headers=headers)
    wait_for(backends, "a program of the server")
    connection.close()
    wait_for(lambda: not backends(), "its end")


def backends() -> list[str]:
    """The programs of the server among our children."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    for thread in Path("/proc/self/task").iterdir():
        with suppress(OSError):
            children += (thread / "children").read_text().split()
    return [pid for pid in set(children) if "http-backend" in command_of(pid)]


def command_of(pid: str) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def test_requests_are_noted_without_their_query(server: GitServer, seed: Seed) -> None:
    request(server, "/shop.git/info/refs?service=git-upload-pack")
    assert server.requests == ["GET /shop.git/info/refs"]


def test_a_stopped_one_answers_no_more(tmp_path: Path) -> None:
    server = GitServer(tmp_path).start()
    server.stop()
    with pytest.raises(ConnectionRefusedError):
        request(server, "/")
    server.stop()
