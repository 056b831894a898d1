"""What a connection may do beside reading: granted by an administrator, on record, off until then."""

from __future__ import annotations

import pytest
from django.urls import reverse

from apps.core.models import AuditEvent
from apps.environments.models import Cluster
from tests.apps.environments.world import World


def save(world: World, who: str = "admin", **grants: str) -> int:
    cluster = world.cluster
    form = {"name": cluster.name, "server": cluster.server, "ca_data": "", "token": "", **grants}
    status: int = world.client(who).post(reverse("cluster-edit", args=[cluster.pk]), form).status_code
    cluster.refresh_from_db()
    return status


def test_nothing_is_granted_to_a_new_connection() -> None:
    assert (Cluster().may_dry_run, Cluster().reads_secrets) == (False, False)


@pytest.mark.parametrize("grant", ["may_dry_run", "reads_secrets"])
def test_an_administrator_grants_and_takes_back(world: World, grant: str) -> None:
    assert save(world, **{grant: "on"}) == 302
    assert getattr(world.cluster, grant) is True
    event = AuditEvent.objects.filter(verb="changed cluster").latest("pk")
    assert [(event.before or {})[grant], (event.after or {})[grant]] == [False, True]
    assert "checked" in world.page("cluster-edit", world.cluster.pk)
    assert save(world) == 302
    assert getattr(world.cluster, grant) is False


@pytest.mark.parametrize("who", ["viewer", "proposer", "approver"])
def test_nobody_else_grants(world: World, who: str) -> None:
    assert save(world, who, may_dry_run="on", reads_secrets="on") in (403, 404)
    assert (world.cluster.may_dry_run, world.cluster.reads_secrets) == (False, False)


def test_the_page_prints_the_roles_that_grants_need(world: World) -> None:
    page = world.page("cluster-edit", world.cluster.pk)
    assert "gitopsui-reader-dry-run" in page
    assert "gitopsui-reader-secrets" in page
    assert "no right for dry runs alone" in page


def test_a_changed_grant_has_everything_compared_again(world: World) -> None:
    world.seed("shop", {"a/x.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"})
    repository = world.connect("shop")
    world.poll(repository)
    application = world.application(repository, "a", compared="digest")
    save(world, reads_secrets="on")
    application.refresh_from_db()
    assert application.compared == ""
