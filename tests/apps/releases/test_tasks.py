"""A component is worked on when its inputs moved, and left alone when they did not."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from django.utils import timezone

from apps.core.models import Job, JobState
from apps.environments.models import Component
from apps.releases import tasks
from apps.releases.models import ComponentDigest, Release
from apps.releases.services import notes
from apps.releases.services.inputs import find_moved, read_inputs, record_inputs
from tests.apps.releases.conftest import Shop


@pytest.fixture
def settled(shop: Shop) -> Shop:
    shop.release("1.0.0")
    shop.poll()
    shop.run("dev", "1.0.0")
    shop.update()
    return shop


def _poll(shop: Shop) -> None:
    shop.poll()


def _deploy(shop: Shop) -> None:
    shop.run("dev", "1.1.0")


def _observe(shop: Shop) -> None:
    shop.observe(shop.run("dev", "1.0.0"), "1.0.0", 3)


def _add_environment(shop: Shop) -> None:
    shop.run("staging", "1.0.0")


def _reorder(shop: Shop) -> None:
    shop.environments["dev"].position = 7
    shop.environments["dev"].save()


def _repattern(shop: Shop) -> None:
    shop.component.tag_pattern = "^v(?P<version>.+)$"
    shop.component.save()


def _disconnect(shop: Shop) -> None:
    shop.source.delete()


def test_what_has_not_moved_is_left_alone(settled: Shop) -> None:
    assert find_moved() == []


@pytest.mark.parametrize(
    "move", [_poll, _deploy, _observe, _add_environment, _reorder, _repattern, _disconnect]
)
def test_whatever_moves_makes_it_due(settled: Shop, move: Callable[[Shop], None]) -> None:
    move(settled)
    assert [component.name for component in find_moved()] == ["cart"]


def test_a_check_that_saw_the_same_moves_nothing(settled: Shop) -> None:
    application = settled.run("dev", "1.0.0")
    application.changed_at = timezone.now()
    application.save()
    assert find_moved() == []


def test_a_tick_makes_one_job_and_its_run_settles_it(settled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    git = settled.seed.as_repository()
    monkeypatch.setattr(tasks, "mirror", lambda repository: git)
    settled.release("1.1.0")
    settled.poll()
    tasks.update_due_components()
    tasks.update_due_components()
    assert Job.objects.filter(kind="releases.update").count() == 1
    tasks.update_component(settled.component.pk)
    assert settled.get("v1.1.0").change_count == 1
    assert Job.objects.get(kind="releases.update").state == JobState.DONE
    assert find_moved() == []


def test_notes_that_are_left_are_due_again(settled: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    git = settled.seed.as_repository()
    monkeypatch.setattr(tasks, "mirror", lambda repository: git)
    monkeypatch.setattr(notes, "MOST_RELEASES", 1)
    settled.release("1.1.0")
    settled.release("1.2.0")
    settled.poll()
    tasks.update_due_components()
    tasks.update_component(settled.component.pk)
    assert Release.objects.filter(notes_sha="").count() == 1
    tasks.update_component(settled.component.pk)
    assert Release.objects.filter(notes_sha="").count() == 0


def test_a_run_that_fails_waits_for_its_turn(settled: Shop) -> None:
    """The next tick must not take the pause away."""
    settled.component.tag_pattern = "("
    settled.component.save()
    tasks.update_due_components()
    tasks.update_component(settled.component.pk)
    before = Job.objects.get(kind="releases.update")
    assert before.state == JobState.FAILED
    assert "regular expression" in before.last_error
    tasks.update_due_components()
    assert Job.objects.get(kind="releases.update").due_at == before.due_at


def test_a_tick_asks_as_much_for_many_components_as_for_one(
    settled: Shop, django_assert_num_queries: Callable[..., AbstractContextManager[object]]
) -> None:
    for number in range(20):
        component = Component.objects.create(project=settled.project, name=f"c{number}", slug=f"c{number}")
        record_inputs(component, read_inputs([component])[component.pk])
    assert ComponentDigest.objects.count() == 21
    with django_assert_num_queries(7):
        assert find_moved() == []
