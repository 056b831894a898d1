"""What the checking programs say becomes one verdict, and what they do not say is never good."""

from __future__ import annotations

import pytest

from gitopsui.domain.public_key import KeyFormat, PublicKey
from gitopsui.domain.signature import (
    UNSIGNED,
    Signature,
    Verdict,
    combine,
    describe,
    find_format,
    judge_gpg,
    judge_ssh,
    short_fingerprint,
    signature_of,
)

PRIMARY = "A" * 40
GPG = PublicKey(KeyFormat.OPENPGP, "", PRIMARY, "Ada <ada@example.org>")
SSH = PublicKey(KeyFormat.SSH, "", "SHA256:abc", "ada@example.org")
VALID = f"[GNUPG:] VALIDSIG {'B' * 40} 2026-11-01 1 0 4 0 22 8 00 {PRIMARY}\n"
GOOD = "[GNUPG:] GOODSIG BBBB Ada\n"


@pytest.mark.parametrize(
    ("status", "is_ok", "verdict"),
    [
        (GOOD + VALID, True, Verdict.GOOD),
        (GOOD + VALID, False, Verdict.EXPIRED),
        (GOOD, True, Verdict.UNKNOWN),
        (GOOD + VALID.replace(PRIMARY, "C" * 40), True, Verdict.UNKNOWN),
        (GOOD + GOOD + VALID, True, Verdict.BAD),
        ("gpg: " + GOOD + VALID, True, Verdict.UNCHECKED),
        ("", True, Verdict.UNCHECKED),
        ("[GNUPG:] BADSIG BBBB Ada\n", False, Verdict.BAD),
        ("[GNUPG:] REVKEYSIG BBBB Ada\n" + VALID, False, Verdict.BAD),
        ("[GNUPG:] EXPKEYSIG BBBB Ada\n" + VALID, False, Verdict.EXPIRED),
        ("[GNUPG:] EXPSIG BBBB Ada\n" + VALID, False, Verdict.EXPIRED),
        ("[GNUPG:] ERRSIG BBBB 22 8 00 1 9 " + "B" * 40, False, Verdict.UNKNOWN),
        ("[GNUPG:] ERRSIG BBBB 99 8 00 1 4", False, Verdict.UNCHECKED),
        ("[GNUPG:] ERRSIG", False, Verdict.UNCHECKED),
    ],
)
def test_of_gnupg(status: str, is_ok: bool, verdict: Verdict) -> None:
    assert judge_gpg(status, [GPG, SSH], is_ok=is_ok).verdict is verdict


@pytest.mark.parametrize(
    ("said", "is_ok", "verdict"),
    [
        ('Good "git" signature for ada@example.org with ED25519 key SHA256:abc', True, Verdict.GOOD),
        ('Good "git" signature for ada@example.org with ED25519 key SHA256:abc', False, Verdict.BAD),
        ('Good "git" signature for ada@example.org with ED25519 key SHA256:other', True, Verdict.BAD),
        ('Good "git" signature with ED25519 key SHA256:abc\nNo principal matched.', False, Verdict.UNKNOWN),
        ("Signature verification failed: incorrect signature", False, Verdict.BAD),
        ("", True, Verdict.BAD),
    ],
)
def test_of_ssh_keygen(said: str, is_ok: bool, verdict: Verdict) -> None:
    assert judge_ssh(said, [GPG, SSH], is_ok=is_ok).verdict is verdict


@pytest.mark.parametrize(
    ("tag", "commit", "of", "verdict"),
    [
        ("good", "unsigned", "tag", "good"),
        ("unsigned", "good", "commit", "good"),
        ("good", "bad", "commit", "bad"),
        ("unknown", "good", "commit", "good"),
        ("unknown", "unsigned", "tag", "unknown"),
        ("unsigned", "expired", "commit", "expired"),
        ("unsigned", "unsigned", "commit", "unsigned"),
    ],
)
def test_of_tag_and_commit_a_bad_one_counts_then_a_good_one(
    tag: str, commit: str, of: str, verdict: str
) -> None:
    found = combine(Signature(Verdict(tag)), Signature(Verdict(commit)))
    assert (found[0], found[1].verdict) == (of, verdict)


def test_the_last_mark_in_a_tag_says_which_program_checks_it() -> None:
    text = "-----BEGIN SSH SIGNATURE-----\nquoted\n-----BEGIN PGP SIGNATURE-----\n"
    assert find_format(text) is KeyFormat.OPENPGP
    assert find_format("> -----BEGIN PGP SIGNATURE-----") is None


def test_what_was_stored_is_read_back_and_nonsense_is_not_looked_at_yet() -> None:
    good = Signature(Verdict.GOOD, PRIMARY, "Ada")
    assert signature_of(good.to_dict()) == good
    assert signature_of({"verdict": "splendid"}).verdict is Verdict.UNCHECKED
    assert signature_of(None).verdict is Verdict.UNCHECKED


def test_every_verdict_is_a_sentence() -> None:
    assert (
        describe(Signature(Verdict.GOOD, PRIMARY, "Ada"), of="tag")
        == f"The tag is signed by Ada, key {'A' * 16}."
    )
    assert describe(UNSIGNED, of="commit") == "The commit is not signed."
    assert all(describe(Signature(one), of="tag").endswith(".") for one in Verdict)
    assert short_fingerprint("SHA256:" + "x" * 43) == "SHA256:" + "x" * 16
