"""What a promotion makes of manifests: foretold from images, and as rendered once it has a commit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.core import jobs
from apps.environments.models import Application, DesiredState
from apps.environments.selectors.drift_diff import as_drawn
from apps.promotions.models import Promotion, PromotionItem, Rendering
from gitopsui.domain.identity import Manifest, find_key, flatten
from gitopsui.domain.masked_diff import diff_masked
from gitopsui.domain.predicted import with_version
from gitopsui.domain.promotion import OPEN_PHASES, UNDER_WAY
from gitopsui.domain.text_diff import TextDiff
from gitopsui.domain.yaml_text import to_yaml

RENDER = "promotions.render"
MOST_FORETOLD = 30
MOST_DRAWN = 40


@dataclass(frozen=True, slots=True)
class RenderedRow:
    """One resource as it is and as it would be. Without `diff` there are too many to draw all."""

    application: str
    kind: str
    name: str
    diff: TextDiff | None
    change: str = "changed"
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an application could not be rendered."""

    application: str
    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class RenderedPart:
    """
    The rendered part of an edit. `state` is foretold (nothing has a commit yet), coming (it is being
    rendered), stuck (its job gave up), done, or never (it ended before). Foretold rows stand there until it
    is done; `is_known` False: something of it was never rendered at all, so that nothing could be foretold.
    `delay` is why it was not rendered yet, where a worker has tried.
    """

    state: str
    rows: list[RenderedRow]
    is_known: bool = True
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    base_sha: str = ""
    head_sha: str = ""
    rendered_at: datetime | None = None
    delay: str = ""


def foretold(moves: Iterable[tuple[Application, str]], *, is_unified: bool) -> RenderedPart:
    """From what was rendered last: one query for all, and no page renders anything."""
    wanted = list(moves)
    digests = {application.desired_digest for application, _ in wanted} - {""}
    states = dict(DesiredState.objects.filter(digest__in=digests).values_list("digest", "manifests"))
    rows = []
    for application, version in wanted:
        manifests = flatten(states.get(application.desired_digest, []))
        for old, new in with_version(manifests, application.component.image, version):
            key = find_key(old)
            rows.append(
                RenderedRow(str(application), key.kind, key.name, _diff(old, new, is_unified=is_unified))
            )
            if len(rows) >= MOST_FORETOLD:
                return RenderedPart("foretold", rows)
    is_known = all(application.desired_digest in states for application, _ in wanted)
    return RenderedPart("foretold", rows, is_known=is_known)


def rendered_of(promotion: Promotion, items: Sequence[PromotionItem], *, is_unified: bool) -> RenderedPart:
    """What was rendered of a promotion; until all of it is there, what is foretold of it."""
    rows = Rendering.objects.filter(item__promotion=promotion).select_related(
        "item__application__component", "item__application__environment"
    )
    found = list(rows.order_by("item__component__name", "item_id"))
    if items and len(found) == len(items):
        return _done(found, is_unified=is_unified)
    if promotion.phase not in UNDER_WAY:
        return RenderedPart("never", [])
    moves = [(one.application, one.to_version) for one in items] if promotion.phase in OPEN_PHASES else []
    part = foretold(moves, is_unified=is_unified)
    job = jobs.job_of(RENDER, promotion.pk)
    state = "stuck" if job is not None and job.is_given_up else "coming"
    delay = job.last_error if job is not None and (job.failures or job.is_given_up) else ""
    return RenderedPart(state, part.rows, is_known=part.is_known, delay=delay)


def _done(found: Sequence[Rendering], *, is_unified: bool) -> RenderedPart:
    rows: list[RenderedRow] = []
    for one in found:
        for resource in one.resources:
            is_drawn = len(rows) < MOST_DRAWN
            rows.append(_row(str(one.item.application), resource, is_drawn, is_unified=is_unified))
    return RenderedPart(
        state="done",
        rows=rows,
        failures=[
            Failure(str(one.item.application), one.error, one.error_hint) for one in found if one.error
        ],
        notes=list(dict.fromkeys(note for one in found for note in one.notes)),
        base_sha=found[0].base_sha,
        head_sha=found[0].head_sha,
        rendered_at=max(one.rendered_at for one in found),
    )


def _row(application: str, resource: dict[str, Any], is_drawn: bool, *, is_unified: bool) -> RenderedRow:
    is_kept = "old" in resource
    diff = _diff(resource["old"], resource["new"], is_unified=is_unified) if is_kept and is_drawn else None
    return RenderedRow(
        application,
        resource["kind"],
        resource["name"],
        diff,
        resource["change"],
        resource["namespace"],
    )


def _diff(old: Manifest | None, new: Manifest | None, *, is_unified: bool) -> TextDiff:
    texts = [to_yaml(one) if one is not None else "" for one in (old, new)]
    return as_drawn(diff_masked(texts[0], texts[1]), is_unified=is_unified)
