"""Signatures are checked by the real programs against the keys of one call, and nothing else."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gitopsui.adapters.git_access import DIRECTORY_PREFIX
from gitopsui.adapters.git_history import History
from gitopsui.adapters.git_verify import find_programs
from gitopsui.domain.public_key import KeyFormat, PublicKey, read_public_key
from gitopsui.domain.signature import Signature, Verdict
from tests.adapters.git_http import Seed
from tests.adapters.signing import Signer, make_gpg, stop_agent, tamper

NOW = datetime.now(UTC)


@pytest.fixture
def seed(tmp_path: Path) -> Seed:
    made = Seed.create(tmp_path / "shop.git")
    made.commit()
    return made


@pytest.fixture(params=["gpg", "ssh"])
def signer(request: pytest.FixtureRequest, robot: Signer, dev: Signer) -> Signer:
    return robot if request.param == "gpg" else dev


def key_of(signer: Signer, principals: str = "dev@example.org") -> PublicKey:
    return read_public_key(signer.public, principals, now=NOW)


def check_tag(seed: Seed, sha: str, *keys: PublicKey, name: str = "v1") -> Signature:
    return History(seed.path).check_signatures([(sha, name)], [], keys=keys)[sha, name]


def test_a_signed_tag_and_commit_are_good_and_name_the_key(seed: Seed, signer: Signer) -> None:
    commit = signer.commit(seed)
    tag, key = signer.tag(seed, "v1", commit), key_of(signer)
    found = History(seed.path).check_signatures([(tag, "v1")], [commit], keys=[key])
    good = Signature(Verdict.GOOD, key.fingerprint, key.owner)
    assert found == {(tag, "v1"): good, (commit, ""): good}


def test_a_tag_with_another_text_under_its_signature_is_bad(seed: Seed, signer: Signer) -> None:
    signer.tag(seed, "v1", seed.commit())
    assert check_tag(seed, tamper(seed, "v1"), key_of(signer)).verdict is Verdict.BAD


def test_a_commit_with_another_text_under_its_signature_is_bad(seed: Seed, signer: Signer) -> None:
    content = seed.git("cat-file", "commit", signer.commit(seed)) + "\n"
    forged = seed.raw("commit", content.replace("feat: signed", "feat: forged").encode())
    found = History(seed.path).check_signatures([], [forged], keys=[key_of(signer)])
    assert found[forged, ""].verdict is Verdict.BAD


def test_a_key_that_is_not_trusted_is_unknown_and_named(
    seed: Seed, signer: Signer, robot: Signer, dev: Signer
) -> None:
    sha = signer.tag(seed, "v1", seed.commit())
    other = key_of(dev if signer is robot else robot)
    found = check_tag(seed, sha, other)
    assert (found.verdict, found.fingerprint) == (Verdict.UNKNOWN, key_of(signer).fingerprint)


def test_without_a_signature_it_is_unsigned(seed: Seed, robot: Signer) -> None:
    seed.tag("v1", seed.commit(), message="release v1")
    assert check_tag(seed, seed.git("rev-parse", "refs/tags/v1"), key_of(robot)).verdict is Verdict.UNSIGNED


def test_a_signed_tag_that_stands_under_another_name_is_bad(seed: Seed, signer: Signer) -> None:
    sha = signer.tag(seed, "v1", seed.commit())
    found = check_tag(seed, sha, key_of(signer), name="v2")
    assert (found.verdict, "calls itself v1" in found.reason) == (Verdict.BAD, True)


def test_a_key_that_has_expired_since_says_so(seed: Seed, tmp_path: Path) -> None:
    short = make_gpg(tmp_path / "short", "Old Robot <old@example.org>", lasts="1d", at="20250101T120000")
    try:
        sha = short.tag(seed, "v1", seed.commit())
    finally:
        stop_agent(short)
    key = read_public_key(short.public, "", now=datetime(2020, 1, 1, tzinfo=UTC))
    assert key.expires_at is not None
    found = check_tag(seed, sha, key)
    assert (found.verdict, found.fingerprint) == (Verdict.EXPIRED, key.fingerprint)


@pytest.mark.parametrize(("kind", "program"), [("gpg", "gpg"), ("ssh", "ssh-keygen")])
def test_without_the_program_it_cannot_be_checked(
    seed: Seed, robot: Signer, dev: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    kind: str, program: str,
) -> None:  # fmt: skip
    signer = robot if kind == "gpg" else dev
    sha = signer.tag(seed, "v1", seed.commit())
    only_git = tmp_path / "bin"
    only_git.mkdir()
    (only_git / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(only_git))
    assert find_programs() == frozenset()
    found = check_tag(seed, sha, key_of(signer))
    assert found == Signature(Verdict.UNCHECKED, reason=f"{program} is not installed.")


def test_the_keyring_of_whoever_runs_this_is_neither_read_nor_written(
    seed: Seed, robot: Signer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GNUPGHOME", robot.home)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    before = sorted(os.listdir(robot.home))
    sha = robot.tag(seed, "v1", seed.commit())
    assert check_tag(seed, sha).verdict is Verdict.UNKNOWN
    assert sorted(os.listdir(robot.home)) == before
    assert not (tmp_path / "home").exists()


def test_nothing_is_left_of_the_keys_of_a_check(seed: Seed, robot: Signer, memory: Path) -> None:
    check_tag(seed, robot.tag(seed, "v1", seed.commit()), key_of(robot))
    assert not [*memory.iterdir(), *seed.path.parent.glob(f"{DIRECTORY_PREFIX}*")]


def test_an_x509_signature_is_said_not_to_be_checked(seed: Seed, robot: Signer) -> None:
    text = "object {}\ntype commit\ntag v1\ntagger a <a@example.org> 1 +0000\n\nx\n"
    text += "-----BEGIN SIGNED MESSAGE-----\nAAAA\n-----END SIGNED MESSAGE-----\n"
    sha = seed.raw("tag", text.format(seed.commit()).encode())
    found = check_tag(seed, sha, key_of(robot))
    assert (found.verdict, "X.509" in found.reason) == (Verdict.UNCHECKED, True)


def test_every_format_has_a_program_here() -> None:
    assert find_programs() <= frozenset(KeyFormat)


def test_what_is_too_large_is_said_not_to_be_checked_and_hides_no_other(seed: Seed, robot: Signer) -> None:
    text = f"object {seed.commit()}\ntype commit\ntag v2\ntagger a <a@example.org> 1 +0000\n\n"
    large = seed.raw("tag", (text + "x" * (300 << 10)).encode())
    sha = robot.tag(seed, "v1", seed.commit())
    asked = [(sha, "v1"), (large, "v2"), ("e" * 40, "v3")]
    found = History(seed.path).check_signatures(asked, [], keys=[key_of(robot)])
    assert {name: one.verdict for (_, name), one in found.items()} == {
        "v1": Verdict.GOOD,
        "v2": Verdict.UNCHECKED,
    }


def test_several_keys_are_taken_at_once(seed: Seed, robot: Signer, dev: Signer, tmp_path: Path) -> None:
    other = make_gpg(tmp_path / "other", "Other Robot <other@example.org>")
    try:
        shas = [
            one.tag(seed, name, seed.commit()) for one, name in ((robot, "v1"), (other, "v2"), (dev, "v3"))
        ]
    finally:
        stop_agent(other)
    keys = [key_of(one) for one in (dev, other, robot)]
    asked = list(zip(shas, ("v1", "v2", "v3"), strict=True))
    found = History(seed.path).check_signatures(asked, [], keys=keys)
    assert [found[one].name for one in asked] == [key_of(one).owner for one in (robot, other, dev)]
