"""The keys a project trusts, and what they make of the signatures of its releases."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.urls import reverse

from apps.accounts.models import Project
from apps.releases.models import Release, TrustedKey
from gitopsui.domain.public_key import KeyFormat
from gitopsui.domain.signature import Signature, Verdict, describe, has_expired, signature_of

NOT_YET = "Whether it is signed was not looked at yet."
_WORDS = {
    Verdict.GOOD: "signed with a key of this list",
    Verdict.BAD: "with a bad signature",
    Verdict.EXPIRED: "signed with an expired key",
    Verdict.UNKNOWN: "signed with another key",
    Verdict.UNCHECKED: "signed and not checked",
    Verdict.UNSIGNED: "not signed",
}


@dataclass(frozen=True, slots=True)
class Tally:
    """How many releases there are with one verdict, in words."""

    verdict: Verdict
    count: int
    words: str


def trust_digests(
    projects: Collection[int], *, programs: Iterable[KeyFormat], now: datetime
) -> dict[int, str]:
    """
    For projects, by id, what a verdict depends on besides what was signed: the keys, which of them are out
    of date, and which programs are there. One query.
    """
    facts: dict[int, list[Any]] = defaultdict(list)
    rows = TrustedKey.objects.filter(project__in=projects).order_by("pk")
    for project, fingerprint, added_at, expires_at in rows.values_list(
        "project_id", "fingerprint", "added_at", "expires_at"
    ):
        facts[project].append([fingerprint, added_at.isoformat(), has_expired(expires_at, now)])
    known = sorted(programs)
    return {pk: hashlib.sha256(json.dumps([known, facts[pk]]).encode()).hexdigest() for pk in projects}


def verdict_of(release: Release) -> tuple[str, Signature]:
    """
    What counts of the signatures of a release: of its `tag` or `commit`, and the verdict. Nobody looked yet
    where it was passed on another commit than the tag stands at now.
    """
    stored = release.signature or {}
    if not stored or stored.get("commit_sha") != release.commit_sha:
        return "tag", Signature(Verdict.UNCHECKED, reason=NOT_YET)
    return str(stored.get("of", "tag")), signature_of(stored)


def describe_release(release: Release) -> str:
    """The sentence on a release's signature."""
    of, signature = verdict_of(release)
    return NOT_YET if signature.reason == NOT_YET else describe(signature, of=of)


def list_keys(project: Project, *, now: datetime) -> list[dict[str, Any]]:
    """The rows of the page of trusted keys."""
    return [
        {
            "owner": row.owner.replace(",", ", "),
            "format": row.get_format_display(),
            "fingerprint": _grouped(row.fingerprint),
            "added_by": row.added_by,
            "added_at": row.added_at,
            "expires_at": row.expires_at,
            "is_expired": has_expired(row.expires_at, now),
            "remove_url": reverse("trusted-key-remove", args=[row.pk]),
        }
        for row in TrustedKey.objects.filter(project=project)
    ]


def _grouped(fingerprint: str) -> str:
    """`F0E9 8293 …`, as programs print it; one of ssh stays whole."""
    if ":" in fingerprint:
        return fingerprint
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def count_verdicts(project: Project) -> list[Tally]:
    """How the releases of a project are signed, best first. One query."""
    rows = Release.objects.filter(component__project=project, signature__isnull=False).order_by()
    counted = dict(rows.values_list("signature__verdict").annotate(count=Count("pk")))
    return [Tally(one, counted[one], words) for one, words in _WORDS.items() if counted.get(one)]


def find_missing_program(project: Project) -> str:
    """Why signatures of the project cannot be checked on this machine, "" where nothing is missing."""
    rows = Release.objects.filter(component__project=project, signature__verdict=Verdict.UNCHECKED)
    reasons = rows.filter(signature__reason__endswith="is not installed.").order_by()
    return str(reasons.values_list("signature__reason", flat=True).first() or "")
