"""What the page of a repository says of what is built from it and of its last change."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Project
from apps.environments.models import Component
from apps.repositories.models import Repository
from tests.accounts import make_people

ADDRESS = "https://git.example.org/shop/cart"


@pytest.fixture
def people(db: None) -> dict[str, Any]:
    project = Project.objects.create(name="Shop", slug="shop")
    return {"project": project, **make_people(project)}


def page(people: dict[str, Any], *, made_at: datetime | None = None, **more: Any) -> str:
    recent = [{"sha": "a" * 40, "subject": "s", "author": "a", "at": made_at.isoformat()}] if made_at else []
    repository = Repository.objects.create(
        project=people["project"], name="cart", url=ADDRESS, same_as=ADDRESS, host="git.example.org",
        polled_at=timezone.now(), recent_commits=recent, **more,
    )  # fmt: skip
    Component.objects.filter(name="cart").update(source=repository)
    client = Client()
    client.force_login(people["viewer"])
    answer = client.get(f"/repositories/{repository.pk}/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def test_a_component_that_is_built_from_it_is_listed(people: dict[str, Any]) -> None:
    Component.objects.create(project=people["project"], name="cart", slug="cart")
    text = page(people)
    assert "Components built from it 1 cart" in text
    assert "No application was taken from it" not in text


def test_a_repository_that_nothing_comes_from_says_so(people: dict[str, Any]) -> None:
    assert "No application was taken from it" in page(people)


def test_the_last_change_is_the_newest_commit_and_not_when_it_was_noticed(people: dict[str, Any]) -> None:
    now = timezone.now()
    text = page(people, made_at=now - timedelta(days=5), changed_at=now - timedelta(minutes=2))
    assert "Last change 5 d ago, noticed 2 min ago." in re.sub(r" +([,.])", r"\1", text)


def test_a_commit_that_claims_a_time_to_come_is_no_last_change(people: dict[str, Any]) -> None:
    now = timezone.now()
    text = page(people, made_at=now + timedelta(days=5), changed_at=now - timedelta(minutes=2))
    assert "Last change noticed 2 min ago." in re.sub(r" +([,.])", r"\1", text)


@pytest.mark.parametrize(
    ("query", "place"),
    [("", "/repositories/{}/"), ("?from=set-up", "/set-up/{}/"), ("?from=//evil", "/repositories/{}/")],
)
def test_a_mended_connection_leads_back_to_where_one_came_from(
    query: str, place: str, people: dict[str, Any]
) -> None:
    address = "https://git.example.org/shop/config"
    row = Repository.objects.create(
        project=people["project"], name="config", url=address, same_as=address, host="git.example.org"
    )
    client = Client()
    client.force_login(people["admin"])
    data = {"url": address, "name": "config", "is_config": "on", "username": "bot", "password": "right"}

    answer = client.post(f"/repositories/{row.pk}/edit/{query}", data)

    assert answer.headers["Location"] == place.format(row.pk)
