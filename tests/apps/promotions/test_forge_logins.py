"""Who people are on forges: a review there is the review of a person, or of nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.models import Role, RoleBinding
from apps.core import jobs
from apps.core.models import AuditEvent, Job
from apps.promotions.models import Approval, ForgeConnection, ForgeLogin, Promotion
from apps.promotions.selectors.answers import host_of
from apps.promotions.selectors.facts import promotion_facts, seen_of
from apps.promotions.selectors.forges import forge_host
from apps.promotions.services.decide import approve
from apps.promotions.services.forge_logins import add_login, remove_login
from apps.promotions.services.propose import ADVANCE
from gitopsui.domain.errors import OwnApprovalDenied, PromotionDenied
from tests.accounts import make_person
from tests.apps.promotions.conftest import World
from tests.apps.promotions.forge_bench import Bench, on_forge
from tests.forges.ground import Account

PROPOSER, APPROVER, OTHER = (
    Account(name, f"token-of-{name}") for name in ("proposer-gh", "approver-gh", "Somebody")
)


@pytest.fixture
def forge(world: World, tmp_path: Path, settings: Any) -> Iterator[Bench]:
    """The world on one forge, where everybody has another name than here."""
    with on_forge("gitea", world, tmp_path, settings) as bench:
        bench.forge.ground.accounts += [PROPOSER, APPROVER, OTHER]
        world.people["keeper"] = make_person("keeper", Role.ADMIN)
        yield bench


def opened(forge: Bench, *votes: Account, approvals: int = 1, **rules: Any) -> Promotion:
    """A promotion of `proposer` that these accounts approved on the forge."""
    promotion = forge.opened()
    forge.world.allow(merge="auto", approvals=approvals, **rules)
    for account in votes:
        forge.project.vote(forge.project.pulls[0], "approved", account)
    forge.turn(promotion)
    return promotion


def know(forge: Bench, login: str, name: str) -> ForgeLogin:
    connection = ForgeConnection.objects.get()
    people = forge.world.people
    host = forge_host(connection.api_url)
    return add_login(people[name], host=host, login=login, by=people["keeper"])


def approvals_gate(promotion: Promotion) -> tuple[str, str]:
    return next((one["state"], one["reason"]) for one in promotion.gates if one["name"] == "approvals")


def told_by(forge: Bench) -> str:
    return forge_host(ForgeConnection.objects.get().api_url)


# --- whose review it is -----------------------------------------------------------------------------------


def test_who_proposed_it_here_does_not_approve_it_on_the_forge(forge: Bench) -> None:
    know(forge, "proposer-gh", "proposer")
    know(forge, "approver-gh", "approver")
    promotion = opened(forge, PROPOSER, APPROVER, approvals=2)
    assert promotion.phase == "open"
    assert approvals_gate(promotion) == ("wait", "1 approval still to come; 1 of 2 given (approver).")


def test_four_eyes_are_not_passed_by_logins_that_nobody_knows(forge: Bench) -> None:
    promotion = opened(forge, PROPOSER, APPROVER, approvals=2)
    host = told_by(forge)
    state, reason = approvals_gate(promotion)
    assert (promotion.phase, state) == ("open", "wait")
    assert reason.startswith("2 approvals still to come; 0 of 2 given; ")
    assert (
        f"approved on {host} by approver-gh, who is nobody here: an administrator can say who that is under "
        "People" in reason
    )


@pytest.mark.parametrize("is_first_here", [True, False], ids=["here first", "there first"])
def test_a_person_counts_once_here_and_on_the_forge(forge: Bench, is_first_here: bool) -> None:
    know(forge, "approver-gh", "approver")
    promotion = opened(forge, *[] if is_first_here else [APPROVER], approvals=2)
    approver = forge.world.people["approver"]
    if is_first_here:
        approve(promotion.pk, by=approver, seen=seen_of(promotion))
        forge.project.vote(forge.project.pulls[0], "approved", APPROVER)
    else:
        with pytest.raises(PromotionDenied, match="You approved it already"):
            approve(promotion.pk, by=approver, seen=seen_of(promotion))
    forge.turn(promotion)
    assert approvals_gate(promotion) == ("wait", "1 approval still to come; 1 of 2 given (approver).")


def test_who_pushed_last_by_their_login_does_not_approve_here_or_there(forge: Bench) -> None:
    know(forge, "approver-gh", "approver")
    promotion = opened(forge, APPROVER)
    Promotion.objects.filter(pk=promotion.pk).update(last_pusher="Approver-GH", phase="open")
    promotion = Promotion.objects.get(pk=promotion.pk)
    facts = promotion_facts(promotion, now=promotion.planned_at)
    assert facts.last_pusher == "approver"
    with pytest.raises(OwnApprovalDenied, match="You pushed the last commit"):
        approve(promotion.pk, by=forge.world.people["approver"], seen=seen_of(promotion))


def test_an_approval_on_the_forge_has_the_groups_of_the_person(forge: Bench) -> None:
    know(forge, "approver-gh", "approver")
    promotion = opened(forge, APPROVER, groups=[["security", 1]])
    assert approvals_gate(promotion)[1].startswith("1 of the group security still to come")
    forge.world.people["approver"].groups.add(Group.objects.create(name="security"))
    assert forge.until_merged(promotion) == [""]


def test_only_approvers_into_the_environment_approve_on_the_forge(forge: Bench) -> None:
    know(forge, "approver-gh", "approver")
    RoleBinding.objects.filter(person__username="approver").update(environments=["staging"])
    promotion = opened(forge, APPROVER)
    assert (promotion.phase, approvals_gate(promotion)[0]) == ("open", "wait")
    RoleBinding.objects.filter(person__username="approver").update(environments=["production"])
    assert forge.until_merged(promotion) == [""]


def test_the_approval_on_the_forge_of_somebody_shut_out_does_not_count(forge: Bench) -> None:
    know(forge, "approver-gh", "approver")
    forge.world.people["approver"].is_active = False
    forge.world.people["approver"].save()
    promotion = opened(forge, APPROVER)
    assert approvals_gate(promotion) == ("wait", "1 approval still to come; 0 of 1 given.")


def test_a_login_on_the_forge_is_not_the_person_of_that_name_here(forge: Bench) -> None:
    namesake = Account("approver", "token-of-the-namesake")
    promotion = opened(forge, namesake, approvals=2)
    assert approvals_gate(promotion)[1].startswith("2 approvals still to come")
    approve(promotion.pk, by=forge.world.people["approver"], seen=seen_of(promotion))
    forge.turn(promotion)
    assert approvals_gate(promotion)[1].startswith("1 approval still to come; 1 of 2 given (approver); ")
    assert Approval.objects.filter(name="approver").count() == 2


def test_a_proposer_who_gets_another_name_stays_the_proposer(forge: Bench) -> None:
    know(forge, "proposer-gh", "proposer")
    promotion = forge.opened()
    forge.world.allow(merge="auto", approvals=1)
    proposer = forge.world.people["proposer"]
    proposer.username = "renamed"
    proposer.save()
    RoleBinding.objects.filter(person=proposer).update(role=Role.APPROVER)
    forge.project.vote(forge.project.pulls[0], "approved", PROPOSER)
    forge.turn(promotion)
    assert approvals_gate(promotion)[0] == "wait"
    promotion.refresh_from_db()
    with pytest.raises(OwnApprovalDenied):
        approve(promotion.pk, by=proposer, seen=seen_of(promotion))


def test_changes_that_a_stranger_asks_for_block_all_the_same(forge: Bench) -> None:
    promotion = opened(forge, approvals=0)
    assert promotion.phase in ("merging", "merged")
    promotion = forge.world.propose("web")
    forge.world.allow(merge="here", approvals=0)
    forge.world.advance(promotion)
    forge.project.vote(forge.project.pulls[-1], "rejected", OTHER, "not today")
    forge.turn(promotion)
    assert approvals_gate(promotion) == ("block", "Somebody rejected it: not today")


# --- said later, and taken back ---------------------------------------------------------------------------


def test_a_review_counts_as_soon_as_it_is_said_whose_it_is(forge: Bench) -> None:
    promotion = opened(forge, OTHER)
    assert approvals_gate(promotion)[0] == "wait"
    jobs.schedule(ADVANCE, promotion.pk, label="x", due_at=None)
    row = know(forge, "somebody", "approver")
    assert Job.objects.get(kind=ADVANCE, subject_id=promotion.pk).due_at is not None, "nobody looks at it"
    forge.world.allow(merge="here", approvals=1)
    forge.turn(promotion)
    assert approvals_gate(promotion) == ("pass", "Approved by approver.")
    remove_login(row, by=forge.world.people["keeper"])
    forge.turn(promotion)
    assert approvals_gate(promotion)[0] == "wait"
    verbs = AuditEvent.objects.filter(verb__contains="forge", object_type="accounts.Person")
    assert list(verbs.order_by("pk").values_list("verb", "before", "after")) == [
        ("said who somebody is on a forge", None, {"forge": host_of(promotion), "login": "somebody"}),
        ("took a login on a forge away", {"forge": host_of(promotion), "login": "somebody"}, None),
    ]


def test_an_environment_may_count_strangers_but_not_as_a_group_nor_the_proposer_by_name(forge: Bench) -> None:
    promotion = opened(forge, OTHER, Account("PROPOSER", "x"), approvals=2, counts_strangers=True)
    assert approvals_gate(promotion) == (
        "wait",
        "1 approval still to come; 1 of 2 given (Somebody); PROPOSER proposed it.",
    )
    forge.world.allow(merge="here", approvals=1, counts_strangers=True, groups=[["security", 1]])
    forge.turn(promotion)
    assert approvals_gate(promotion)[1].startswith("1 of the group security still to come")


# --- the pages --------------------------------------------------------------------------------------------


def test_the_page_says_who_is_nobody_here_and_what_to_do(forge: Bench, client: Client) -> None:
    know(forge, "approver-gh", "viewer")
    promotion = opened(forge, OTHER, APPROVER, approvals=2)
    page = forge.world.sign_in(client, "viewer").get(f"/promotions/{promotion.pk}/").content.decode()
    assert (
        f"It does not count: approved on {told_by(forge)} by Somebody, who is nobody here: an administrator "
        "can say who that is under People." in page
    )
    assert "It does not count: viewer may not approve for production." in page
    assert "on the forge as approver-gh" in page


def test_the_page_of_a_merged_promotion_names_those_who_count_as_its_approvers(
    forge: Bench, client: Client
) -> None:
    know(forge, "approver-gh", "approver")
    know(forge, "proposer-gh", "proposer")
    promotion = opened(forge, OTHER, PROPOSER, APPROVER)
    assert forge.until_merged(promotion) == [""] * (promotion.phase != "merged")
    assert promotion.phase == "merged"
    forge.world.people["approver"].is_active = False
    forge.world.people["approver"].save()
    answer = forge.world.sign_in(client, "viewer").get(f"/promotions/{promotion.pk}/")
    [note] = [step.note for step in answer.context["steps"] if step.title == "Approved"]
    assert note == "approver"
    page = answer.content.decode()
    assert "Somebody is a login of nobody here." in page
    assert "It does not count: proposer proposed it." in page


def test_an_administrator_says_who_somebody_is_and_takes_it_back(forge: Bench, client: Client) -> None:
    people = forge.world.people
    keeper, url = forge.world.sign_in(client, "keeper"), f"/people/{people['approver'].pk}/logins/"
    assert "approver is nobody on a forge yet" in keeper.get(url).content.decode()
    sent = {"host": told_by(forge), "login": " @approver-gh "}
    answer = keeper.post(url, sent, follow=True)
    assert "approver is approver-gh on" in answer.content.decode()
    row = ForgeLogin.objects.get()
    assert (row.person, row.login, row.set_by) == (people["approver"], "approver-gh", "keeper")
    keeper.post(f"{url}{row.pk}/remove/")
    assert not ForgeLogin.objects.exists()


@pytest.mark.parametrize(
    ("login", "host", "sentence"),
    [
        ("APPROVER-gh", None, "is approver already. One login is one person"),
        ("ada lovelace", None, "A login has only letters"),
        ("renovate[bot]", None, "A login has only letters"),
        ("", None, "This field is required"),
        ("ada", "evil.example", "Select a valid choice"),
    ],
)
def test_a_login_that_cannot_be_is_told_beside_its_field(
    forge: Bench, client: Client, login: str, host: str | None, sentence: str
) -> None:
    know(forge, "approver-gh", "approver")
    url = f"/people/{forge.world.people['viewer'].pk}/logins/"
    sent = {"host": host or told_by(forge), "login": login}
    answer = forge.world.sign_in(client, "keeper").post(url, sent)
    assert answer.status_code == 200
    assert sentence in answer.content.decode()
    assert ForgeLogin.objects.count() == 1


def test_a_login_of_one_person_is_not_removed_through_another(forge: Bench, client: Client) -> None:
    row = know(forge, "approver-gh", "approver")
    url = f"/people/{forge.world.people['viewer'].pk}/logins/{row.pk}/remove/"
    assert forge.world.sign_in(client, "keeper").post(url).status_code == 404
    assert ForgeLogin.objects.exists()


def test_an_administrator_of_one_project_says_nothing_about_accounts(forge: Bench, client: Client) -> None:
    people = forge.world.people
    url = f"/people/{people['viewer'].pk}/logins/"
    sent = {"host": told_by(forge), "login": "x"}
    assert forge.world.sign_in(client, "admin").post(url, sent).status_code == 403
    with pytest.raises(PromotionDenied, match="Only administrators of all projects"):
        add_login(people["viewer"], host="github.com", login="x", by=people["admin"])
    row = know(forge, "approver-gh", "approver")
    with pytest.raises(PromotionDenied, match="Only administrators of all projects"):
        remove_login(row, by=people["admin"])


def test_everybody_reads_who_they_are_on_forges_and_nobody_else(forge: Bench, client: Client) -> None:
    know(forge, "approver-gh", "approver")
    assert "approver-gh" in forge.world.sign_in(client, "approver").get("/account/logins/").content.decode()
    page = forge.world.sign_in(client, "viewer").get("/account/logins/").content.decode()
    assert "You are nobody on a forge yet" in page
    assert "approver-gh" not in page


@pytest.mark.django_db
def test_without_a_forge_there_is_nobody_to_be(client: Client) -> None:
    keeper = make_person("keeper", Role.ADMIN)
    client.force_login(keeper)
    page = client.get(f"/people/{keeper.pk}/logins/").content.decode()
    assert "No repository has its pull requests on a forge." in page


@pytest.mark.parametrize(
    ("api_url", "host"),
    [
        ("https://api.github.com", "github.com"),
        ("https://API.GitHub.com:443/", "github.com"),
        ("https://git.example.org/api/v1", "git.example.org"),
        ("https://git.example.org:8443/api/v4/", "git.example.org:8443"),
        ("https://example.org/gitlab/api/v4", "example.org/gitlab"),
        ("http://127.0.0.1:80/api/v3", "127.0.0.1:80"),
        ("no address", ""),
    ],
)
def test_a_forge_is_called_as_people_call_it(api_url: str, host: str) -> None:
    assert forge_host(api_url) == host
