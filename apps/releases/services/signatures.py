"""The signatures of releases are checked: the tag, and the commit it stands at. Only by the workers."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Protocol

from django.utils import timezone

from apps.environments.models import Component
from apps.releases.models import Release, TrustedKey
from apps.releases.selectors.trusted_keys import trust_digests
from apps.repositories.models import Revision
from gitopsui.adapters.git_verify import find_programs
from gitopsui.domain.public_key import PublicKey
from gitopsui.domain.signature import UNSIGNED, Signature, Verdict, combine

# Releases whose objects are read at once: should each check take its longest, the job still ends in time.
PORTION = 25
# Each signature is a process or two: what is left is done by the next run.
RUN_FOR = timedelta(seconds=45)
Found = Mapping[tuple[str, str], Signature]
_MISSING = Signature(Verdict.UNCHECKED, reason="It is not in the mirror yet.")


class SignatureDoor(Protocol):
    """The part of `Mirror` that checks signatures."""

    def check_signatures(
        self, tags: Iterable[tuple[str, str]], commits: Iterable[str], *, keys: Sequence[PublicKey]
    ) -> dict[tuple[str, str], Signature]: ...


def update_signatures(component: Component, *, git: SignatureDoor, run_for: timedelta = RUN_FOR) -> bool:
    """
    Check the signatures that were not checked yet, or against other keys, the newest release first; whether
    any are left for another run. Raises GitError.
    """
    source = component.source
    if source is None:
        return False
    ends = time.monotonic() + run_for.total_seconds()
    programs = find_programs()
    trust = trust_digests([component.project_id], programs=programs, now=timezone.now())[component.project_id]
    rows = {row.short: row for row in source.revisions.filter(kind="tag", gone_at=None, is_annotated=True)}
    keys = [row.as_key() for row in TrustedKey.objects.filter(project=component.project_id)]
    releases = component.releases.order_by("position").only("pk", "tag", "commit_sha", "signature")
    due = [one for one in releases if (one.signature or {}).get("judged") != _judged(one, rows, trust)]
    for start in range(0, len(due), PORTION):
        portion = due[start : start + PORTION]
        tags = [(rows[one.tag].sha, one.tag) for one in portion if one.tag in rows]
        found = git.check_signatures(tags, [one.commit_sha for one in portion], keys=keys)
        for one in portion:
            one.signature = _judge(one, rows, found) | {"judged": _judged(one, rows, trust)}
        Release.objects.bulk_update(portion, ["signature"], batch_size=PORTION)
        if time.monotonic() > ends:
            return start + PORTION < len(due)
    return False


def _judged(release: Release, rows: Mapping[str, Revision], trust: str) -> str:
    """What a verdict was passed on and by; another one is due when it differs."""
    tag = rows[release.tag].sha if release.tag in rows else ""
    return hashlib.sha256(f"{tag} {release.commit_sha} {trust}".encode()).hexdigest()[:32]


def _judge(release: Release, rows: Mapping[str, Revision], found: Found) -> dict[str, Any]:
    is_annotated = release.tag in rows
    tag = found.get((rows[release.tag].sha, release.tag), _MISSING) if is_annotated else UNSIGNED
    commit = found.get((release.commit_sha, ""), _MISSING)
    of, counts = combine(tag, commit)
    facts = {"of": of, "commit_sha": release.commit_sha, "is_annotated": is_annotated}
    return counts.to_dict() | facts
