"""What the filters, sorts and counts of the board select."""

from __future__ import annotations

import pytest
from django.utils import timezone

from apps.accounts.models import Project
from apps.dashboard.filters import Filters
from apps.dashboard.overview import read_overview
from apps.dashboard.selectors import Board, build_answer, read_board
from apps.environments.models import Application, Component
from tests.benchmarks.board_data import fill_board


@pytest.fixture
def project(db: None) -> Project:
    """Six components, all well, one version each, but for what a test changes."""
    project = fill_board(6)
    Application.objects.update(health="Healthy", sync="Synced", live_version="1", desired_version="1")
    return project


def read(project: Project, query: dict[str, str] | None = None) -> Board:
    now = timezone.now()
    return read_board(project, read_overview(project, now=now), Filters.of(query or {}), "1", now=now)


def names(project: Project, **query: str) -> list[str]:
    board = read(project, query)
    assert board.page.paginator.count == len(board.rows)
    return [row.name[-1] for row in board.rows]


def change(number: int, environment: str = "dev", **values: object) -> None:
    Application.objects.filter(component__name=f"service-000{number}", environment__name=environment).update(
        **values
    )


def test_a_part_of_the_name_finds_components(project: Project) -> None:
    assert names(project, q="0003") == ["3"]
    assert names(project, q="nothing") == []


def test_a_label_finds_those_that_carry_it(project: Project) -> None:
    Component.objects.filter(name="service-0004").update(labels=["team-1", "ünder"])
    assert names(project, label="team-1") == ["1", "4"]
    assert names(project, label="ünder") == ["4"]
    assert names(project, label="team") == []
    assert read(project).labels[-1] == "ünder"


def test_health_and_sync_ask_for_one_application_that_is_both(project: Project) -> None:
    change(1, health="Degraded")
    change(2, health="Degraded", sync="OutOfSync")
    change(3, health="Degraded", cluster=None)
    assert names(project, health="Degraded") == ["1", "2"]
    assert names(project, health="Degraded", sync="OutOfSync") == ["2"]


def test_attention_is_for_what_is_poor_unknown_or_stale(project: Project) -> None:
    change(0, health="Missing")
    change(1, sync="OutOfSync")
    change(2, sync="Unknown")
    change(3, checked_at=None, failed_at=timezone.now())
    assert names(project, attention="1") == ["0", "1", "2", "3"]
    assert read(project).attention_count == 4


def test_differs_finds_components_with_more_than_one_version(project: Project) -> None:
    change(2, live_version="2")
    change(5, desired_version="2")
    assert names(project, differs="1") == ["2", "5"]
    assert read(project).differs_count == 2


def test_filters_are_joined_by_and(project: Project) -> None:
    change(2, live_version="2", health="Degraded")
    change(5, live_version="2")
    assert names(project, differs="1", attention="1", q="service") == ["2"]


def test_worst_first_and_newest_first(project: Project) -> None:
    change(4, health="Degraded")
    change(2, sync="OutOfSync")
    assert names(project, sort="attention")[:2] == ["4", "2"]
    change(3, live_since=timezone.now())
    assert names(project, sort="newest")[0] == "3"


def test_unknown_words_of_a_query_are_no_filter(project: Project) -> None:
    assert Filters.of({"health": "Fine", "sync": "'", "sort": "x", "q": "\0"}) == Filters()
    assert len(names(project, health="Fine", sort="x")) == 6


def test_columns_are_the_environments_in_order_with_their_clusters(project: Project) -> None:
    columns = read(project).environments
    assert [column.name for column in columns] == ["dev", "test", "qa", "staging", "production"]
    assert columns[0].clusters == ["dev-1", "dev-2"]


def test_an_environment_without_applications_is_a_column_and_counts_as_none(project: Project) -> None:
    Application.objects.filter(environment__name="qa").delete()
    now = timezone.now()
    overview = read_overview(project, now=now)
    assert [column.name for column in overview.columns][2] == "qa"
    assert overview.environment_count == 4


def test_the_counts_of_the_heading_leave_stale_ones_out_of_all_others(project: Project) -> None:
    change(0, health="Degraded", sync="OutOfSync", checked_at=None, failed_at=timezone.now())
    change(1, health="Degraded")
    now = timezone.now()
    overview = read_overview(project, now=now)
    answer = build_answer(overview, read(project), [])
    assert (answer.stale, answer.degraded, answer.drifted) == (1, 1, 0)
    assert (answer.applications, answer.watched, answer.components, answer.environments) == (30, 30, 6, 5)
