"""What the drift panel and the resource tree are drawn with: rows of a diff, icons of kinds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from apps.core.templatetags.ui import age_words, icon
from gitopsui.domain.text_diff import Change, Line, Mark, Row, Run

register = template.Library()

_KIND_ICONS = {
    "Deployment": "stack",
    "StatefulSet": "stack",
    "DaemonSet": "stack",
    "ReplicaSet": "stack",
    "Rollout": "stack",
    "Pod": "package",
    "Service": "server",
    "Ingress": "link-external",
    "HTTPRoute": "link-external",
    "ConfigMap": "file",
    "Secret": "key",
    "Job": "play",
    "CronJob": "clock",
    "HorizontalPodAutoscaler": "pulse",
    "ServiceAccount": "person",
    "Role": "people",
    "RoleBinding": "people",
    "ClusterRole": "people",
    "ClusterRoleBinding": "people",
    "NetworkPolicy": "lock",
}
Sides = dict[str, str]
_DRIFTED: Sides = {"del": "in Git: ", "ins": "live: "}
_EDITED: Sides = {"del": "before: ", "ins": "after: "}
_NOTHING = format_html('<span class="n {0}"></span><code class="{0}"></code>', "none")


@register.simple_tag
def kind_icon(kind: str) -> SafeString:
    """The icon of a Kubernetes kind; one for all that have none of their own."""
    return icon(_KIND_ICONS.get(kind, "gear"))


@register.filter
def lasted(duration: timedelta) -> str:
    """`4 min`: how long something was there."""
    return age_words(duration)


@register.simple_tag
def diff_rows(rows: Sequence[Row], view: str, said: str = "") -> SafeString:
    """
    Rows of a diff: two columns of lines side by side, or one with both numbers before it.

    `said` is what a screen reader calls the two sides: of drift unless it is "edit".
    """
    draw = _in_one if view == "unified" else _beside
    kinds = {True: "r same", False: "r"}
    sides = _EDITED if said == "edit" else _DRIFTED
    drawn = ((kinds[row.change is Change.SAME], draw(row, sides)) for row in rows)
    return format_html_join("", '<div class="{}">{}</div>', drawn)


def _beside(row: Row, sides: Sides) -> SafeString:
    is_same = row.change is Change.SAME
    ours = _side(row.old, "" if is_same else "del", sides)
    return format_html("{}{}", ours, _side(row.new, "" if is_same else "ins", sides))


def _side(line: Line | None, css: str, sides: Sides) -> SafeString:
    if line is None:
        return _NOTHING
    return format_html('<span class="n">{}</span>{}', line.number, _code(line, css, sides))


def _in_one(row: Row, sides: Sides) -> SafeString:
    css = "" if row.change is Change.SAME else "del" if row.old else "ins"
    old, new = (line.number if line else "" for line in (row.old, row.new))
    line = row.old or row.new
    code = _code(line, css, sides) if line else ""
    return format_html('<span class="n">{}</span><span class="n">{}</span>{}', old, new, code)


def _code(line: Line, css: str, sides: Sides) -> SafeString:
    said = format_html('<span class="vh">{}</span>', sides[css]) if css else ""
    runs = format_html_join("", "{}", ((_run(run, css),) for run in line.runs))
    return format_html('<code class="{}">{}{}</code>', css, said, runs)


def _run(run: Run, css: str) -> str:
    text = run.text
    if run.mark is not Mark.TEXT:
        text = format_html('<span class="ws" title="{}">{}</span>', run.mark.value, text)
    return format_html("<{}>{}</{}>", css, text, css) if run.is_changed and css else text
