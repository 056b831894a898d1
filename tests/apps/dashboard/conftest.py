"""A small board, and a browser signed in as somebody who may only look."""

from __future__ import annotations

import pytest
from django.test import Client

from apps.accounts.models import Project
from tests.accounts import make_people
from tests.benchmarks.board_data import fill_board


@pytest.fixture
def project(db: None) -> Project:
    """60 components in five environments: two pages."""
    return fill_board(60)


@pytest.fixture
def viewer(project: Project) -> Client:
    client = Client()
    client.force_login(make_people(project)["viewer"])
    # The first page opens the session's project; what is pinned is each page after it.
    client.get("/")
    return client
