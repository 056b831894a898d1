"""What Git says is told in a sentence, under a code, without what must not be shown."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gitopsui.adapters.git_errors import FAILURES, describe, describe_process
from gitopsui.adapters.process import OutputTooLarge, ProcessTimeout, ProgramNotFound

SAID = {
    "fatal: Authentication failed for 'https://git.example.org/a/'": "GIT_AUTH",
    "fatal: could not read Username for 'https://x': terminal prompts disabled": "GIT_AUTH",
    "git@host: Permission denied (publickey).\nfatal: Could not read from remote repository.": "GIT_AUTH",
    "remote: HTTP Basic: Access denied\nfatal: unable to access 'x'": "GIT_AUTH",
    "fatal: unable to access 'https://x/': The requested URL returned error: 403": "GIT_AUTH",
    "remote: Repository not found.\nfatal: repository 'https://x/' not found": "GIT_NOT_FOUND",
    "fatal: '/a.git' does not appear to be a git repository": "GIT_NOT_FOUND",
    "fatal: https://x/info/refs not valid: is this a git repository?": "GIT_NOT_FOUND",
    "fatal: unable to access 'x': Could not resolve host: git.example.org": "GIT_UNREACHABLE",
    "fatal: unable to access 'x': Failed to connect to x port 443": "GIT_UNREACHABLE",
    "error: RPC failed; curl 56 GnuTLS recv error (-9): connection closed": "GIT_TLS",
    "fatal: the remote end hung up unexpectedly": "GIT_UNREACHABLE",
    "fatal: unable to access 'x': The requested URL returned error: 502": "GIT_UNREACHABLE",
    "error: RPC failed; curl 28 Operation too slow. Less than 1024 bytes/sec": "GIT_TIMEOUT",
    "ssh: connect to host x port 22: Connection timed out": "GIT_TIMEOUT",
    "fatal: unable to access 'x': SSL certificate problem: self-signed certificate": "GIT_TLS",
    "Host key verification failed.\nfatal: Could not read from remote repository.": "GIT_TLS",
    "error: object 6d0: hasDotdot: contains '..'\nfatal: fsck error in packed object": "GIT_REFUSED",
    "remote: fatal: bad object 111\nfatal: early EOF": "GIT_REFUSED",
    "error: x did not send all necessary objects": "GIT_REFUSED",
    "fatal: write error: No space left on device\nfatal: index-pack failed": "GIT_NO_SPACE",
    "error: cannot lock ref: Unable to create '/m/refs/heads/main.lock': File exists.": "GIT_BUSY",
    "error: inflate: data stream error (incorrect data check)": "GIT_DAMAGED",
    "fatal: loose object 123 (stored in x) is corrupt": "GIT_DAMAGED",
    "fatal: packed object 1 (stored in x.pack) is corrupt": "GIT_DAMAGED",
    "fatal: not a git repository: '/m'": "GIT_DAMAGED",
    "fatal: bad object 1111": "GIT_REF_MISSING",
    "something nobody has seen before": "GIT_ERROR",
    "": "GIT_ERROR",
}


@pytest.mark.parametrize("said", SAID, ids=lambda said: said[:40])
def test_each_saying_has_its_code(said: str) -> None:
    assert describe(128, said.encode()).code == SAID[said]


@pytest.mark.parametrize(
    "lie",
    [
        "remote: No space left on device",
        "remote: fatal: loose object 123 is corrupt",
        "remote: Unable to create '/m/x.lock'",
        "remote: fsck error",
    ],
)
def test_the_other_side_cannot_speak_for_our_disk(lie: str) -> None:
    code = describe(128, f"{lie}\nfatal: the remote end hung up unexpectedly".encode()).code
    assert code in ("GIT_UNREACHABLE", "GIT_REFUSED")


def test_sentences_end_and_repeat_nothing_git_said() -> None:
    for failure in FAILURES:
        assert failure.message.endswith(".")
        assert failure.message[0].isupper()
        assert not failure.hint or failure.hint.endswith(".")


def test_what_is_unknown_is_quoted_short_masked_and_visible() -> None:
    stderr = (
        b"remote: <script>CANARY-remote</script>\n"
        b"hint: CANARY-hint\n"
        b"fatal: odd \x1b[31m thing with hunter2 at https://user:CANARY@host/ " + b"x" * 500
    )
    error = describe(128, stderr, secrets=("hunter2",))
    assert error.message.startswith("Git failed: odd \\x1b[31m thing with •••••• at https://")
    assert "CANARY" not in error.message
    assert len(error.message) < 250


def test_a_git_that_was_ended_is_described() -> None:
    assert describe_process(ProgramNotFound("git")).code == "GIT_NOT_INSTALLED"
    assert describe_process(OutputTooLarge("git", 5)).code == "GIT_TOO_LARGE"
    late = describe_process(ProcessTimeout("git", timedelta(seconds=90)))
    assert (late.code, late.permanent) == ("GIT_TIMEOUT", False)
    assert "90 seconds" in late.message
