"""The pages of silences, tried by each role, with and without htmx."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.environments.models import DriftedResource, Silence
from gitopsui.domain.ignore import IgnoreRule
from tests.apps.environments.silence_shop import Shop

pytestmark = pytest.mark.django_db

REPLICAS = IgnoreRule("apps", "Deployment", json_pointers=("/spec/replicas",), reason="Scaled by hand.")
RULE = {
    "level": "application", "group": "apps", "kind": "Deployment", "name": "cart", "namespace": "n",
    "json_pointers": "/spec/replicas", "managers": "",
}  # fmt: skip
WHOLE = RULE | {"reason": "Scaled by hand.", "expiry": "7"}


@pytest.fixture
def drift(shop: Shop) -> DriftedResource:
    """Both applications drift in one field; the row of the first."""
    for application in (shop.till, shop.cart):
        shop.check(application, replicas=5)
    return shop.cart.drifts.get()


def client_of(shop: Shop, who: str) -> Client:
    client = Client()
    client.force_login(shop.people[who])
    return client


def address(name: str, drift: DriftedResource, **more: Any) -> str:
    query = {"drift": drift.pk, "change": 0} | more
    return f"{reverse(name)}?" + "&".join(f"{key}={value}" for key, value in query.items())


def text_of(answer: Any) -> str:
    assert answer.status_code == 200, answer.status_code
    return unescape(answer.content.decode())


class TestProposal:
    def test_one_click_shows_the_narrowest_rule_and_what_it_silences(
        self, shop: Shop, drift: DriftedResource
    ) -> None:
        page = text_of(client_of(shop, "proposer").get(address("silence-new", drift)))
        assert "Silence <code>spec.replicas</code> of Deployment cart?" in page
        assert "It silences 1 field now" in page
        assert "/spec/replicas</textarea>" in page
        assert 'name="name" value="cart"' in page
        assert not Silence.objects.exists()

    @pytest.mark.parametrize(
        ("who", "reach", "count"),
        [("proposer", "kind", 1), ("admin", "project", 2), ("proposer", "project", 1)],
    )
    def test_a_wider_rule_is_one_link_away(
        self, shop: Shop, drift: DriftedResource, who: str, reach: str, count: int
    ) -> None:
        page = text_of(client_of(shop, who).get(address("silence-new", drift, reach=reach)))
        assert f"It silences {count} field{'' if count == 1 else 's'} now" in page
        assert ("This field in all of Shop" in page) is (who == "admin")

    def test_everything_of_a_manager_is_only_offered_where_the_manager_is_known(
        self, shop: Shop, drift: DriftedResource
    ) -> None:
        client = client_of(shop, "proposer")
        assert "Everything this manager writes" not in text_of(client.get(address("silence-new", drift)))
        drift.changes[0]["manager"] = "kubectl-edit"
        drift.save()
        page = text_of(client.get(address("silence-new", drift, reach="manager")))
        assert "kubectl-edit</textarea>" in page

    def test_a_field_that_is_level_by_now_leads_back_with_a_word(
        self, shop: Shop, drift: DriftedResource
    ) -> None:
        answer = client_of(shop, "proposer").get(address("silence-new", drift, change=7))
        assert answer.headers["Location"] == reverse("application-detail", args=[shop.cart.pk])

    @pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404), ("approver", 200)])
    @pytest.mark.parametrize("name", ["silence-new", "silence-preview"])
    def test_only_promoters_of_the_project_come_here(
        self, shop: Shop, drift: DriftedResource, name: str, who: str, status: int
    ) -> None:
        assert client_of(shop, who).get(address(name, drift)).status_code == status

    @pytest.mark.parametrize("number", ["", "x", "-1", "99999999999999999999", "٣"])
    def test_a_number_that_is_none_is_not_found(
        self, shop: Shop, drift: DriftedResource, number: str
    ) -> None:
        answer = client_of(shop, "proposer").get(f"{reverse('silence-new')}?drift={number}")
        assert answer.status_code == 404

    def test_the_page_costs_the_same_however_much_drifts(
        self, shop: Shop, drift: DriftedResource, django_assert_max_num_queries: Any
    ) -> None:
        client = client_of(shop, "admin")
        with django_assert_max_num_queries(6):
            text_of(client.get(address("silence-new", drift, reach="project")))


class TestPreview:
    def test_the_partial_follows_the_form(self, shop: Shop, drift: DriftedResource) -> None:
        client = client_of(shop, "admin")
        wide = client.get(
            reverse("silence-preview"),
            {"drift": drift.pk} | RULE | {"level": "project", "name": "", "namespace": ""},
        )
        assert "It silences 2 fields now" in text_of(wide)
        assert reverse("application-detail", args=[shop.till.pk]) in text_of(wide)
        none = client.get(reverse("silence-preview"), {"drift": drift.pk} | RULE | {"name": "other"})
        assert "It silences nothing now" in text_of(none)

    def test_an_unfinished_rule_says_what_is_wrong(self, shop: Shop, drift: DriftedResource) -> None:
        data = {"drift": drift.pk} | RULE | {"json_pointers": "spec"}
        page = text_of(client_of(shop, "admin").get(reverse("silence-preview"), data))
        assert "This is no rule yet" in page
        assert "starts with a slash" in page

    def test_without_a_script_a_button_shows_it_and_nothing_is_stored(
        self, shop: Shop, drift: DriftedResource
    ) -> None:
        data = RULE | {"kind": "*", "name": "", "preview": "1"}
        page = text_of(client_of(shop, "proposer").post(address("silence-new", drift), data))
        assert "It silences 1 field now" in page
        assert "Say why" not in page
        assert not Silence.objects.exists()


class TestStarting:
    def test_a_silence_is_stored_with_who_why_and_until_when(
        self, shop: Shop, drift: DriftedResource
    ) -> None:
        answer = client_of(shop, "proposer").post(address("silence-new", drift), WHOLE)
        assert answer.headers["Location"] == reverse("application-detail", args=[shop.cart.pk])
        silence = Silence.objects.get()
        assert (silence.application, silence.created_by) == (shop.cart, "proposer")
        assert (silence.json_pointers, silence.reason) == (["/spec/replicas"], "Scaled by hand.")
        assert silence.expires_at is not None
        left = silence.expires_at - timezone.now()
        assert timedelta(days=6) < left <= timedelta(days=7)
        assert shop.check(shop.cart, replicas=5).drift_count == 0

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"json_pointers": "spec.replicas"}, "A JSON pointer starts with a slash"),
            ({"json_pointers": "/spec/~x"}, "~ is written ~0"),
            ({"kind": "Deploy(ment)"}, "A pattern is made of letters"),
            ({"group": "ap[ps"}, "A pattern is made of letters"),
            ({"kind": ""}, "This field is required"),
            ({"json_pointers": ""}, "Name at least one field or one manager"),
            ({"kind": "*", "group": "*", "json_pointers": ""}, "Name at least one field or one manager"),
            ({"kind": "*", "json_pointers": "/spec"}, "would silence nearly everything"),
            ({"json_pointers": "/spec/a\u202e"}, "cannot be seen"),
            ({"json_pointers": "\n".join(f"/spec/a{n}" for n in range(60))}, "more than 50 lines"),
            ({"reason": "   "}, "Say why"),
            ({"expiry": "date", "until": "2020-01-01"}, "This day is over"),
            ({"expiry": "date", "until": ""}, "Say which day"),
            ({"expiry": "date", "until": "9999-12-31"}, "more than ten years"),
            ({"expiry": "2"}, "not one of the available choices"),
            ({"level": "shipped"}, "not one of the available choices"),
        ],
    )
    def test_what_is_wrong_is_said_at_its_field_and_nothing_is_stored(
        self, shop: Shop, drift: DriftedResource, changes: dict[str, str], sentence: str
    ) -> None:
        answer = client_of(shop, "admin").post(address("silence-new", drift), WHOLE | changes)
        page = text_of(answer)
        assert sentence in page
        assert 'aria-invalid="true"' in page
        assert not Silence.objects.exists()

    def test_for_the_whole_project_it_takes_an_administrator(
        self, shop: Shop, drift: DriftedResource
    ) -> None:
        data = WHOLE | {"level": "project"}
        page = text_of(client_of(shop, "approver").post(address("silence-new", drift), data))
        assert "not one of the available choices" in page
        assert not Silence.objects.exists()
        client_of(shop, "admin").post(address("silence-new", drift), data)
        assert Silence.objects.get().application is None

    @pytest.mark.parametrize(("who", "status"), [("viewer", 403), ("stranger", 404)])
    def test_others_store_nothing(self, shop: Shop, drift: DriftedResource, who: str, status: int) -> None:
        answer = client_of(shop, who).post(address("silence-new", drift), WHOLE)
        assert answer.status_code == status
        assert not Silence.objects.exists()

    @pytest.mark.usefixtures("noon")
    @pytest.mark.parametrize(("expiry", "is_endless"), [("never", True), ("date", False)])
    def test_it_may_end_never_or_with_a_day(
        self, shop: Shop, drift: DriftedResource, expiry: str, is_endless: bool
    ) -> None:
        today = timezone.localdate()
        data = WHOLE | {"expiry": expiry, "until": today.isoformat()}
        client_of(shop, "proposer").post(address("silence-new", drift), data)
        ends = Silence.objects.get().expires_at
        assert (ends is None) is is_endless
        assert ends is None or timezone.localtime(ends - timedelta(seconds=1)).date() == today


class TestListing:
    @pytest.fixture
    def silences(self, shop: Shop, drift: DriftedResource) -> dict[str, Silence]:
        later = timezone.now() + timedelta(days=1)
        made = {
            "active": shop.silence(replace(REPLICAS, expires_at=later, reason="for now"), shop.cart),
            "expired": shop.silence(replace(REPLICAS, reason="long gone"), shop.cart),
            "ended": shop.silence(replace(REPLICAS, reason="not wanted"), shop.cart),
            "project": shop.silence(replace(REPLICAS, reason="everywhere"), None, who="admin"),
        }
        past = timezone.now() - timedelta(days=1)
        Silence.objects.filter(pk=made["expired"].pk).update(expires_at=past)
        Silence.objects.filter(pk=made["ended"].pk).update(ended_at=past, ended_by="approver")
        return made

    @pytest.mark.parametrize(
        ("state", "reasons"),
        [
            ("active", {"for now", "everywhere"}),
            ("expired", {"long gone"}),
            ("ended", {"not wanted"}),
            ("?", {"for now", "everywhere"}),
        ],
    )
    def test_everybody_of_the_project_sees_each_with_its_reason(
        self, shop: Shop, silences: dict[str, Silence], state: str, reasons: set[str]
    ) -> None:
        every = {"for now", "everywhere", "long gone", "not wanted"}
        page = text_of(
            client_of(shop, "viewer").get(reverse("silence-list", args=["shop"]), {"state": state})
        )
        assert {reason for reason in every if f">{reason}<" in page} == reasons
        assert "2 silences hold drift of Shop back" in page

    @pytest.mark.parametrize(("who", "shown"), [("viewer", 0), ("proposer", 1), ("admin", 2)])
    def test_who_may_not_end_a_silence_is_not_offered_to(
        self, shop: Shop, silences: dict[str, Silence], who: str, shown: int
    ) -> None:
        page = text_of(client_of(shop, who).get(reverse("silence-list", args=["shop"])))
        assert page.count(">End</button>") == shown

    def test_it_counts_what_each_holds_back_now(self, shop: Shop, silences: dict[str, Silence]) -> None:
        shop.check(shop.cart, replicas=5)
        page = text_of(client_of(shop, "viewer").get(reverse("silence-list", args=["shop"])))
        assert page.count("holds back 1 field now") == 1
        assert page.count("holds nothing back now") == 1

    def test_a_page_of_many_costs_what_a_page_of_few_costs(
        self, shop: Shop, silences: dict[str, Silence], django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(20):
            shop.silence(REPLICAS, shop.till)
        client = client_of(shop, "viewer")
        with django_assert_max_num_queries(9):
            text_of(client.get(reverse("silence-list", args=["shop"])))

    @pytest.mark.parametrize(
        ("who", "status"), [("viewer", 403), ("stranger", 404), ("proposer", 302), ("admin", 302)]
    )
    def test_promoters_end_what_holds_in_an_application(
        self, shop: Shop, silences: dict[str, Silence], who: str, status: int
    ) -> None:
        answer = client_of(shop, who).post(reverse("silence-end", args=[silences["active"].pk]))
        assert answer.status_code == status
        silences["active"].refresh_from_db()
        assert (silences["active"].ended_by == who) is (status == 302)

    @pytest.mark.parametrize(("who", "status"), [("approver", 404), ("admin", 302)])
    @pytest.mark.parametrize("name", ["silence-end", "silence-extend"])
    def test_only_administrators_change_what_holds_in_the_project(
        self, shop: Shop, silences: dict[str, Silence], name: str, who: str, status: int
    ) -> None:
        answer = client_of(shop, who).post(reverse(name, args=[silences["project"].pk]), {"expiry": "1"})
        assert answer.status_code == status

    def test_an_expired_one_is_brought_back_by_another_end(
        self, shop: Shop, silences: dict[str, Silence]
    ) -> None:
        client, row = client_of(shop, "proposer"), silences["expired"]
        assert "long gone" in text_of(client.get(reverse("silence-extend", args=[row.pk])))
        client.post(reverse("silence-extend", args=[row.pk]), {"expiry": "1"})
        row.refresh_from_db()
        assert row.expires_at is not None
        assert row.expires_at > timezone.now()

    def test_one_that_was_ended_stays_ended(self, shop: Shop, silences: dict[str, Silence]) -> None:
        client, row = client_of(shop, "admin"), silences["ended"]
        page = text_of(client.post(reverse("silence-extend", args=[row.pk]), {"expiry": "never"}))
        assert "approver has ended it" in page

    def test_foreign_text_is_shown_as_text(self, shop: Shop, silences: dict[str, Silence]) -> None:
        Silence.objects.update(reason="<script>alert(1)</script>\u202e", name="<b>x</b>", managers=["<i>"])
        page = client_of(shop, "viewer").get(reverse("silence-list", args=["shop"])).content.decode()
        assert "<script>alert" not in page
        assert "<b>x</b>" not in page
        assert "\u202e" not in page
