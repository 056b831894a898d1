"""The world that the tests of bad input are told in."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.accounts.models import Project
from apps.core.log import LineFormatter
from apps.environments import connect
from apps.environments.models import Cluster
from tests.accounts import make_people
from tests.adapters.git_http import serving
from tests.apps.environments.silence_shop import Shop, make_shop
from tests.apps.environments.world import LineKeeper, SmallCluster, World


@pytest.fixture
def world(db: None, settings: Any, tmp_path: Path) -> Iterator[World]:
    with serving(tmp_path) as hub, SmallCluster() as server:
        settings.GITOPSUI_TRUSTED_ENDPOINTS = (hub.server.host_port, server.host_port)
        settings.GITOPSUI_MIRRORS = tmp_path / "mirrors"
        # Another cluster at the address of an earlier one is not known yet.
        connect.known_runs.cache_clear()
        connect.bases.cache_clear()
        project = Project.objects.create(name="Shop", slug="shop")
        cluster = Cluster.objects.create(project=project, name="eu-1", server=server.url)
        made = World(hub, server, project, cluster, make_people(project))
        keeper = LineKeeper(made.logged)
        keeper.setFormatter(LineFormatter())
        root = logging.getLogger()
        root.addHandler(keeper)
        yield made
        root.removeHandler(keeper)


@pytest.fixture
def shop(db: None) -> Shop:
    return make_shop()
