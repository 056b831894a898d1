"""What people type and paste: refused in the form with the rule, never shown back where it holds a secret."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from apps.environments.models import Cluster
from apps.repositories.connect import git_policy
from apps.repositories.models import Credential, Repository
from gitopsui.adapters.git_address import check_ref_name, check_url
from gitopsui.domain.errors import InputError
from tests.apps.environments.samples import OWN_CANARIES, SHARED, Case, canaries, each
from tests.apps.environments.world import GOOD, World, check_nothing_leaks

ERROR = re.compile(r'<p class="st bad".*?<span>(.*?)</span></p>', re.DOTALL)
SECRETS = [*OWN_CANARIES, *canaries(SHARED)]


def errors_of(answer: Any) -> str:
    assert answer.status_code == 200
    return unescape(" ".join(ERROR.findall(answer.content.decode())))


def refusal_of_url(world: World, raw: str) -> InputError | None:
    try:
        check_url(raw, git_policy())
    except InputError as error:
        return error
    return None


@pytest.mark.parametrize("case", each("url"))
def test_an_address_is_taken_or_refused_by_its_rule(world: World, case: Case, settings: Any) -> None:
    if case.id == "url-not_on_allowlist":
        settings.GITOPSUI_GIT_HOSTS = ("git.example.org",)
    if case.id == "url-rebinding":
        # The text is fine: where it leads is judged when it is used, and the connection is pinned.
        assert refusal_of_url(world, case.value) is None
        return
    answer = world.client().post(reverse("set-up"), {"url": case.value})
    if case.outcome == "OK":
        assert answer.status_code == 302
        assert Repository.objects.get().url == check_url(case.value, git_policy()).url
    else:
        refusal = refusal_of_url(world, case.value)
        assert refusal is not None
        if len(case.value) <= 500:
            assert refusal.code == case.outcome
            assert refusal.message in errors_of(answer)
        assert errors_of(answer)
        assert not Repository.objects.exists()
        assert not any(word in answer.content.decode() for word in SECRETS)
        assert "<script>alert" not in answer.content.decode()
    check_nothing_leaks(world, SECRETS)


@pytest.mark.parametrize("case", each("url"))
def test_a_connected_repository_is_not_moved_to_a_bad_address(world: World, case: Case) -> None:
    if case.outcome == "OK" or case.id in ("url-rebinding", "url-not_on_allowlist"):
        return
    world.seed("shop", {"app/well.yaml": GOOD})
    repository = world.connect("shop")
    address = repository.url
    answer = world.client().post(reverse("repository-edit", args=[repository.pk]), {"url": case.value})
    assert errors_of(answer)
    assert not any(word in answer.content.decode() for word in SECRETS)
    repository.refresh_from_db()
    assert repository.url == address


def test_two_spellings_are_one_repository(world: World) -> None:
    client = world.client()
    for spelling in (
        "https://git.example.org/team/app.git",
        "https://GIT.example.org/team/app/",
        "  https://git.example.org:443/team/app  ",
    ):
        assert client.post(reverse("set-up"), {"url": spelling}).status_code == 302
    assert Repository.objects.count() == 1


def test_a_repository_cannot_take_the_place_of_another(world: World) -> None:
    client = world.client()
    for name in ("one", "two"):
        client.post(reverse("set-up"), {"url": f"https://git.example.org/{name}"})
    second = Repository.objects.get(url__endswith="two")
    answer = client.post(
        reverse("repository-edit", args=[second.pk]), {"url": "https://git.example.org/one.git"}
    )
    assert "connected" in errors_of(answer)
    second.refresh_from_db()
    assert second.url.endswith("two")


@pytest.mark.parametrize("case", each("ref"))
def test_a_watched_branch_is_a_short_name_or_refused(world: World, case: Case) -> None:
    world.seed("shop", {"app/well.yaml": GOOD})
    repository = world.connect("shop")
    data = {"url": repository.url, "branch": case.value}
    answer = world.client().post(reverse("repository-edit", args=[repository.pk]), data)
    repository.refresh_from_db()
    if case.outcome == "OK" or not case.value:
        assert answer.status_code == 302
        assert repository.branch == case.value
        return
    with pytest.raises(InputError) as caught:
        check_ref_name(case.value)
    assert caught.value.code == case.outcome
    assert caught.value.message in errors_of(answer)
    assert repository.branch == ""


@pytest.mark.parametrize("case", each("kubeconfig"))
def test_a_kubeconfig_that_runs_or_leads_astray_is_refused(world: World, case: Case) -> None:
    data = {"way": "kubeconfig", "name": "pasted", "kubeconfig": case.data.decode()}
    answer = world.client().post(reverse("set-up-cluster"), data)
    page = answer.content.decode()
    assert errors_of(answer)
    form = next(way["form"] for way in answer.context["ways"] if way["key"] == "kubeconfig")
    assert form.code == case.outcome
    assert not Cluster.objects.filter(name="pasted").exists()
    assert not any(word in page for word in SECRETS)
    if case.outcome == "KUBECONFIG_EXEC":
        assert "kubectl create token" in page or "kubectl" in page
        assert "service account" in unescape(page).lower()
    check_nothing_leaks(world, SECRETS)


TOKEN = "CANARY-own-token"


def test_a_credential_is_written_and_never_read_back(world: World) -> None:
    client = world.client()
    address = "https://git.example.org/team/app"
    client.post(reverse("set-up"), {"url": address, "username": "bot", "password": TOKEN})
    repository = Repository.objects.get()
    edit = reverse("repository-edit", args=[repository.pk])
    page = world.page("repository-edit", repository.pk)
    assert f"set on {datetime.now(UTC):%Y-%m-%d}" in page
    assert TOKEN not in page

    client.post(edit, {"url": address, "name": "app", "username": "bot", "password": ""})
    assert Credential.objects.get().password == TOKEN

    client.post(edit, {"url": "https://elsewhere.example.org/team/app", "password": ""})
    assert not Credential.objects.exists()
    check_nothing_leaks(world, SECRETS)


def test_a_refused_form_does_not_show_the_secret_again(world: World) -> None:
    answer = world.client().post(reverse("set-up"), {"url": "ftp://x/y", "password": TOKEN})
    assert errors_of(answer)
    assert TOKEN not in answer.content.decode()
    data = {"way": "token", "name": "x", "server": "file:///etc", "token": TOKEN}
    answer = world.client().post(reverse("set-up-cluster"), data)
    assert errors_of(answer)
    assert TOKEN not in answer.content.decode()
    check_nothing_leaks(world, SECRETS)


def test_the_token_of_a_cluster_is_bound_to_its_server(world: World) -> None:
    client = world.client()
    data = {"way": "token", "name": "us-1", "server": "https://k8s.example.org:6443", "token": TOKEN}
    assert client.post(reverse("set-up-cluster"), data).status_code == 302
    cluster = Cluster.objects.get(name="us-1")
    assert cluster.token == TOKEN
    edit = reverse("cluster-edit", args=[cluster.pk])
    assert f"set on {datetime.now(UTC):%Y-%m-%d}" in world.page("cluster-detail", cluster.pk)

    client.post(edit, {"name": "us-2", "server": cluster.server})
    cluster.refresh_from_db()
    assert (cluster.name, cluster.token) == ("us-2", TOKEN)

    client.post(edit, {"name": "us-2", "server": "https://elsewhere.example.org"})
    cluster.refresh_from_db()
    assert cluster.token == ""
    assert "set on" not in world.page("cluster-detail", cluster.pk)
    check_nothing_leaks(world, SECRETS)


def test_two_clusters_do_not_share_a_name(world: World) -> None:
    other = Cluster.objects.create(project=world.project, name="eu-2", server=world.server.url)
    data = {"name": "eu-1", "server": other.server}
    assert "this name" in errors_of(world.client().post(reverse("cluster-edit", args=[other.pk]), data))


@pytest.mark.parametrize("name", ["x" * 300, "\xa0\u200b \t"])
def test_a_name_is_neither_long_nor_blank(world: World, name: str) -> None:
    data = {"way": "token", "name": name, "server": "https://k8s.example.org:6443", "token": "t"}
    assert errors_of(world.client().post(reverse("set-up-cluster"), data))
    assert Cluster.objects.count() == 1


@pytest.mark.parametrize("address", ["repository-list", "cluster-list", "job-list", "board"])
@pytest.mark.parametrize(
    "query",
    ["page=99999999999999999999", "page=x", "page=-1", "owner__password__startswith=a", "_connector=OR+1=1",
     f"q={'(a%2B)%2B$' * 40}", "page=%00", "q=%00", "q=%ed%a0%80", "label=%00", "sort=%00"],
)  # fmt: skip
def test_what_follows_the_question_mark_breaks_no_page(world: World, address: str, query: str) -> None:
    path = reverse(address, args=["shop"] if address == "board" else [])
    assert world.client().get(f"{path}?{query}").status_code in (200, 404)


def test_the_way_on_after_signing_in_stays_here(world: World) -> None:
    client = Client()
    for target in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        answer = client.post(
            f"{reverse('sign-in')}?next={target}",
            {"username": "admin", "password": "correct horse battery", "next": target},
        )
        assert answer.status_code in (200, 302)
        assert "evil.example" not in answer.headers.get("Location", "")
        assert "javascript" not in answer.headers.get("Location", "")
        client.logout()


def test_a_post_from_another_origin_is_refused(world: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.people["admin"])
    headers = {"HX-Request": "true", "Origin": "https://evil.example"}
    answer = client.post(reverse("set-up"), {"url": "https://git.example.org/x"}, headers=headers)
    assert answer.status_code == 403
    assert not Repository.objects.exists()


def test_headers_of_htmx_are_never_reflected(world: World) -> None:
    headers = {
        "HX-Request": "true",
        "HX-Current-URL": "javascript:alert(1)",
        "HX-Prompt": "<script>alert(1)</script>",
    }
    answer = world.client().get(reverse("board", args=["shop"]), headers=headers)
    assert answer.status_code == 200
    assert "alert(1)" not in answer.content.decode()
    assert "HX-Request" in answer.headers["Vary"]


def test_a_disabled_account_is_out_at_once(world: World) -> None:
    client = world.client("viewer")
    person = world.people["viewer"]
    person.is_active = False
    person.save()
    answer = client.get(reverse("board-table", args=["shop"]), headers={"HX-Request": "true"})
    assert answer.status_code == 401
    assert client.get(reverse("board", args=["shop"])).status_code in (302, 401)
