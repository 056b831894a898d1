"""
Whether an application has to be compared again. A mark stands for all that its last verdict was made from;
while it stays, the time of the look is all that there is to store.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path

from apps.environments.models import Application, Cluster
from apps.environments.services.desired import Desired
from apps.environments.services.live import Live, uid_of
from gitopsui.domain import drift
from gitopsui.domain.drift import IgnoreRule, SyncStatus
from gitopsui.domain.identity import Manifest, find_key
from gitopsui.domain.tree import mapping, text


def mark_of(
    application: Application, desired: Desired, live: Live | None, rules: Sequence[IgnoreRule]
) -> str:
    """
    The mark of a check that can be told again: the inputs of Git, the rules in force, each live object by its
    uid and resourceVersion, the kinds that could not be read, and our own code. "" where something has none.
    """
    if live is None or desired.error is not None or desired.is_incomplete:
        return ""
    versions = [_version(manifest) for manifest in (*live.own, *live.made)]
    if not all(versions):
        return ""
    facts = (
        _code(),
        desired.digest,
        repr((application.namespace, application.component.image, *connection_of(application.cluster))),
        repr(live.owner),
        repr(sorted((str(kind), reason) for kind, reason in live.unreadable.items())),
        *map(repr, rules),
        "",
        *sorted(versions),
    )
    return hashlib.sha256("\n".join(facts).encode("utf-8", "surrogatepass")).hexdigest()


def connection_of(cluster: Cluster | None) -> tuple[object, ...]:
    """What of the connection decides what an object says."""
    return (cluster.pk, cluster.reads_secrets) if cluster else ()


def _version(manifest: Manifest) -> str:
    """What the cluster changes with each write of the object; "" where it does not say."""
    metadata = mapping(manifest.get("metadata"))
    version, uid = text(metadata.get("resourceVersion")), uid_of(manifest)
    return f"{find_key(manifest)} {manifest.get('apiVersion')} {uid} {version}" if version and uid else ""


@cache
def _code() -> str:
    """Our own rules as they stand: a release that may judge otherwise than the one before looks again."""
    folders = (Path(drift.__file__).parent, Path(__file__).parent)
    return digest_of(path for folder in folders for path in sorted(folder.glob("*.py")))


def digest_of(paths: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for path in paths:
        total.update(path.read_bytes())
    return total.hexdigest()


def is_unchanged(application: Application, mark: str) -> bool:
    """Whether the stored verdict is the answer for this mark too, as it stands."""
    is_well = application.failed_at is None and not application.desired_error_code
    return bool(mark) and mark == application.compared and is_well and application.checked_at is not None


def kept_mark(mark: str, sync: SyncStatus) -> str:
    """What to store beside a verdict: what could not be known is looked at again."""
    return "" if sync is SyncStatus.UNKNOWN else mark


def record_unchanged(application: Application, desired: Desired, *, now: datetime) -> None:
    """Only the time of the look, and the commit where that moved without touching what is read from it."""
    values: dict[str, object] = {"checked_at": now, "desired_at": now}
    if desired.sha != application.desired_sha:
        values |= {"desired_sha": desired.sha, "changed_at": now}
    if desired.sha != application.compared_sha:
        values["compared_sha"] = desired.sha
    # Another check may have found something newer meanwhile, which stays.
    rows = Application.objects.filter(pk=application.pk, compared=application.compared, failed_at=None)
    rows.update(**values)
    if application.drift_count or "silenced" in application.sync_reason:
        application.drifts.filter(resolved_at=None).update(last_seen_at=now, desired_sha=desired.sha)
