"""Small things the pages of clusters, silences and the board say."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone

from apps.environments.models import Application, Cluster
from apps.environments.services import clusters
from gitopsui.domain.errors import ClusterError
from tests.apps.environments.drift_shop import DriftShop, make_shop


@pytest.fixture
def drifted(db: None) -> DriftShop:
    return make_shop()


def get(shop: DriftShop, address: str) -> str:
    client = Client()
    client.force_login(shop.people["viewer"])
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_silent_cluster_says_what_can_be_done(drifted: DriftShop) -> None:
    cluster = Cluster.objects.get()
    error = ClusterError("The API server is busy or a part of it is down.", code="CLUSTER_BUSY")
    clusters.record_silence(cluster, error, at=timezone.now())
    page = get(drifted, f"/clusters/{cluster.pk}/")
    assert "It is asked again by itself." in page
    assert "first failed at" in page


def test_the_silences_are_found_from_each_page_and_from_an_application(drifted: DriftShop) -> None:
    link = 'href="/projects/shop/silences/"'
    assert link in get(drifted, "/projects/shop/")
    assert get(drifted, f"/applications/{drifted.application.pk}/").count(link) == 2


@pytest.mark.parametrize(("count", "words"), [(1, "its cell says why"), (2, "their cells say why")])
def test_the_heading_of_the_board_counts_what_cannot_be_rendered(
    drifted: DriftShop, count: int, words: str
) -> None:
    first = drifted.application
    for number in range(1, count):
        Application.objects.create(
            component=first.component, environment=first.environment, cluster=first.cluster,
            repository=first.repository, path=f"apps/{number}", renderer="plain",
        )  # fmt: skip
    Application.objects.update(desired_error="No.", desired_error_code="RENDER", checked_at=timezone.now())
    assert f"{count} cannot be rendered here; {words}." in get(drifted, "/projects/shop/")
