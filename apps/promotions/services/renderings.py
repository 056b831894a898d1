"""Renders what a promotion changes for real: at its base and at its commit, once that exists."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from apps.core import jobs
from apps.environments.models import Application, DesiredState
from apps.environments.services.desired import Mask, RenderDoor, state_at, volatile_in
from apps.promotions.models import Promotion, PromotionItem, Rendering
from apps.promotions.selectors.rendered import RENDER
from gitopsui.adapters.git import Mirror
from gitopsui.domain.errors import GitError, RenderError
from gitopsui.domain.promotion import UNDER_WAY, Phase
from gitopsui.domain.rendered import RenderedChange, compare_rendered
from gitopsui.domain.text import clean_text

# From its commit until it has arrived; what ended otherwise is not worth the work.
RENDERED_IN = UNDER_WAY - {Phase.PLANNED}
MOST_STORED = 1_000  # resources by name
MOST_STORED_CHARS = 2_000_000  # of their manifests, for one application
Report = Callable[[int, int, str], None]


def schedule_rendering(promotion: Promotion) -> None:
    """Have a worker of the usual queue render it, unless that is done or there is no commit yet."""
    if not promotion.head_sha or promotion.phase not in RENDERED_IN:
        return
    if not promotion.items.filter(rendering=None).exists():
        return
    row = jobs.schedule(RENDER, promotion.pk, label=f"rendering of {promotion}")
    if row.state in ("done", "waiting"):
        jobs.make_due(RENDER, [promotion.pk])
    jobs.enqueue_due(RENDER, [promotion.pk])


def render_promotion(
    promotion: Promotion,
    *,
    git: Mirror,
    renderer: RenderDoor,
    mask: Mask,
    now: datetime,
    report: Report | None = None,
) -> None:
    """
    Store what each application renders to, those that are done left out, so that a killed run goes on. Raises
    GitError and RenderError for what may pass; what is lasting is stored as the answer.
    """
    rows = promotion.items.filter(rendering=None).select_related(
        "application__component", "application__environment", "application__repository"
    )
    items = list(rows)
    for number, item in enumerate(items, 1):
        if report:
            report(number, len(items), f"{number} of {len(items)} applications")
        values = _render(promotion, item, git=git, renderer=renderer, mask=mask, now=now)
        Rendering.objects.update_or_create(
            item=item,
            defaults={
                "base_sha": promotion.base_sha,
                "head_sha": promotion.head_sha,
                "rendered_at": now,
                **values,
            },
        )


def _render(
    promotion: Promotion, item: PromotionItem, *, git: Mirror, renderer: RenderDoor, mask: Mask, now: datetime
) -> dict[str, Any]:
    application, states = item.application, []
    if application.refusal:
        return {"error": application.refusal, "error_code": "NOT_RENDERED"}
    for sha, before in ((promotion.base_sha, "Before this edit"), (promotion.head_sha, "With this edit")):
        try:
            states.append(state_at(application, sha, git=git, renderer=renderer, mask=mask, now=now))
        except (RenderError, GitError) as error:
            if not error.permanent:
                raise
            return _failed(f"{before}, at {sha[:8]}, it cannot be rendered: ", error)
    base, head = states
    volatile = (*volatile_in(base), *volatile_in(head))
    changes = compare_rendered(base.manifests, head.manifests, volatile=volatile)
    return {"resources": _stored(changes), "notes": _notes(application, states, changes)}


def _failed(words: str, error: RenderError | GitError) -> dict[str, Any]:
    return {
        "error": clean_text(words + error.message, limit=2_000),
        "error_code": error.code,
        "error_hint": clean_text(error.hint, limit=1_000),
    }


def _stored(changes: Sequence[RenderedChange]) -> list[dict[str, Any]]:
    """The resources in order; of those that come after too many characters only the names."""
    rows, left = [], MOST_STORED_CHARS
    for one in changes[:MOST_STORED]:
        key = one.key
        row = {
            "group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name,
            "change": one.change.value,
        }  # fmt: skip
        left -= len(json.dumps([one.old, one.new], ensure_ascii=False))
        rows.append(row if left < 0 else {**row, "old": one.old, "new": one.new})
    return rows


def _notes(
    application: Application, states: Sequence[DesiredState], changes: Sequence[RenderedChange]
) -> list[str]:
    notes = []
    if len(changes) > MOST_STORED:
        notes.append(f"{len(changes):,} resources differ; the first {MOST_STORED:,} are listed.")
    if any(state.unreadable for state in states):
        notes.append(f"Some files of {application} cannot be read, so something may be missing here.")
    if any(state.volatile for state in states):
        notes.append("What the chart makes up anew with each render is not compared.")
    return notes
