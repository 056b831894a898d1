"""A credential is lent for one call and leaves nothing behind."""

from __future__ import annotations

import os
import stat
import tempfile
from datetime import timedelta
from pathlib import Path

import pytest

from gitopsui.adapters import git_access, process
from gitopsui.adapters.git import GitAccess, GitPolicy, GitUrl, check_url
from gitopsui.adapters.git_access import lent
from gitopsui.domain.errors import InputError

POLICY = GitPolicy()
HTTPS = check_url("https://git.example.org/a", POLICY)
SSH = check_url("ssh://git@git.example.org:2222/a", POLICY)
SECRET = GitAccess("robot", "p'a$s`w\"ö\\n rd")


def ask(program: str, question: str) -> str:
    env = {"PATH": os.environ.get("PATH", os.defpath)}
    result = process.run([program, question], env=env, timeout=timedelta(seconds=60), max_output=1000)
    return result.stdout.decode()


def test_answers_the_questions_of_git(tmp_path: Path) -> None:
    with lent(SECRET, HTTPS, peer="93.184.216.34", policy=POLICY, near=tmp_path) as environment:
        program = environment["GIT_ASKPASS"]
        assert ask(program, "Username for 'https://git.example.org': ") == "robot\n"
        assert ask(program, "Password for 'https://robot@git.example.org': ") == f"{SECRET.password}\n"
        assert SECRET.password not in str(environment)


def test_a_token_without_a_user_name_gets_one(tmp_path: Path) -> None:
    access = GitAccess(password="token")
    with lent(access, HTTPS, peer="93.184.216.34", policy=POLICY, near=tmp_path) as environment:
        assert ask(environment["GIT_ASKPASS"], "Username for 'x': ") == "git\n"


@pytest.mark.parametrize("url", [HTTPS, SSH])
def test_its_files_are_ours_alone_and_gone_afterwards(url: GitUrl, tmp_path: Path, memory: Path) -> None:
    access = GitAccess("robot", "password", ssh_key="key", known_hosts="hosts")
    with lent(access, url, peer="93.184.216.34", policy=POLICY, near=tmp_path) as environment:
        (folder,) = memory.iterdir()
        assert str(folder) in str(environment)
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes.values()) <= {0o600, 0o700}
    assert [name for name, mode in modes.items() if mode == 0o700] in ([], ["askpass"])
    assert not folder.exists()


def test_they_are_gone_when_the_call_fails(tmp_path: Path, memory: Path) -> None:
    with (
        pytest.raises(LookupError),
        lent(SECRET, HTTPS, peer="93.184.216.34", policy=POLICY, near=tmp_path),
    ):
        raise LookupError
    assert not [*memory.iterdir()]


def test_what_a_killed_process_left_is_removed_after_an_hour(tmp_path: Path, memory: Path) -> None:
    old, new = (Path(tempfile.mkdtemp(prefix=git_access.DIRECTORY_PREFIX, dir=memory)) for _ in range(2))
    (old / "password").write_text("left behind")
    os.utime(old, (1, 1))
    with lent(SECRET, HTTPS, peer="93.184.216.34", policy=POLICY, near=tmp_path):
        assert not old.exists()
        assert new.exists()


def test_without_one_nothing_is_written(tmp_path: Path, memory: Path) -> None:
    with lent(None, HTTPS, peer="93.184.216.34", policy=POLICY, near=tmp_path) as environment:
        assert environment == {}
        assert not [*memory.iterdir()]


def test_ssh_is_told_where_to_go_and_whom_to_expect(tmp_path: Path) -> None:
    access = GitAccess(ssh_key="line 1\r\nline 2", known_hosts="[git.example.org]:2222 ssh-ed25519 AAAA")
    with lent(access, SSH, peer="93.184.216.34", policy=POLICY, near=tmp_path) as environment:
        command = environment["GIT_SSH_COMMAND"].split()
        config = Path(command[command.index("-F") + 1])
        text = config.read_text()
        assert (config.parent / "key").read_text() == "line 1\nline 2\n"
        assert (config.parent / "known_hosts").read_text() == access.known_hosts + "\n"
    assert "HostName 93.184.216.34\n" in text
    assert "HostKeyAlias [git.example.org]:2222\n" in text
    assert command[0] == "ssh"
    assert [option for option in command if "=" in option][:3] == [
        "BatchMode=yes",
        "StrictHostKeyChecking=yes",
        "ClearAllForwardings=yes",
    ]


def test_where_memory_cannot_hold_programs_a_folder_that_can_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoPrograms:
        f_flag = os.ST_NOEXEC

    monkeypatch.setattr(os, "statvfs", lambda _: NoPrograms)
    assert git_access._find_base(tmp_path) == tmp_path


def test_is_hidden_when_it_is_shown() -> None:
    access = GitAccess("robot", "CANARY", ssh_key="CANARY", known_hosts="x")
    assert "CANARY" not in f"{access!r} {access}"
    assert access.secrets() == ("CANARY", "CANARY")


@pytest.mark.parametrize("text", ["a\nb", "a\r", "\0"])
@pytest.mark.parametrize("field", ["username", "password"])
def test_of_several_lines_is_refused(field: str, text: str) -> None:
    with pytest.raises(InputError) as caught:
        GitAccess(**{field: text})
    assert (caught.value.code, caught.value.field) == ("CREDENTIAL_SYNTAX", field)
