"""The manifests that a plan would change, from what was rendered last: no page renders anything."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.environments.models import Application, DesiredState
from apps.environments.selectors.drift_diff import as_drawn
from gitopsui.domain.identity import find_key, flatten
from gitopsui.domain.predicted import with_version
from gitopsui.domain.text_diff import TextDiff, diff_texts
from gitopsui.domain.yaml_text import to_yaml

MOST_RESOURCES = 30


@dataclass(frozen=True, slots=True)
class RenderedRow:
    """One resource as it is rendered now and as it would be."""

    application: str
    kind: str
    name: str
    diff: TextDiff


def rendered_rows(moves: Iterable[tuple[Application, str]], *, is_unified: bool) -> list[RenderedRow]:
    """One query for all; an application that was never rendered has no rows."""
    wanted = list(moves)
    digests = {application.desired_digest for application, _ in wanted} - {""}
    states = dict(DesiredState.objects.filter(digest__in=digests).values_list("digest", "manifests"))
    rows = []
    for application, version in wanted:
        manifests = flatten(states.get(application.desired_digest, []))
        for old, new in with_version(manifests, application.component.image, version):
            key = find_key(old)
            diff = as_drawn(diff_texts(to_yaml(old), to_yaml(new)), is_unified=is_unified)
            rows.append(RenderedRow(str(application), key.kind, key.name, diff))
    return rows[:MOST_RESOURCES]
