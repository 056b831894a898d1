"""Silences of people: what a check makes of them, what they would hide, who may set and end them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.accounts.models import Person
from apps.core import jobs
from apps.core.models import AuditEvent, Job, JobState
from apps.environments.models import Application, DriftedResource, Silence
from apps.environments.selectors.silences import silenced_of
from apps.environments.services.checks import Verdict
from apps.environments.services.layouts import CHECK, watch_application
from apps.environments.services.silences import (
    Reach,
    end_silence,
    extend_silence,
    preview,
    propose_rule,
    rules_for,
    start_silence,
)
from gitopsui.domain.drift import SyncStatus
from gitopsui.domain.errors import InputError
from gitopsui.domain.ignore import IgnoreRule, Level
from tests.apps.environments.silence_shop import Shop, deployment

pytestmark = pytest.mark.django_db

REPLICAS = IgnoreRule("apps", "Deployment", json_pointers=("/spec/replicas",), reason="Scaled by hand.")
DAY = timedelta(days=1)


def open_row(application: Application) -> DriftedResource:
    return application.drifts.get(resolved_at=None)


class TestChecks:
    def test_without_a_silence_the_field_counts(self, shop: Shop) -> None:
        verdict = shop.check(shop.cart, replicas=5)
        assert (verdict.sync, verdict.drift_count) == (SyncStatus.OUT_OF_SYNC, 1)

    def test_a_silenced_field_is_kept_with_its_rule_and_counts_nowhere(self, shop: Shop) -> None:
        silence = shop.silence(REPLICAS, shop.cart)

        verdict = shop.check(shop.cart, replicas=5)

        assert (verdict.sync, verdict.drift_count) == (SyncStatus.SYNCED, 0)
        assert verdict.sync_reason == "1 field is silenced, everything else is as Git asks for it."
        row = open_row(shop.cart)
        assert (row.is_silenced, row.verdict, row.changes) == (True, "MODIFIED", [])
        (stored,) = row.silenced
        assert {name: stored[name] for name in ("path", "desired", "live", "level", "silence", "why")} == {
            "path": "spec.replicas", "desired": "3", "live": "5",
            "level": "application", "silence": silence.pk, "why": "Scaled by hand.",
        }  # fmt: skip
        assert not shop.cart.resources.filter(sync="OutOfSync").exists()

    def test_beside_a_field_that_counts_a_silenced_one_is_kept_too(self, shop: Shop) -> None:
        shop.silence(REPLICAS, shop.cart)
        verdict = shop.check(shop.cart, replicas=5, paused=True)
        row = open_row(shop.cart)
        assert verdict.drift_count == 1
        assert verdict.sync_reason == "1 field in 1 resource differs. 1 field is silenced."
        assert [change["path"] for change in row.changes] == ["spec.paused"]
        assert [change["path"] for change in row.silenced] == ["spec.replicas"]
        assert not row.is_silenced

    def test_the_beginning_is_kept_when_a_silence_begins_and_when_it_ends(self, shop: Shop) -> None:
        shop.check(shop.cart, replicas=5)
        begun = open_row(shop.cart)
        silence = shop.silence(REPLICAS, shop.cart)
        shop.check(shop.cart, replicas=5, now=timezone.now() + DAY)
        quiet = open_row(shop.cart)
        end_silence(silence, by=shop.people["proposer"])
        shop.check(shop.cart, replicas=5, now=timezone.now() + 2 * DAY)
        loud = open_row(shop.cart)

        assert begun.pk == quiet.pk == loud.pk
        assert begun.first_seen_at == quiet.first_seen_at == loud.first_seen_at
        assert [row.is_silenced for row in (begun, quiet, loud)] == [False, True, False]
        assert loud.silenced == []

    def test_what_was_silenced_is_closed_when_it_differs_no_more(self, shop: Shop) -> None:
        shop.silence(REPLICAS, shop.cart)
        shop.check(shop.cart, replicas=5)
        shop.check(shop.cart)
        assert not shop.cart.drifts.filter(resolved_at=None).exists()
        assert shop.cart.drifts.count() == 1

    def test_an_expired_silence_stops_by_itself_at_the_next_check(self, shop: Shop) -> None:
        shop.silence(replace(REPLICAS, expires_at=timezone.now() + DAY), shop.cart)
        assert shop.check(shop.cart, replicas=5).drift_count == 0
        assert shop.check(shop.cart, replicas=5, now=timezone.now() + 2 * DAY).drift_count == 1

    @pytest.mark.parametrize(("is_in_project", "counts"), [(True, (0, 0)), (False, (0, 1))])
    def test_a_silence_of_the_project_holds_in_all_of_it_one_of_an_application_there_alone(
        self, shop: Shop, is_in_project: bool, counts: tuple[int, int]
    ) -> None:
        shop.silence(REPLICAS, None if is_in_project else shop.cart, who="admin")
        found = tuple(shop.check(one, replicas=5).drift_count for one in (shop.cart, shop.till))
        assert found == counts

    def test_the_rules_of_another_project_are_none_of_ours(self, shop: Shop) -> None:
        other = shop.people["stranger"].find_projects()[0]
        Silence.objects.create(project=other, json_pointers=["/spec/replicas"], reason="x", created_by="x")
        assert rules_for(shop.cart, now=timezone.now()) == ()

    def test_what_a_shipped_rule_takes_out_is_kept_and_goes_unsaid_in_the_verdict(self, shop: Shop) -> None:
        verdict = shop.check(shop.cart, chart="cart-2.0.0")
        assert (verdict.sync, "silenced" in verdict.sync_reason) == (SyncStatus.SYNCED, False)
        (stored,) = open_row(shop.cart).silenced
        assert (stored["level"], stored["silence"]) == ("shipped", None)

    def test_the_rules_of_an_aggregated_role_are_the_clusters(self, shop: Shop) -> None:
        api = "rbac.authorization.k8s.io/v1"
        role = {
            "apiVersion": api, "kind": "ClusterRole", "metadata": {"name": "reader"},
            "aggregationRule": {"clusterRoleSelectors": [{}]},
        }  # fmt: skip
        git, live = role | {"rules": [{"verbs": ["get"]}]}, role | {"rules": [{"verbs": ["list"]}]}
        verdict: Verdict = shop.check_objects(shop.cart, [git], [live])
        assert verdict.sync is SyncStatus.SYNCED
        assert [one.rule.reason for one in verdict.silenced[0].changes] == [
            "the cluster aggregates the rules"
        ]


class TestProposals:
    @pytest.fixture
    def row(self, shop: Shop) -> DriftedResource:
        shop.check(shop.cart, image="cart:hotfix", paused=True)
        return open_row(shop.cart)

    @pytest.mark.parametrize(
        ("reach", "rule"),
        [
            (Reach.OBJECT, IgnoreRule("apps", "Deployment", "cart", "n", level=Level.APPLICATION)),
            (Reach.KIND, IgnoreRule("apps", "Deployment", level=Level.APPLICATION)),
            (Reach.PROJECT, IgnoreRule("apps", "Deployment", level=Level.PROJECT)),
        ],
    )
    def test_a_field_is_named_by_the_key_of_its_item(
        self, row: DriftedResource, reach: Reach, rule: IgnoreRule
    ) -> None:
        index = [change["path"].endswith("image") for change in row.changes].index(True)
        pointers = ("/spec/template/spec/containers/name=c/image",)
        assert propose_rule(row, index, reach) == replace(rule, json_pointers=pointers)

    def test_a_manager_is_proposed_for_all_it_writes_in_the_application(self, row: DriftedResource) -> None:
        row.changes[0]["manager"] = "kubectl-edit"
        assert propose_rule(row, 0, Reach.MANAGER) == IgnoreRule(
            managers=("kubectl-edit",), level=Level.APPLICATION
        )

    def test_an_unknown_writer_and_an_unknown_field_make_no_rule(self, row: DriftedResource) -> None:
        row.changes[0]["manager"] = ""
        for index, reach in ((0, Reach.MANAGER), (99, Reach.OBJECT)):
            with pytest.raises(InputError) as caught:
                propose_rule(row, index, reach)
            assert caught.value.code == "NO_SUCH_CHANGE"

    @pytest.mark.parametrize("reach", [Reach.OBJECT, Reach.KIND, Reach.PROJECT])
    def test_what_is_proposed_silences_the_row(self, shop: Shop, row: DriftedResource, reach: Reach) -> None:
        for index in range(len(row.changes)):
            rule = replace(propose_rule(row, index, reach), reason="Known.")
            shop.silence(rule, shop.cart if rule.level is Level.APPLICATION else None, who="admin")
        assert shop.check(shop.cart, image="cart:hotfix", paused=True).drift_count == 0


class TestPreview:
    def test_it_names_every_field_that_the_next_checks_will_silence(self, shop: Shop) -> None:
        for application in (shop.cart, shop.till):
            shop.check(application, replicas=5, paused=True)
        hits = preview(REPLICAS, shop.project)
        assert [(str(hit.application), hit.kind, hit.path) for hit in hits] == [
            ("cart in prod", "Deployment", "spec.replicas"),
            ("till in prod", "Deployment", "spec.replicas"),
        ]
        assert [hit.application for hit in preview(REPLICAS, shop.project, shop.till)] == [shop.till]

    def test_what_is_silenced_or_gone_is_not_named(self, shop: Shop) -> None:
        shop.check(shop.till, replicas=5)
        shop.check(shop.till)
        shop.silence(REPLICAS, shop.cart)
        shop.check(shop.cart, replicas=5)
        assert preview(REPLICAS, shop.project) == []

    def test_it_goes_by_manager_too(self, shop: Shop) -> None:
        shop.check(shop.cart, replicas=5)
        DriftedResource.objects.update(changes=[open_row(shop.cart).changes[0] | {"manager": "kubectl-edit"}])
        assert len(preview(IgnoreRule(managers=("kubectl-edit",)), shop.project)) == 1
        assert preview(IgnoreRule(managers=("helm",)), shop.project) == []

    def test_it_costs_one_query(self, shop: Shop, django_assert_num_queries: Any) -> None:
        for application in (shop.cart, shop.till):
            shop.check(application, replicas=5)
        with django_assert_num_queries(1):
            assert [str(hit.application) for hit in preview(REPLICAS, shop.project)]


class TestPeople:
    @pytest.mark.parametrize(
        ("who", "is_in_project", "may"),
        [
            ("viewer", False, False),
            ("proposer", False, True),
            ("approver", False, True),
            ("proposer", True, False),
            ("approver", True, False),
            ("admin", True, True),
            ("stranger", False, False),
            ("stranger", True, False),
        ],
    )
    def test_promoters_silence_an_application_and_administrators_the_project(
        self, shop: Shop, who: str, is_in_project: bool, may: bool
    ) -> None:
        place = None if is_in_project else shop.cart
        silence = shop.silence(REPLICAS, place, who="admin")
        acts = [
            lambda by: start_silence(REPLICAS, shop.project, place, by=by),
            lambda by: extend_silence(silence, None, by=by),
            lambda by: end_silence(silence, by=by),
        ]
        for act in acts:
            if may:
                act(shop.people[who])
            else:
                with pytest.raises(PermissionDenied):
                    act(shop.people[who])

    def test_every_act_is_written_down_with_the_rule(self, shop: Shop) -> None:
        by = shop.people["proposer"]
        silence = start_silence(REPLICAS, shop.project, shop.cart, by=by)
        extend_silence(silence, timezone.now() + DAY, by=by)
        end_silence(silence, by=by)
        end_silence(silence, by=by)

        events = list(AuditEvent.objects.order_by("pk"))
        assert [event.verb for event in events] == [
            "silenced drift", "changed end of silence", "ended silence",
        ]  # fmt: skip
        assert {event.actor_name for event in events} == {"proposer"}
        assert events[0].after["json_pointers"] == ["/spec/replicas"]
        assert (events[1].before["expires_at"], "T" in events[1].after["expires_at"]) == ("never", True)

    def test_every_act_has_the_applications_looked_at_again(self, shop: Shop) -> None:
        for application in (shop.cart, shop.till):
            watch_application(application)

        def due_after(act: Any) -> list[int]:
            Job.objects.update(state=JobState.DONE, due_at=timezone.now() + DAY)
            act()
            return sorted(jobs.due(CHECK))

        by = shop.people["admin"]
        both = sorted((shop.cart.pk, shop.till.pk))
        assert due_after(lambda: start_silence(REPLICAS, shop.project, None, by=by)) == both
        assert due_after(lambda: start_silence(REPLICAS, shop.project, shop.cart, by=by)) == [shop.cart.pk]
        one = Silence.objects.get(application=shop.cart)
        assert due_after(lambda: extend_silence(one, timezone.now() + DAY, by=by)) == [shop.cart.pk]
        assert due_after(lambda: end_silence(one, by=by)) == [shop.cart.pk]

    @pytest.mark.parametrize(
        ("rule", "field"),
        [
            (replace(REPLICAS, json_pointers=()), "json_pointers"),
            (replace(REPLICAS, json_pointers=("spec",)), "json_pointers"),
            (replace(REPLICAS, kind="("), "kind"),
            (replace(REPLICAS, reason="  "), "reason"),
            (replace(REPLICAS, expires_at=datetime(2020, 1, 1, tzinfo=UTC)), "until"),
        ],
    )
    def test_a_rule_that_may_not_be_is_stored_by_nobody(
        self, shop: Shop, rule: IgnoreRule, field: str
    ) -> None:
        with pytest.raises(InputError) as caught:
            start_silence(rule, shop.project, shop.cart, by=shop.people["admin"])
        assert caught.value.field == field
        assert not Silence.objects.exists()

    def test_one_that_expired_is_brought_back_and_one_that_was_ended_is_not(self, shop: Shop) -> None:
        by: Person = shop.people["proposer"]
        with time_machine.travel(timezone.now() - 2 * DAY):
            silence = shop.silence(replace(REPLICAS, expires_at=timezone.now() + DAY), shop.cart)
        assert rules_for(shop.cart, now=timezone.now()) == ()
        extend_silence(silence, timezone.now() + DAY, by=by)
        assert len(rules_for(shop.cart, now=timezone.now())) == 1
        end_silence(silence, by=by)
        with pytest.raises(InputError):
            extend_silence(silence, None, by=by)


class TestOnThePage:
    def test_each_silenced_field_says_who_why_and_until_when(
        self, shop: Shop, django_assert_num_queries: Any
    ) -> None:
        until = timezone.now() + DAY
        shop.silence(replace(REPLICAS, expires_at=until), shop.cart)
        shop.check(shop.cart, replicas=5, chart="cart-2.0.0")

        with django_assert_num_queries(2):
            found = silenced_of(shop.cart, now=timezone.now())

        assert (found["field_count"], found["shipped_count"], found["by_people_count"]) == (2, 1, 1)
        rows = {row.field: row for row in found["groups"][0].rows}
        by_hand = rows["replicas"]
        assert (by_hand.desired, by_hand.live, by_hand.why) == ("3", "5", "Scaled by hand.")
        assert by_hand.silence is not None
        assert (by_hand.silence["created_by"], by_hand.silence["expires_at"]) == ("proposer", until)
        assert [row.is_shipped for row in rows.values() if row is not by_hand] == [True]

    def test_without_silenced_drift_there_is_nothing_and_one_query(
        self, shop: Shop, django_assert_num_queries: Any
    ) -> None:
        shop.check(shop.cart, replicas=5)
        with django_assert_num_queries(1):
            assert silenced_of(shop.cart, now=timezone.now())["field_count"] == 0


def test_the_shop_of_these_tests_is_in_sync_by_itself(shop: Shop) -> None:
    assert shop.check_objects(shop.cart, [deployment("cart")], [deployment("cart")]).drift_count == 0
