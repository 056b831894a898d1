"""How somebody says where pull requests are made: token, check, webhook secret, and back again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from apps.core.models import AuditEvent, Job
from apps.promotions import tasks
from apps.promotions.models import ForgeConnection
from apps.promotions.services import forges
from apps.repositories.models import Repository
from gitopsui.adapters.forge.pause import end_pauses
from tests.apps.promotions.conftest import World
from tests.forges.gitea_standin import GiteaStandIn
from tests.forges.ground import Account

PATH = "team/config"
BOT = Account("bot", "canary-of-the-bot")
READER = Account("reader", "canary-of-the-reader", "read")


@pytest.fixture
def forge(world: World, tmp_path: Path, settings: Any) -> Iterator[GiteaStandIn]:
    end_pauses()
    with GiteaStandIn(tmp_path / "forge", [BOT, READER]) as standin:
        settings.GITOPSUI_TRUSTED_ENDPOINTS |= {standin.host_port}
        standin.ground.create(PATH, world.seed)
        yield standin
    end_pauses()


@pytest.fixture
def admin(world: World, client: Client) -> Client:
    client.force_login(world.people["admin"])
    return client


def address(world: World, what: str = "") -> str:
    return f"/repositories/{world.repository.pk}/forge/{what}"


def typed(forge: GiteaStandIn, **changes: str) -> dict[str, str]:
    return {"kind": "gitea", "api_url": forge.api_url, "path": PATH, "token": BOT.token} | changes


def test_what_is_connected_is_tried_by_a_worker_and_never_shown_again(
    world: World, admin: Client, forge: GiteaStandIn
) -> None:
    assert "by the built-in review" in admin.get(address(world)).content.decode()
    answer = admin.post(address(world), typed(forge))
    assert answer.headers["Location"] == address(world)
    row = ForgeConnection.objects.get()
    assert (row.kind, row.path, row.token, row.checked_at) == ("gitea", PATH, BOT.token, None)
    assert forge.requests == [], "a page reached for the network"
    assert "being tried" in admin.get(address(world)).content.decode()
    tasks.check_forge(row.pk)
    page = admin.get(address(world)).content.decode()
    assert "the token may do what is needed" in page
    assert BOT.token not in page
    told = AuditEvent.objects.filter(verb="changed how pull requests are made").get()
    assert told.after == {"kind": "gitea", "api_url": forge.api_url, "path": PATH}


def test_a_token_that_may_not_do_it_is_told_with_what_to_do(
    world: World, admin: Client, forge: GiteaStandIn
) -> None:
    for token, said in ((READER.token, "may only read"), ("wrong", "does not accept our token")):
        admin.post(address(world), typed(forge, token=token))
        tasks.check_forge(ForgeConnection.objects.get().pk)
        page = admin.get(address(world)).content.decode()
        assert said in page
        assert "write:repository" in page
    job = Job.objects.get(kind=forges.CHECK)
    assert job.failures == 0, "what somebody has to change is not tried over and over"


def test_an_empty_token_keeps_the_stored_one_and_another_host_forgets_it(
    world: World, admin: Client, forge: GiteaStandIn
) -> None:
    admin.post(address(world), typed(forge))
    admin.post(address(world), typed(forge, token="", path="team/other"))
    row = ForgeConnection.objects.get()
    assert (row.path, row.token) == ("team/other", BOT.token)
    answer = admin.post(address(world), typed(forge, token="", api_url="https://git.example.org/api/v1"))
    assert "Enter a token for this host." in answer.content.decode()
    row.refresh_from_db()
    assert row.api_url == forge.api_url
    admin.post(address(world), typed(forge, token="new", api_url="https://git.example.org/api/v1"))
    row.refresh_from_db()
    assert row.token == "new"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("api_url", "http://git.example.org/api/v1"),
        ("api_url", "https://127.0.0.1/api/v1"),
        ("api_url", "https://me:secret@git.example.org/api/v1"),
        ("api_url", "file:///etc/passwd"),
        ("api_url", ""),
        ("path", "config"),
        ("path", "../../admin"),
        ("path", "team/config/../x"),
        ("path", "a/b/c"),
        ("path", ""),
        ("token", "two words"),
        ("token", "line\r\nX-Other: 1"),
        ("token", ""),
        ("kind", "sourceforge"),
    ],
)
def test_what_cannot_be_right_is_refused_where_it_was_typed(
    world: World, admin: Client, forge: GiteaStandIn, field: str, value: str
) -> None:
    answer = admin.post(address(world), typed(forge, **{field: value}))
    assert answer.status_code == 200
    assert f'id="id_{field}_error"' in answer.content.decode()
    assert not ForgeConnection.objects.exists()


def test_the_review_that_is_built_in_keeps_no_token(world: World, admin: Client, forge: GiteaStandIn) -> None:
    admin.post(address(world), typed(forge))
    admin.post(address(world), typed(forge, kind="builtin"))
    row = ForgeConnection.objects.get()
    assert (row.kind, row.api_url, row.token) == ("builtin", "", "")


def test_what_is_open_keeps_the_way_it_was_opened(world: World, admin: Client, forge: GiteaStandIn) -> None:
    world.advance(world.propose("cart"))
    page = admin.post(address(world), typed(forge)).content.decode()
    assert "1 promotion is under way in this repository." in page
    assert not ForgeConnection.objects.exists()


def test_the_webhook_secret_is_shown_once(world: World, admin: Client, forge: GiteaStandIn) -> None:
    answer = admin.post(address(world, "secret/"))
    secret = ForgeConnection.objects.get().webhook_secret
    assert len(secret) > 40
    assert secret in answer.content.decode()
    assert "no-store" in answer.headers["Cache-Control"]
    assert secret not in admin.get(address(world)).content.decode()
    admin.post(address(world, "secret/"))
    assert ForgeConnection.objects.get().webhook_secret != secret
    assert secret not in str(list(AuditEvent.objects.values()))


def test_going_back_forgets_the_token(world: World, admin: Client, forge: GiteaStandIn) -> None:
    admin.post(address(world), typed(forge))
    admin.post(address(world, "remove/"))
    assert not ForgeConnection.objects.exists()
    assert not Job.objects.filter(kind=forges.CHECK).exists()
    assert AuditEvent.objects.filter(verb="removed the connection to a forge").count() == 1
    promotion = world.advance(world.propose("cart"))
    assert (promotion.phase, promotion.number) == ("open", str(promotion.pk))


def test_an_unknown_host_is_asked_by_a_worker_and_the_form_is_filled_in(
    world: World, admin: Client, forge: GiteaStandIn
) -> None:
    remote = world.repository.url
    Repository.objects.update(url=f"{forge.root}/{PATH}.git")
    admin.post(address(world, "detect/"))
    assert forge.requests == []
    tasks.detect_forge(world.repository.pk)
    page = admin.get(address(world)).content.decode()
    assert f'value="{forge.api_url}"' in page
    assert "by the built-in review" in page, "without a token nothing is made there"
    Repository.objects.update(url=remote)
    assert world.advance(world.propose("cart")).phase == "open"
    assert forge.count("POST", "pulls") == 0


def test_a_host_that_is_none_of_them_is_told(world: World, admin: Client) -> None:
    admin.post(address(world, "detect/"))
    tasks.detect_forge(world.repository.pk)
    assert "is no GitHub, GitLab, Gitea or Forgejo" in admin.get(address(world)).content.decode()


def test_a_known_host_fills_in_the_form_without_asking(world: World, admin: Client) -> None:
    world.repository.url = "https://github.com/team/config.git"
    world.repository.save()
    page = admin.get(address(world)).content.decode()
    assert 'value="https://api.github.com"' in page
    assert 'value="team/config"' in page


@pytest.mark.parametrize("what", ["", "check/", "detect/", "secret/", "remove/"])
def test_only_an_administrator_of_the_project_may(world: World, client: Client, what: str) -> None:
    for name, status in (("viewer", 403), ("proposer", 403), ("approver", 403)):
        client.force_login(world.people[name])
        assert client.post(address(world, what)).status_code == status
