"""Talking to a remote: faults of the other side, addresses that change, TLS and ssh."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters.git import GitAccess, GitPolicy, Mirror
from gitopsui.domain.errors import GitError
from tests.adapters.certificates import make_authority, make_leaf, server_context
from tests.adapters.fault_server import FaultServer, Request, always
from tests.adapters.git_http import Hub, Seed, serving
from tests.ports import closed_port

PAGE = b"<html><title>Sign in</title><script>alert(1)</script></html>"


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    with serving(tmp_path) as served:
        yield served


@pytest.fixture
def seed(hub: Hub) -> Seed:
    return hub.create()


def mirror_of(server: FaultServer, folder: Path, **changes: Any) -> Mirror:
    policy = GitPolicy(plain_http=frozenset({server.host_port}), min_free_bytes=0)
    access = GitAccess("robot", "CANARY-git-token")
    return Mirror(folder / "m", f"{server.url}/x.git", access=access, policy=replace(policy, **changes))


def failure_of(mirror: Mirror) -> GitError:
    with pytest.raises(GitError) as caught:
        mirror.ls_remote()
    return caught.value


class TestFaults:
    @pytest.mark.parametrize(
        ("answer", "code"),
        [
            (always(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'}), "GIT_AUTH"),
            (always(status=403), "GIT_AUTH"),
            (always(PAGE, status=404), "GIT_NOT_FOUND"),
            (always(PAGE), "GIT_NOT_FOUND"),
            (always(PAGE, status=500), "GIT_UNREACHABLE"),
            (always(PAGE, status=503), "GIT_UNREACHABLE"),
            (always(status=429), "GIT_UNREACHABLE"),
            (always(status=302, headers={"Location": "http://127.0.0.1:1/x"}), "GIT_NOT_FOUND"),
            (lambda request: request.send_raw(b""), "GIT_UNREACHABLE"),
            (lambda request: request.send_raw(b"\x00\xff no http\r\n\r\n"), "GIT_UNREACHABLE"),
        ],
        ids=["401", "403", "404", "page", "500", "503", "429", "redirect", "nothing", "garbage"],
    )
    def test_each_has_its_code_and_shows_nothing_of_the_answer(
        self, tmp_path: Path, answer: Callable[[Request], None], code: str
    ) -> None:
        with FaultServer({}, default=answer) as server:
            error = failure_of(mirror_of(server, tmp_path))
        assert error.code == code
        assert error.permanent == (code in ("GIT_AUTH", "GIT_NOT_FOUND"))
        for shown in (error.message, error.hint):
            assert "script" not in shown
            assert "CANARY" not in shown
            assert "127.0.0.1" not in shown

    def test_a_remote_that_shows_the_credential_back_is_not_quoted(self, tmp_path: Path) -> None:
        def echo(request: Request) -> None:
            if "authorization" not in request.headers:
                request.reply(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
                return
            line = f"ERR CANARY-git-token {request.headers['authorization']}\n".encode()
            packet = b"%04x%s0000" % (len(line) + 4, line)
            head = b"001e# service=git-upload-pack\n0000"
            content = "application/x-git-upload-pack-advertisement"
            request.reply(head + packet, headers={"Content-Type": content})

        with FaultServer({}, default=echo) as server:
            error = failure_of(mirror_of(server, tmp_path))
        assert error.code == "GIT_ERROR"
        assert "CANARY" not in error.message
        assert "Um9ib3Q" not in error.message

    def test_a_redirect_is_not_followed(self, hub: Hub, seed: Seed, tmp_path: Path) -> None:
        seed.commit()
        target = f"{hub.url()}/info/refs?service=git-upload-pack"
        with FaultServer({}, default=always(status=301, headers={"Location": target})) as server:
            both = hub.policy.plain_http | {server.host_port}
            hub.server.requests.clear()
            assert failure_of(mirror_of(server, tmp_path, plain_http=both)).code == "GIT_NOT_FOUND"
        assert hub.server.requests == []

    def test_a_remote_that_drips_is_ended_in_time(self, tmp_path: Path) -> None:
        def drip(request: Request) -> None:
            # All of it takes longer than a test may.
            request.drip(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n" + b"x" * 30_000, pause=0.05)

        with FaultServer({}, default=drip) as server:
            error = failure_of(mirror_of(server, tmp_path, total_timeout=timedelta(seconds=1)))
        assert error.code == "GIT_TIMEOUT"

    def test_a_port_that_is_closed_is_unreachable_at_once(self, tmp_path: Path) -> None:
        """No wait is over before the time of a test is."""
        with closed_port() as host_port:
            long = timedelta(hours=1)
            policy = GitPolicy(
                plain_http=frozenset({host_port}), min_free_bytes=0, connect_timeout=long, total_timeout=long
            )
            error = failure_of(Mirror(tmp_path / "m", f"http://{host_port}/x", policy=policy))
        assert error.code == "GIT_UNREACHABLE"

    def test_a_remote_that_accepts_no_connection_is_given_up_in_time(self, tmp_path: Path) -> None:
        with socket.socket() as full:
            full.bind(("127.0.0.1", 0))
            full.listen(0)
            port = full.getsockname()[1]
            # Whoever comes after these waits for ever.
            waiting = [connect_without_waiting(port) for _ in range(4)]
            policy = GitPolicy(
                plain_http=frozenset({f"127.0.0.1:{port}"}),
                connect_timeout=timedelta(seconds=1),
                total_timeout=timedelta(hours=1),
            )
            error = failure_of(Mirror(tmp_path / "m", f"http://127.0.0.1:{port}/x", policy=policy))
            for client in waiting:
                client.close()
        assert error.code == "GIT_TIMEOUT"


class TestFiles:
    """A server that only hands out files: Git would take objects from it without checking them."""

    @staticmethod
    def handing_out(seed: Seed) -> Callable[[Request], None]:
        seed.git("update-server-info")

        def answer(request: Request) -> None:
            path = seed.path / request.path.removeprefix("/x.git/")
            if path.is_file():
                request.reply(path.read_bytes())
            else:
                request.reply(status=404)

        return answer

    def test_is_refused_and_nothing_is_taken(self, tmp_path: Path) -> None:
        seed = Seed.create(tmp_path / "evil.git")
        seed.commit({"x": "pwned"})
        blob = bytes.fromhex(seed.git("rev-parse", "HEAD:x"))
        evil = seed.raw("tree", b"100644 ../../../tmp/gitopsui-pwned\0" + blob)
        seed.point("refs/heads/main", seed.raw_commit(tree=evil))
        with FaultServer({}, default=self.handing_out(seed)) as server:
            mirror = mirror_of(server, tmp_path)
            with pytest.raises(GitError, match="no Git service") as caught:
                mirror.fetch()
        assert (caught.value.code, caught.value.permanent) == ("GIT_NOT_FOUND", True)
        assert not mirror.exists()

    @pytest.mark.parametrize("page", [PAGE, PAGE + b"\n", b"", b"\n"])
    def test_a_web_page_in_place_of_the_repository_deletes_nothing(
        self, hub: Hub, seed: Seed, tmp_path: Path, page: bytes
    ) -> None:
        sha = seed.commit()
        mirror = hub.mirror()
        mirror.fetch()
        with FaultServer({}, default=always(page)) as server:
            away = mirror_of(server, tmp_path)
            moved = Mirror(mirror.path, away.url, policy=away.policy)
            with pytest.raises(GitError) as caught:
                moved.fetch()
        assert caught.value.code == "GIT_NOT_FOUND"
        assert mirror.resolve("refs/heads/main") == sha

    def test_a_web_page_that_comes_between_listing_and_fetch_deletes_nothing(
        self, hub: Hub, seed: Seed, tmp_path: Path
    ) -> None:
        sha = seed.commit()
        mirror = hub.mirror()
        mirror.fetch()
        seed.commit()
        listed = mirror.ls_remote()
        with FaultServer({}, default=always(PAGE)) as server:
            away = mirror_of(server, tmp_path)
            moved = Mirror(mirror.path, away.url, policy=away.policy)
            moved._remote_refs = listed
            with pytest.raises(GitError) as caught:
                moved.fetch()
        assert (caught.value.code, caught.value.permanent) == ("GIT_UNREACHABLE", False)
        assert mirror.resolve("refs/heads/main") == sha

    def test_a_remote_that_lost_all_its_refs_changes_nothing(self, hub: Hub, seed: Seed) -> None:
        sha = seed.commit()
        mirror = hub.mirror()
        mirror.fetch()
        seed.delete("refs/heads/main")
        with pytest.raises(GitError, match="offers no branch and no tag any more") as caught:
            mirror.fetch()
        assert not caught.value.permanent
        assert mirror.resolve("refs/heads/main") == sha


def connect_without_waiting(port: int) -> socket.socket:
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(("127.0.0.1", port))
    return client


class Resolver:
    """Answers one address the first time and another from then on; knows no other name."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int, *_: object, **__: object) -> list[Any]:
        self.asked.append(host)
        address = self.addresses[0] if len(self.addresses) == 1 else self.addresses.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]


class TestAddresses:
    def test_git_is_pinned_to_the_address_that_was_checked(
        self, hub: Hub, seed: Seed, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The name is known to our resolver only, so Git found the way by what it was told."""
        sha = seed.commit()
        port = hub.server.port
        monkeypatch.setattr(socket, "getaddrinfo", Resolver("127.0.0.1"))
        policy = replace(hub.policy, plain_http=frozenset({f"git.test:{port}"}))
        mirror = Mirror(hub.mirrors / "named", f"http://git.test:{port}/shop.git", policy=policy)
        mirror.fetch()
        assert mirror.resolve("HEAD") == sha

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "169.254.169.254", "10.0.0.5", "0.0.0.0", "224.0.0.1", "100.64.0.1"]
    )
    def test_a_name_that_leads_inside_is_refused_at_use(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setattr(socket, "getaddrinfo", Resolver(address))
        error = failure_of(Mirror(tmp_path / "m", "https://rebind.test/x"))
        assert (error.code, error.permanent) == ("GIT_ADDRESS", True)

    def test_a_host_that_is_named_in_full_may_be_private_but_not_this_machine(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        policy = GitPolicy(
            allowed_hosts=("git.corp.test", "*.other.test"), connect_timeout=timedelta(seconds=0.2)
        )
        codes = {}
        for host, address in (
            ("git.corp.test", "10.255.255.1"),
            ("git.corp.test", "127.0.0.1"),
            ("git.corp.test", "169.254.169.254"),
            ("git.other.test", "10.255.255.1"),
        ):
            monkeypatch.setattr(socket, "getaddrinfo", Resolver(address))
            monkeypatch.setattr(socket.socket, "connect", refuse)
            codes[host, address] = failure_of(Mirror(tmp_path / "m", f"https://{host}/x", policy=policy)).code
        assert codes == {
            ("git.corp.test", "10.255.255.1"): "GIT_UNREACHABLE",
            ("git.corp.test", "127.0.0.1"): "GIT_UNREACHABLE",
            ("git.corp.test", "169.254.169.254"): "GIT_ADDRESS",
            ("git.other.test", "10.255.255.1"): "GIT_ADDRESS",
        }


def refuse(*_: object) -> None:
    raise ConnectionRefusedError


class TestTls:
    @pytest.fixture
    def server(self, tmp_path: Path) -> Iterator[FaultServer]:
        authority = make_authority()
        (tmp_path / "ca.pem").write_text(authority.pem)
        context = server_context(make_leaf(authority), tmp_path)
        with FaultServer({}, context=context) as serving_tls:
            yield serving_tls

    def test_a_certificate_nobody_vouches_for_is_refused(self, server: FaultServer, tmp_path: Path) -> None:
        error = failure_of(mirror_of(server, tmp_path))
        assert error.code == "GIT_TLS"
        assert server.requests == []

    def test_an_authority_of_the_operator_is_trusted(self, server: FaultServer, tmp_path: Path) -> None:
        error = failure_of(mirror_of(server, tmp_path, ca_file=tmp_path / "ca.pem"))
        assert error.code == "GIT_NOT_FOUND"
        assert server.paths() == ["/x.git/info/refs"]

    def test_a_certificate_for_another_host_is_refused(self, tmp_path: Path) -> None:
        authority = make_authority()
        (tmp_path / "ca.pem").write_text(authority.pem)
        leaf = make_leaf(authority, dns=("elsewhere.test",), addresses=())
        with FaultServer({}, context=server_context(leaf, tmp_path)) as server:
            assert failure_of(mirror_of(server, tmp_path, ca_file=tmp_path / "ca.pem")).code == "GIT_TLS"

    def test_plain_http_where_tls_is_spoken_is_unreachable(self, tmp_path: Path) -> None:
        with FaultServer({}) as server:
            mirror = mirror_of(server, tmp_path)
            secure = Mirror(tmp_path / "m", mirror.url.replace("http:", "https:"), policy=mirror.policy)
            assert failure_of(secure).code in ("GIT_TLS", "GIT_UNREACHABLE")


SSH = """#!/bin/sh
printf '%s\\n' "$@" > "{record}"
while [ "$1" != -F ]; do shift; done
cp "$2" "{record}.config"
cp "${{2%/*}}/known_hosts" "{record}.known_hosts"
stat -c '%a %n' "${{2%/*}}" "${{2%/*}}"/* > "{record}.modes"
for last; do :; done
[ "$last" = "git-upload-pack '/shop.git'" ] && exec git upload-pack "{root}/shop.git"
echo "Permission denied (publickey)." >&2
exit 255
"""


class TestSsh:
    """With a stand-in for `ssh` that notes how it was called and serves the repository from disk."""

    @pytest.fixture
    def record(self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        record = tmp_path / "record"
        program = tmp_path / "bin/ssh"
        program.parent.mkdir()
        program.write_text(SSH.format(record=record, root=hub.server.root))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
        return record

    def mirror(self, hub: Hub, path: str = "/shop.git") -> Mirror:
        access = GitAccess(ssh_key="PRIVATE\nKEY\n", known_hosts="[127.0.0.1]:1 ssh-ed25519 AAAA")
        url = f"ssh://git@{hub.server.host_port}{path}"
        return Mirror(hub.mirrors / "ssh", url, access=access, policy=hub.policy)

    def test_a_key_opens_the_remote(self, hub: Hub, seed: Seed, record: Path) -> None:
        sha = seed.commit()
        mirror = self.mirror(hub)
        mirror.fetch()
        assert mirror.resolve("HEAD") == sha

    def test_ssh_is_told_everything_it_may_do(self, hub: Hub, seed: Seed, record: Path) -> None:
        seed.commit()
        self.mirror(hub).ls_remote()
        arguments = record.read_text().splitlines()
        assert "PRIVATE" not in " ".join(arguments)
        for option in ("BatchMode=yes", "StrictHostKeyChecking=yes", "ClearAllForwardings=yes"):
            assert option in arguments
        config = Path(f"{record}.config").read_text()
        assert "HostName 127.0.0.1\n" in config
        assert f"HostKeyAlias [127.0.0.1]:{hub.server.port}\n" in config
        assert "ssh-ed25519 AAAA" in Path(f"{record}.known_hosts").read_text()

    def test_its_files_are_ours_alone_and_gone_afterwards(self, hub: Hub, seed: Seed, record: Path) -> None:
        seed.commit()
        self.mirror(hub).ls_remote()
        modes = [line.split(" ", 1) for line in Path(f"{record}.modes").read_text().splitlines()]
        assert sorted({mode for mode, _ in modes}) == ["600", "700"]
        assert len(modes) == 4
        assert not any(Path(name).exists() for _, name in modes)

    def test_a_refused_key_is_a_refused_credential(self, hub: Hub, seed: Seed, record: Path) -> None:
        error = failure_of(self.mirror(hub, "/other.git"))
        assert (error.code, error.permanent) == ("GIT_AUTH", True)

    def test_the_real_client_accepts_the_configuration(self, hub: Hub) -> None:
        """Where there is one, it gets as far as the other side, which does not speak ssh."""
        expected = {"GIT_UNREACHABLE", "GIT_TIMEOUT"} if shutil.which("ssh") else {"GIT_NOT_INSTALLED"}
        assert failure_of(self.mirror(hub)).code in expected

    def test_without_ssh_the_error_says_so(
        self, hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        only_git = tmp_path / "only-git"
        only_git.mkdir()
        (only_git / "git").symlink_to(str(shutil.which("git")))
        monkeypatch.setenv("PATH", str(only_git))
        assert failure_of(self.mirror(hub)).code == "GIT_NOT_INSTALLED"
