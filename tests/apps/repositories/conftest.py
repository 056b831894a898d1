"""A repository row and the real repository it is read from, without a network between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Project
from apps.repositories import services
from apps.repositories.models import Repository
from gitopsui.adapters.git_history import History
from tests.adapters.git_http import Hub, Seed, serving


@dataclass
class Stored:
    """`seed` is what the mirror holds, `row` what is stored of it."""

    row: Repository
    seed: Seed

    @property
    def git(self) -> History:
        return History(self.seed.path)

    def store(self) -> int:
        """What a poll and the job after it do; how many commits were added."""
        self.row.refs_digest = self.seed.git("for-each-ref")[-60:]
        self.row.save()
        services.store_refs(self.row, self.git.refs(), now=timezone.now())
        return services.store_commits(self.row, git=self.git)

    def shas(self) -> set[str]:
        return set(self.row.commits.values_list("sha", flat=True))


@pytest.fixture
def hub(tmp_path: Path, settings: Any) -> Iterator[Hub]:
    """Real repositories on a real server, trusted by the settings."""
    settings.GITOPSUI_MIRRORS = str(tmp_path / "data")
    with serving(tmp_path) as served:
        settings.GITOPSUI_TRUSTED_ENDPOINTS = (served.server.host_port,)
        yield served


@pytest.fixture
def stored(db: None, tmp_path: Path) -> Stored:
    project = Project.objects.create(name="shop", slug="shop")
    address = "https://git.example.org/shop/cart"
    row = Repository.objects.create(
        project=project, name="shop/cart", url=address, same_as=address, host="git.example.org"
    )
    return Stored(row, Seed.create(tmp_path / "cart.git"))
