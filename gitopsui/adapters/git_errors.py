"""What Git says when it fails → one of our errors, in a sentence for the user."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from gitopsui.adapters.process import OutputTooLarge, ProcessTimeout, ProgramNotFound
from gitopsui.domain.errors import GitError, SourceError
from gitopsui.domain.mask_text import BULLETS, mask_text
from gitopsui.domain.text import visible

MAX_QUOTE = 200


@dataclass(frozen=True, slots=True)
class Failure:
    """
    One way to fail. `pattern` is searched in the lines of stderr; with `is_local` not in those that begin
    with `remote:`, because the other side must not be able to tell us that our own disk is full.
    """

    pattern: re.Pattern[str]
    code: str
    message: str
    hint: str = ""
    permanent: bool = False
    is_local: bool = False


def _failure(pattern: str, code: str, message: str, hint: str = "", **marks: bool) -> Failure:
    return Failure(re.compile(pattern, re.IGNORECASE | re.MULTILINE), code, message, hint, **marks)


# The first that matches speaks.
FAILURES = (
    _failure(
        r"no space left on device|disk quota exceeded",
        "GIT_NO_SPACE",
        "There is no space left on the disk that holds the mirrors; the last state is kept.",
        "Free some space; the next poll goes on by itself.",
        is_local=True,
    ),
    _failure(
        r"fsck error|\b(error|fatal).*(hasDotdot|hasDotgit|hasDot|fullPathname|gitmodules|treeNotSorted"
        r"|duplicateEntries|unsafe path)|object of unexpected type",
        "GIT_REFUSED",
        "The repository holds objects that Git's own check refuses as unsafe; nothing was taken.",
        "Ask the owner of the repository to remove the unsafe commits.",
        permanent=True,
        is_local=True,
    ),
    _failure(
        r"ssh: (command )?not found|cannot run ssh",
        "GIT_NOT_INSTALLED",
        "The program ssh is not installed on this server.",
        "Install an ssh client, or use an https:// address.",
        permanent=True,
        is_local=True,
    ),
    _failure(
        r"shallow update not allowed|shallow roots are not allowed|source repository is shallow",
        "GIT_REFUSED",
        "The remote is a shallow clone: a part of its history is missing, so it cannot be mirrored.",
        "Enter the address of the complete repository.",
        permanent=True,
        is_local=True,
    ),
    _failure(
        r"^remote: .*(bad object|missing|corrupt|could not parse)|did not send all necessary objects"
        r"|upload-pack: not our ref|remote error: upload-pack.*(bad|corrupt)",
        "GIT_REFUSED",
        "The remote cannot send some of its own objects: it is damaged or was changed just now.",
        "When this stays, ask the owner of the repository to run git fsck there.",
    ),
    _failure(
        r"unable to create '.*\.lock'",
        "GIT_BUSY",
        "Another process holds a lock in the mirror, or left one behind.",
        "A lock that was left behind is removed when it is old enough.",
        is_local=True,
    ),
    _failure(
        r"corrupt|inflate|bad packed object|packfile .*(cannot be accessed|too small|not a|does not match)"
        r"|index file .*(too small|not)|object file .* is empty|failed to read object"
        r"|unable to read (tree|sha1)|not a git repository|pack has bad object|bad signature|bad tree object"
        r"|unable to find [0-9a-f]{40}"
        r"|cannot read existing object|could not read [0-9a-f]{40}|missing blob|missing tree",
        "GIT_DAMAGED",
        "The mirror of this repository is damaged; it is built again with the next fetch.",
        is_local=True,
    ),
    _failure(
        r"authentication failed|could not read (username|password)|invalid (username|credentials)"
        r"|permission denied \(|access denied|returned error: 40[13]|terminal prompts disabled"
        r"|load key .*(invalid|error)|bad permissions",
        "GIT_AUTH",
        "The remote refuses the credential, or asks for one.",
        "Enter a credential that may read this repository.",
        permanent=True,
    ),
    _failure(
        r"returned error: 3\d\d|unable to update url base from redirection",
        "GIT_NOT_FOUND",
        "The address leads to another address, which is not followed.",
        "Enter the final address of the repository.",
        permanent=True,
    ),
    _failure(
        r"repository .*not found|returned error: 404|does not appear to be a git repository"
        r"|not valid: is this a git repository|project you were looking for could not be found",
        "GIT_NOT_FOUND",
        "There is no repository at this address, or the credential may not see it.",
        "Check the address, and what the credential may read.",
        permanent=True,
    ),
    _failure(
        r"dumb http transport",
        "GIT_NOT_FOUND",
        "The address offers the files of a repository and no Git service, which is not accepted.",
        "Enter the address of a Git server that speaks the smart protocol.",
        permanent=True,
    ),
    _failure(
        r"host key verification failed|remote host identification has changed",
        "GIT_TLS",
        "The host key of the remote is not the one that is known.",
        "Compare the key with the one the host publishes, and enter it as a known host.",
    ),
    _failure(
        r"certificate|gnutls|\bssl\b|ssl_|tls connect|openssl",
        "GIT_TLS",
        "The certificate of the remote cannot be trusted, or the encrypted connection failed.",
        "Check the certificate of the host, or name the file of its authority in the settings.",
        is_local=True,
    ),
    _failure(
        r"operation too slow|timed out|timeout",
        "GIT_TIMEOUT",
        "The remote was too slow.",
    ),
    _failure(
        r"returned error: (5\d\d|429)",
        "GIT_UNREACHABLE",
        "The remote answers with a fault of its own.",
    ),
    _failure(
        r"could not resolve|failed to connect|couldn't connect|connection (refused|reset|closed)|no route"
        r"|network is unreachable|empty reply|hung up|early eof|recv failure|transfer closed"
        r"|unexpected disconnect|curl \d+|rpc failed|unable to access",
        "GIT_UNREACHABLE",
        "The remote cannot be reached, or broke the connection.",
    ),
    _failure(
        r"bad object|bad revision|not a valid (object|commit) name|unknown revision|invalid object name"
        r"|not a tree object|invalid upstream|ambiguous argument|needed a single revision",
        "GIT_REF_MISSING",
        "The mirror holds no such branch, tag or commit.",
        permanent=True,
    ),
)


def describe(returncode: int, stderr: bytes, *, secrets: Iterable[str] = ()) -> GitError:
    """The error for a command that ended with `returncode` and wrote `stderr`."""
    text = stderr.decode("utf-8", "replace").replace("\r", "\n")
    local = "\n".join(line for line in text.splitlines() if not line.startswith("remote:"))
    for failure in FAILURES:
        if failure.pattern.search(local if failure.is_local else text):
            return GitError(
                failure.message, code=failure.code, permanent=failure.permanent, hint=failure.hint
            )
    said = _quote(local, secrets) or f"it ended with code {returncode}"
    return GitError(f"Git failed: {said}.", code="GIT_ERROR")


def describe_process(error: SourceError) -> GitError:
    """The error for a git that could not be run to its end."""
    if isinstance(error, ProgramNotFound):
        hint = "Install git 2.39 or newer, and an ssh client for ssh addresses."
        return GitError(error.message, code="GIT_NOT_INSTALLED", permanent=True, hint=hint)
    if isinstance(error, ProcessTimeout):
        seconds = error.timeout.total_seconds()
        message = f"Git was ended after {seconds:g} seconds; the last state is kept."
        return GitError(message, code="GIT_TIMEOUT")
    if isinstance(error, OutputTooLarge):
        message = "Git answered with more than is read at once."
        return GitError(message, code="GIT_TOO_LARGE", permanent=True)
    return GitError(error.message, code="GIT_ERROR")


def _quote(text: str, secrets: Iterable[str]) -> str:
    """The last line Git calls fatal, short, printable and without what must not be shown."""
    lines = [line for line in text.splitlines() if line.startswith(("fatal:", "error:"))]
    if not lines:
        return ""
    return mask_words(lines[-1].partition(":")[2], secrets)[:MAX_QUOTE].rstrip(".")


def mask_words(words: str | bytes, secrets: Iterable[str]) -> str:
    """What the other side wrote, printable and without what must not be shown."""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else words
    for secret in secrets:
        text = text.replace(secret, BULLETS)
    return visible(mask_text(text.strip()))
