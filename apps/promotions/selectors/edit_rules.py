"""How applications are promoted, in sentences, and what a copy may come from."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import QuerySet

from apps.environments.models import Application, Environment
from apps.promotions.models import EditRule, EditTarget
from gitopsui.domain.edit_way import EditWay


@dataclass(frozen=True, slots=True)
class WayRow:
    """One application and how it is promoted; `problem` is why that cannot be done as Git is now."""

    application: Application
    way: str
    problem: str


def rule_of(application: Application) -> EditRule:
    """The rule, or an unsaved one with what holds without any."""
    found = EditRule.objects.filter(application=application).select_related("source__environment").first()
    return found or EditRule(application=application, way=EditWay.IMAGE)


def sources_of(application: Application) -> QuerySet[Application]:
    """What may be copied: the applications of its component elsewhere, in its repository and branch."""
    rows = Application.objects.filter(
        component=application.component_id, repository=application.repository_id, branch=application.branch
    )
    rows = rows.exclude(environment=application.environment_id).select_related("component", "environment")
    return rows.order_by("environment__position", "environment__name", "path")


def way_rows(environment: Environment) -> list[WayRow]:
    """The applications of an environment by name, each with how it is promoted."""
    rows = environment.applications.select_related("component", "environment")
    rows = rows.select_related("edit_rule__source__environment")
    problems = dict(
        EditTarget.objects.filter(application__environment=environment)
        .exclude(refusal="")
        .values_list("application", "refusal")
    )
    return [
        WayRow(row, describe_way(getattr(row, "edit_rule", None)), problems.get(row.pk, ""))
        for row in rows.order_by("component__name", "pk")
    ]


def describe_way(rule: EditRule | None) -> str:
    """A sentence for people who did not write the rule."""
    if rule is None or rule.way == EditWay.IMAGE:
        return "The version of its image."
    if rule.way == EditWay.FIELD:
        return f"{rule.field_path} of {rule.path}."
    whence = f" of {rule.source.environment}" if rule.source else ""
    parts = f", of it {', '.join(rule.only)}" if rule.only else ""
    kept = f", but never {', '.join(rule.keep)}" if rule.keep else ""
    return f"The folder {rule.source_path}{whence} is copied to {rule.path}{parts}{kept}."


def stored_problem(application: Application) -> str:
    """Why the rule cannot be followed at the commit that was read last; "" where it can, or nobody knows."""
    row = application.edit_targets.exclude(refusal="").first()
    return row.refusal if row else ""


def read_at(application: Application) -> str:
    """The commit its files were read at, "" before that."""
    row = application.edit_targets.first()
    return row.commit_sha if row else ""


def copied_count(application: Application) -> int | None:
    """How many files a copy would change now; None where no folder is copied or it was not read yet."""
    row = application.edit_targets.filter(is_folder=True, refusal="").first()
    return len(row.files) if row else None


def neighbours_in(application: Application, place: str) -> list[Application]:
    """
    Applications of other environments that a change at this file or folder would change: rendered from it,
    from below it, or from a folder around it that is not around the application's own.
    """
    rows = Application.objects.filter(repository=application.repository_id, branch=application.branch)
    rows = rows.exclude(environment=application.environment_id).select_related("component", "environment")
    return [row for row in rows if _is_changed_at(row.path, place, own=application.path)]


def _is_changed_at(path: str, place: str, *, own: str) -> bool:
    is_around = f"{place}/".startswith(f"{path}/") and not f"{own}/".startswith(f"{path}/")
    return f"{path}/".startswith(f"{place}/") or (bool(path) and is_around)
