"""
The deep check: every object that Git asks for is applied as a dry run, and the API server itself says what
would change. Asked for by people, done by a job, only where the connection may.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol

from django.db import transaction

from apps.accounts.models import Person
from apps.core import audit, jobs
from apps.environments.models import Application, DeepCheck
from apps.environments.selectors.deep_check import DEEP_CHECK, refusal_of
from apps.environments.services.desired import RenderDoor, head_of, source_of
from apps.environments.services.findings import change_json
from apps.environments.services.silences import rules_for
from gitopsui.adapters.cluster import DryRun, Outcome
from gitopsui.adapters.git import Mirror
from gitopsui.adapters.render import Rendered
from gitopsui.adapters.render_source import HELM
from gitopsui.domain.diff import FieldChange
from gitopsui.domain.drift import DriftKind, IgnoreRule, compare
from gitopsui.domain.dry_run import owned_part
from gitopsui.domain.errors import ClusterError, InputError, RenderError
from gitopsui.domain.identity import Manifest, ResourceKey, find_key, flatten
from gitopsui.domain.mask import is_secret_kind
from gitopsui.domain.mask_text import mask_text
from gitopsui.domain.owner import is_hook
from gitopsui.domain.text import clean_text
from gitopsui.domain.volatile import volatile_rules

MANAGER = "gitopsui"
LONGEST = timedelta(seconds=150)
# What is said of one object alone; any other failure is one of the cluster.
_OF_ONE_OBJECT = ("KIND_UNKNOWN", "KIND_UNAVAILABLE", "CLUSTER_TOO_LARGE")
NOT_IN_TIME = "There was no time left for it."
NAME_MADE_UP = "Each render gives it another name, so there is nothing to compare it with."
NO_VALUES = "This connection does not read Secret values, so Secrets are left out."
INCOMPLETE = "Some files of the folder cannot be read, so this is not everything Git asks for."


class Verdict(StrEnum):
    """What the API server made of one object."""

    UNCHANGED = "unchanged"
    CHANGED = "changed"
    CREATED = "created"  # it is not there and would be made
    REFUSED = "refused"  # the server would not take it
    FORBIDDEN = "forbidden"  # our account lacks a right
    UNKNOWN = "unknown"  # it could not be asked about
    SKIPPED = "skipped"  # it was left out on purpose


class DryRunDoor(Protocol):
    """What the service asks of a cluster."""

    def dry_run_apply(self, manifest: Manifest, *, manager: str, namespace: str) -> DryRun: ...


@dataclass(frozen=True, slots=True)
class Finding:
    """One object and what became of it; `run` is there while its fields are still to be compared."""

    key: ResourceKey
    verdict: Verdict
    reason: str = ""
    changes: tuple[FieldChange, ...] = ()
    run: DryRun | None = None


def ask_deep_check(application: Application, *, by: Person, now: datetime) -> None:
    """Have a job do it. Raises InputError DEEP_CHECK where it cannot be done."""
    if refusal := refusal_of(application):
        raise InputError(refusal, code="DEEP_CHECK")
    with transaction.atomic():
        asked = {"asked_at": now, "asked_by": by.get_username(), "checked_at": None, "findings": []}
        DeepCheck.objects.update_or_create(
            application=application, defaults={**asked, "desired_sha": "", "error": "", "error_hint": ""}
        )
        audit.record(by, "asked for a deep check of application", application)
        jobs.ask(DEEP_CHECK, application.pk, label=f"deep check of {application}")


def run_deep_check(
    application: Application,
    *,
    git: Mirror,
    renderer: RenderDoor,
    cluster: DryRunDoor | None,
    now: datetime,
) -> None:
    """
    Render, ask, record. Whatever fails is stored as the answer, so that the page comes to rest. The unmasked
    manifests live in this call alone: what the door answers is masked.
    """
    asked = DeepCheck.objects.filter(application=application, checked_at=None).first()
    if asked is None:
        return
    if cluster is None or refusal_of(application):
        # It was asked for while it could be.
        _store(asked, now, error=refusal_of(application) or "The cluster cannot be reached.")
        return
    head = head_of(application)
    if head is None:
        _store(asked, now, error="The branch is gone, so nothing says what is desired.")
        return
    asked.desired_sha = head.commit_sha
    try:
        source = source_of(application)
        # A chart may roll dice, and what it rolls differs from what is live each time.
        rendered = renderer.render(git, head.commit_sha, source, check_determinism=source.renderer == HELM)
        findings = _findings(application, rendered, cluster, now)
    except (RenderError, ClusterError) as error:
        _store(asked, now, error=error.message, hint=error.hint)
        return
    _store(asked, now, findings, error=INCOMPLETE if rendered.unreadable else "")


def _store(
    asked: DeepCheck, now: datetime, findings: Sequence[Finding] = (), *, error: str = "", hint: str = ""
) -> None:
    """One that was asked for again in the meantime keeps waiting for its own answer."""
    DeepCheck.objects.filter(pk=asked.pk, asked_at=asked.asked_at).update(
        checked_at=now,
        desired_sha=asked.desired_sha,
        findings=[_as_json(finding) for finding in findings],
        error=mask_text(clean_text(error, limit=1000)),
        error_hint=clean_text(hint, limit=1000),
    )


def _as_json(finding: Finding) -> dict[str, Any]:
    key = finding.key
    return {
        "group": clean_text(key.group, limit=253),
        "kind": clean_text(key.kind, limit=100),
        "namespace": clean_text(key.namespace, limit=253),
        "name": clean_text(key.name, limit=300),
        "verdict": finding.verdict.value,
        "changes": [change_json(change) for change in finding.changes],
        "reason": mask_text(clean_text(finding.reason, limit=1000)),
    }


def _findings(
    application: Application, rendered: Rendered, cluster: DryRunDoor, now: datetime
) -> list[Finding]:
    namespace = application.namespace or "default"
    # Of two with one key the last one counts, as it does when they are applied.
    wanted = {find_key(one): one for one in flatten(rendered.manifests) if not is_hook(one)}
    nameless = {field.key for field in rendered.volatile if field.is_name} & wanted.keys()
    found = [Finding(key, Verdict.SKIPPED, NAME_MADE_UP) for key in nameless]
    asked = {key: one for key, one in wanted.items() if key not in nameless}
    reads_secrets = application.cluster is not None and application.cluster.reads_secrets
    found += _ask_all(asked, cluster, namespace=namespace, reads_secrets=reads_secrets)
    rules = (*rules_for(application, now=now), *volatile_rules(rendered.volatile))
    return sorted(_compared(found, rules, namespace, now), key=lambda finding: finding.key)


def _ask_all(
    wanted: dict[ResourceKey, Manifest], cluster: DryRunDoor, *, namespace: str, reads_secrets: bool
) -> Iterator[Finding]:
    end = time.monotonic() + LONGEST.total_seconds()
    for key, manifest in wanted.items():
        if is_secret_kind(key.kind) and not reads_secrets:
            yield Finding(key, Verdict.SKIPPED, NO_VALUES)
        elif time.monotonic() > end:
            yield Finding(key, Verdict.UNKNOWN, NOT_IN_TIME)
        else:
            yield _ask(key, manifest, cluster, namespace)


def _ask(key: ResourceKey, manifest: Manifest, cluster: DryRunDoor, namespace: str) -> Finding:
    try:
        run = cluster.dry_run_apply(manifest, manager=MANAGER, namespace=namespace)
    except ClusterError as error:
        if error.code not in _OF_ONE_OBJECT:
            raise
        return Finding(key, Verdict.UNKNOWN, error.message)
    if run.outcome is Outcome.APPLIED:
        return Finding(key, Verdict.UNCHANGED, run=run)
    return Finding(key, Verdict(run.outcome.value), run.message)


def _compared(
    findings: Sequence[Finding], rules: Sequence[IgnoreRule], namespace: str, now: datetime
) -> Iterator[Finding]:
    """The findings with the fields that would change, by the rules that the drift table goes by."""
    runs = [finding.run for finding in findings if finding.run is not None]
    applied = [owned_part(run.applied or {}, manager=MANAGER) for run in runs]
    live = [run.live or {} for run in runs]
    drifts = compare(applied, live, ignore=rules, namespace=namespace, now=now)
    by_key = {drift.key: drift for drift in drifts}
    for finding in findings:
        key = find_key(finding.run.live or {}) if finding.run is not None else finding.key
        drift = by_key.get(key) if finding.run is not None else None
        if drift is None:
            yield finding
        elif drift.kind is DriftKind.MODIFIED:
            yield replace(finding, verdict=Verdict.CHANGED, changes=drift.changes)
        else:
            yield replace(finding, verdict=Verdict.UNKNOWN, reason=drift.reason)
