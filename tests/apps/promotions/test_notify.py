"""Notifications out: who is told what, once, by a real mail server and a real HTTP receiver."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from apps.accounts.models import Person, Project
from apps.core import jobs
from apps.core.models import AuditEvent, Job
from apps.environments.models import Application, Component, DriftedResource, Environment
from apps.promotions import tasks
from apps.promotions.models import Notification, Promotion, Subscription
from apps.promotions.services import notices, send
from apps.promotions.services.drift_notices import tell_drift
from apps.repositories.models import Repository
from gitopsui.domain.errors import HttpError
from gitopsui.domain.promotion import Phase
from tests.accounts import make_people
from tests.adapters.fault_server import FaultServer, Request, always
from tests.apps.promotions.mail_server import MailServer
from tests.waiting import PATIENCE

ALL = ["waiting", "approved", "merged", "deployed", "missed", "drift"]


@pytest.fixture
def shop(db: None) -> Project:
    return Project.objects.create(name="shop", slug="shop")


@pytest.fixture
def people(shop: Project) -> dict[str, Person]:
    return make_people(shop)


@pytest.fixture
def promotion(shop: Project, people: dict[str, Person]) -> Promotion:
    repository = Repository.objects.create(
        project=shop, name="config", url="https://git.example.org/c", same_as="c", host="git.example.org"
    )
    return Promotion.objects.create(
        project=shop, environment=Environment.objects.create(project=shop, name="production"),
        repository=repository, title="cart: 1.0.0 to 2.0.0 in production", proposer=people["proposer"],
        proposer_name="proposer", planned_at=timezone.now(), phase_at=timezone.now(), phase="open",
        base_branch="main", base_sha="a" * 40, head_sha="b" * 40, reason="because",
    )  # fmt: skip


@pytest.fixture
def mailbox(settings: Any) -> Iterator[MailServer]:
    with MailServer() as server:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.GITOPSUI_MAIL_HOST = settings.EMAIL_HOST = "127.0.0.1"
        settings.EMAIL_PORT, settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = server.port, False, False
        settings.EMAIL_HOST_USER = settings.EMAIL_HOST_PASSWORD = ""
        yield server


@pytest.fixture
def chat(settings: Any) -> Iterator[FaultServer]:
    with FaultServer({}, default=always(b"ok")) as server:
        settings.GITOPSUI_TRUSTED_ENDPOINTS = frozenset({server.host_port})
        yield server


def subscribe(person: Person, project: Project, address: str, **values: Any) -> Subscription:
    channel = "webhook" if address.startswith("http") else "email"
    told: dict[str, Any] = {"channel": channel, "address": address, "events": ALL} | values
    return Subscription.objects.create(person=person, project=project, **told)


def deliver(turns: int = 1) -> None:
    """As the clock and a worker do it, with every pause over."""
    for _ in range(turns):
        tasks.send_due_messages()
        Job.objects.filter(kind=send.SEND).update(due_at=timezone.now())
        for subject in jobs.due(send.SEND):
            tasks.send_messages(subject)


# --- who is told ------------------------------------------------------------------------------------------


def test_the_proposer_is_not_told_that_their_promotion_waits(
    shop: Project, people: dict[str, Person], promotion: Promotion
) -> None:
    for name in ("proposer", "approver"):
        subscribe(people[name], shop, "https://chat.example.org/x")

    notices.tell(promotion, Phase.OPEN)
    notices.tell_event(promotion, "approved", by=people["approver"])
    notices.tell(promotion, Phase.MERGED)

    told = list(Notification.objects.values_list("subscription__person__username", "event").order_by("pk"))
    assert told == [("approver", "waiting"), ("proposer", "approved"), ("proposer", "merged"),
                    ("approver", "merged")]  # fmt: skip


def test_the_same_is_told_once_and_only_to_who_asked(
    shop: Project, people: dict[str, Person], promotion: Promotion
) -> None:
    wanted = subscribe(people["viewer"], shop, "https://chat.example.org/x", events=["merged"])
    subscribe(people["approver"], shop, "https://chat.example.org/x", is_paused=True)
    people["admin"].is_active = False
    people["admin"].save()
    subscribe(people["admin"], shop, "https://chat.example.org/x")
    subscribe(people["stranger"], Project.objects.get(slug="other"), "https://chat.example.org/x")

    for phase in (Phase.OPEN, Phase.MERGED, Phase.MERGED):
        notices.tell(promotion, phase)

    assert [row.subscription for row in Notification.objects.all()] == [wanted]


def test_a_message_holds_no_secret(shop: Project, people: dict[str, Person], promotion: Promotion) -> None:
    subscribe(people["viewer"], shop, "https://chat.example.org/x")
    promotion.reason = "see https://ada:hunter22@git.example.org/x and token=ghp_" + "a" * 36

    notices.tell_event(promotion, "missed", detail="password=hunter22")

    row = Notification.objects.get()
    assert "hunter22" not in row.text
    assert "ghp_" not in row.text


def test_who_lost_the_project_is_told_nothing_any_more(
    shop: Project, people: dict[str, Person], promotion: Promotion, chat: FaultServer
) -> None:
    subscription = subscribe(people["viewer"], shop, f"{chat.url}/x")
    notices.tell(promotion, Phase.MERGED)
    people["viewer"].role_bindings.all().delete()

    deliver()

    assert chat.requests == []
    subscription.refresh_from_db()
    assert subscription.error == send.UNSEEN


# --- webhooks ---------------------------------------------------------------------------------------------


def test_a_webhook_gets_the_json_of_slack(
    shop: Project, people: dict[str, Person], promotion: Promotion, chat: FaultServer
) -> None:
    subscribe(people["viewer"], shop, f"{chat.url}/services/T/secret")
    promotion.title = "cart <!channel> & co"
    notices.tell(promotion, Phase.MERGED)

    deliver(2)

    (request,) = chat.requests
    text = json.loads(request.body)["text"]
    assert text.startswith("*cart &lt;!channel&gt; &amp; co was merged*")
    assert text.endswith(f"http://127.0.0.1:8000/promotions/{promotion.pk}/")
    assert Notification.objects.get().sent_at is not None
    assert jobs.job_of(send.SEND, Subscription.objects.get().pk) is None


def test_a_receiver_that_is_busy_is_asked_again_and_gets_one_message(
    shop: Project, people: dict[str, Person], promotion: Promotion, chat: FaultServer
) -> None:
    answers = iter([503, 429, 500])

    def answer(request: Request) -> None:
        request.reply(b"", status=next(answers, 200))

    chat.default = answer
    subscription = subscribe(people["viewer"], shop, f"{chat.url}/x")
    notices.tell(promotion, Phase.MERGED)
    deliver()
    subscription.refresh_from_db()

    assert subscription.error == "The server answered with status 503."
    deliver(4)
    subscription.refresh_from_db()
    assert (len(chat.requests), Notification.objects.get().attempts, subscription.error) == (4, 4, "")


def test_an_address_that_is_gone_is_given_up_with_its_reason(
    shop: Project, people: dict[str, Person], promotion: Promotion, chat: FaultServer
) -> None:
    chat.default = always(status=404)
    subscription = subscribe(people["viewer"], shop, f"{chat.url}/secret-path")
    notices.tell(promotion, Phase.MERGED)

    deliver(3)

    subscription.refresh_from_db()
    assert len(chat.requests) == 1
    assert subscription.error.startswith("Not found")
    assert "secret-path" not in Notification.objects.get().error


def test_it_is_given_up_after_so_many_tries(
    shop: Project, people: dict[str, Person], promotion: Promotion, chat: FaultServer
) -> None:
    chat.default = always(status=500)
    subscribe(people["viewer"], shop, f"{chat.url}/x")
    notices.tell(promotion, Phase.MERGED)

    deliver(send.MOST_ATTEMPTS + 3)

    assert len(chat.requests) == send.MOST_ATTEMPTS
    assert "500" in Notification.objects.get().error


@pytest.mark.parametrize("way", ["hang up", "say nothing"])
def test_a_webhook_that_may_have_arrived_is_not_sent_again(
    shop: Project, people: dict[str, Person], promotion: Promotion, chat: FaultServer, way: str
) -> None:
    chat.default = (lambda request: request.send_raw(b"")) if way == "hang up" else Request.hang
    subscribe(people["viewer"], shop, f"{chat.url}/x")
    notices.tell(promotion, Phase.MERGED)

    deliver(3)

    assert len(chat.requests) == 1
    assert Notification.objects.get().error == send.UNSURE


def test_an_address_inside_is_refused_when_it_is_sent_to(
    shop: Project, people: dict[str, Person], promotion: Promotion, chat: FaultServer, settings: Any
) -> None:
    settings.GITOPSUI_TRUSTED_ENDPOINTS = frozenset()
    subscribe(people["viewer"], shop, f"{chat.url}/x")
    notices.tell(promotion, Phase.MERGED)

    deliver()

    assert chat.requests == []


class Killed(BaseException):
    """The end of a process, as far as a test in one process can have it."""


def test_a_worker_killed_while_sending_leaves_no_second_webhook(
    shop: Project, people: dict[str, Person], promotion: Promotion
) -> None:
    subscription = subscribe(people["viewer"], shop, "https://chat.example.org/x")
    notices.tell(promotion, Phase.MERGED)
    sent: list[send.Message] = []

    def die(address: str, message: send.Message) -> None:
        sent.append(message)
        raise Killed

    with pytest.raises(Killed):
        send.send_pending(subscription.pk, {"webhook": die})
    send.send_pending(subscription.pk, {"webhook": die})
    send.send_pending(subscription.pk, {"webhook": die})

    assert len(sent) == 1
    assert Notification.objects.get().error == send.UNSURE


def test_mail_is_sent_a_second_time_at_most(
    shop: Project, people: dict[str, Person], promotion: Promotion
) -> None:
    subscription = subscribe(people["viewer"], shop, "ada@example.org")
    notices.tell(promotion, Phase.MERGED)
    sent: list[send.Message] = []

    def die(address: str, message: send.Message) -> None:
        sent.append(message)
        raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            send.send_pending(subscription.pk, {"email": die})
    send.send_pending(subscription.pk, {"email": die})

    assert [message.number for message in sent] == [Notification.objects.get().pk] * 2
    assert Notification.objects.get().error == send.UNSURE


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_one_message() -> None:
    project = Project.objects.create(name="shop", slug="shop")
    subscription = subscribe(make_people(project)["viewer"], project, "https://chat.example.org/x")
    Notification.objects.create(subscription=subscription, key="k", event="merged", subject="s", text="t")
    sent: list[int] = []
    gate = threading.Barrier(2, timeout=PATIENCE)

    def work() -> None:
        from django.db import connection

        gate.wait()
        try:
            send.send_pending(subscription.pk, {"webhook": lambda address, one: sent.append(one.number)})
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(sent) == 1


def test_what_is_a_day_old_is_news_no_more(
    shop: Project, people: dict[str, Person], promotion: Promotion
) -> None:
    subscription = subscribe(people["viewer"], shop, "https://chat.example.org/x")
    notices.tell(promotion, Phase.MERGED)
    Notification.objects.update(created_at=timezone.now() - timedelta(days=2))

    send.send_pending(subscription.pk, {"webhook": lambda address, message: pytest.fail("sent")})

    assert Notification.objects.get().error == send.STALE


def test_what_waits_behind_a_failure_is_not_sent_before_it(
    shop: Project, people: dict[str, Person], promotion: Promotion
) -> None:
    subscription = subscribe(people["viewer"], shop, "https://chat.example.org/x")
    for phase in (Phase.OPEN, Phase.MERGED):
        notices.tell(promotion, phase)
    sent: list[str] = []

    def refuse_once(address: str, message: send.Message) -> None:
        sent.append(message.subject.rpartition("production ")[2])
        if len(sent) == 1:
            raise HttpError("busy", code="HTTP_BUSY")

    with pytest.raises(HttpError):
        send.send_pending(subscription.pk, {"webhook": refuse_once})
    send.send_pending(subscription.pk, {"webhook": refuse_once})

    assert sent == ["waits for approval", "waits for approval", "was merged"]


# --- mail -------------------------------------------------------------------------------------------------


def test_mail_comes_as_text_and_as_simple_html(
    shop: Project, people: dict[str, Person], promotion: Promotion, mailbox: MailServer
) -> None:
    subscribe(people["viewer"], shop, "ada@example.org")
    promotion.title = "cart <b>\nBcc: eve@example.org"
    notices.tell(promotion, Phase.MERGED)

    deliver(2)

    (letter,) = mailbox.letters
    plain, html = (letter.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert letter["To"] == "ada@example.org"
    assert letter["Bcc"] is None
    assert "cart <b>" in letter["Subject"]
    assert f"http://127.0.0.1:8000/promotions/{promotion.pk}/" in plain.get_content()
    assert "proposer proposed it: because" in plain.get_content()
    assert "cart &lt;b&gt;" in html.get_content()
    assert "<img" not in html.get_content()
    assert Notification.objects.get().sent_at is not None


def test_mail_goes_to_the_mailbox_of_the_account_where_no_other_is_named(
    shop: Project, people: dict[str, Person], promotion: Promotion, mailbox: MailServer
) -> None:
    people["viewer"].email = "own@example.org"
    people["viewer"].save()
    subscribe(people["viewer"], shop, "", channel="email")
    notices.tell(promotion, Phase.MERGED)

    deliver()

    assert [letter["To"] for letter in mailbox.letters] == ["own@example.org"]


def test_a_mail_server_that_hangs_up_after_it_took_it_gets_it_twice_at_most(
    shop: Project, people: dict[str, Person], promotion: Promotion, mailbox: MailServer
) -> None:
    mailbox.hangs_up = 5
    subscribe(people["viewer"], shop, "ada@example.org")
    notices.tell(promotion, Phase.MERGED)

    deliver(4)

    assert len(mailbox.letters) == 2
    assert mailbox.letters[0]["Message-ID"] == mailbox.letters[1]["Message-ID"]
    assert Notification.objects.get().error == send.UNSURE


@pytest.mark.parametrize(("code", "tries"), [(550, 1), (450, 3)])
def test_a_refused_mailbox_is_given_up_for_good_or_tried_again(
    shop: Project, people: dict[str, Person], promotion: Promotion, mailbox: MailServer, code: int, tries: int
) -> None:
    mailbox.refuses_with = code
    subscription = subscribe(people["viewer"], shop, "ada@example.org")
    notices.tell(promotion, Phase.MERGED)

    deliver(3)

    subscription.refresh_from_db()
    row = Notification.objects.get()
    assert str(code) in subscription.error
    assert row.attempts == (send.MOST_ATTEMPTS if tries == 1 else tries)
    assert mailbox.letters == []


def test_without_a_mail_server_it_says_so(
    shop: Project, people: dict[str, Person], promotion: Promotion, settings: Any
) -> None:
    settings.GITOPSUI_MAIL_HOST = ""
    subscribe(people["viewer"], shop, "ada@example.org")
    notices.tell(promotion, Phase.MERGED)

    deliver()

    assert Notification.objects.get().error == "No mail server is set."


# --- drift ------------------------------------------------------------------------------------------------


@pytest.fixture
def application(shop: Project, promotion: Promotion) -> Application:
    component = Component.objects.create(project=shop, name="cart", slug="cart")
    return Application.objects.create(
        component=component, environment=promotion.environment, repository=promotion.repository, path="a",
        renderer="plain",
    )  # fmt: skip


def drift(application: Application, name: str = "cart", *, checks: int = 2, **values: Any) -> DriftedResource:
    now = timezone.now()
    told: dict[str, Any] = {
        "kind": "Deployment", "name": name, "verdict": "modified", "first_seen_at": now,
        "last_seen_at": now + timedelta(minutes=checks - 1), "changes": [{"live": "s3cret"}],
    } | values  # fmt: skip
    return DriftedResource.objects.create(application=application, **told)


def test_drift_that_a_second_check_sees_is_told_once_for_an_application(
    shop: Project, people: dict[str, Person], application: Application
) -> None:
    subscribe(people["viewer"], shop, "https://chat.example.org/x")
    drift(application)
    drift(application, "web")
    for _ in range(3):
        tell_drift(now=timezone.now())

    row = Notification.objects.get()
    assert row.subject == f"{application} differs from Git: 2 resources"
    assert row.text == "Deployment cart (modified, 1 field)\nDeployment web (modified, 1 field)"
    assert "s3cret" not in row.text + row.subject
    drift(application, "late")
    tell_drift(now=timezone.now())
    assert Notification.objects.latest("pk").text == "Deployment late (modified, 1 field)"


@pytest.mark.parametrize(
    "values",
    [
        {"checks": 1},
        {"is_silenced": True},
        {"resolved_at": timezone.now()},
        {"first_seen_at": timezone.now() - timedelta(days=3)},
        {"first_seen_at": timezone.now() - timedelta(hours=1)},
    ],
    ids=["seen once", "silenced", "gone", "old", "before the subscription"],
)
def test_other_drift_is_no_news(
    shop: Project, people: dict[str, Person], application: Application, values: dict[str, Any]
) -> None:
    subscribe(people["viewer"], shop, "https://chat.example.org/x")
    drift(application, **values)

    tell_drift(now=timezone.now())

    assert not Notification.objects.exists()


def test_drift_of_another_project_is_not_told(
    shop: Project, people: dict[str, Person], application: Application
) -> None:
    subscribe(people["stranger"], Project.objects.get(slug="other"), "https://chat.example.org/x")
    drift(application)

    tell_drift(now=timezone.now())

    assert not Notification.objects.exists()


# --- the page ---------------------------------------------------------------------------------------------

ADDRESS = "/account/notifications/"


def test_a_person_subscribes_tries_pauses_and_leaves(
    shop: Project, people: dict[str, Person], chat: FaultServer, client: Client
) -> None:
    client.force_login(people["viewer"])
    secret = f"{chat.url}/services/T000/very-secret"
    data = {"project": shop.pk, "channel": "webhook", "address": secret, "events": ["merged", "drift"]}

    assert client.post(ADDRESS, data).status_code == 302
    subscription = Subscription.objects.get()
    own = f"{ADDRESS}{subscription.pk}/"
    client.post(f"{own}test/")
    deliver()
    page = client.get(ADDRESS).content.decode()

    assert "gitopsui reaches you for shop" in page
    assert "very-secret" not in page
    assert len(chat.requests) == 1
    client.post(f"{own}events/", {"events": ["waiting"]})
    client.post(f"{own}pause/", {"paused": "yes"})
    subscription.refresh_from_db()
    assert (subscription.events, subscription.is_paused) == (["waiting"], True)
    client.post(f"{own}remove/")
    assert not Subscription.objects.exists()
    verbs = list(AuditEvent.objects.order_by("pk").values_list("verb", flat=True))
    assert verbs == ["subscribed", "tested subscription", "changed subscription", "paused subscription",
                     "unsubscribed"]  # fmt: skip
    assert "very-secret" not in str(list(AuditEvent.objects.values()))


def test_a_second_test_has_to_wait(shop: Project, people: dict[str, Person], client: Client) -> None:
    client.force_login(people["viewer"])
    subscription = subscribe(people["viewer"], shop, "https://chat.example.org/x")
    for _ in range(3):
        client.post(f"{ADDRESS}{subscription.pk}/test/")

    assert Notification.objects.count() == 1


def test_nobody_touches_the_subscription_of_another(
    shop: Project, people: dict[str, Person], client: Client
) -> None:
    subscription = subscribe(people["viewer"], shop, "https://chat.example.org/x")
    client.force_login(people["admin"])

    for act in ("events", "pause", "test", "remove"):
        assert client.post(f"{ADDRESS}{subscription.pk}/{act}/", {"events": "drift"}).status_code == 404


@pytest.mark.parametrize(
    ("channel", "address", "words"),
    [
        ("webhook", "http://169.254.169.254/latest", "https"),
        ("webhook", "https://127.0.0.1/x", "address"),
        ("webhook", "https://ada:secret-word@chat.example.org/x", "user name"),
        ("webhook", "", "address"),
        ("email", "ada@example.org", "sends no mail"),
    ],
)
def test_an_address_that_must_not_be_is_refused_and_not_shown_again(
    shop: Project, people: dict[str, Person], client: Client, channel: str, address: str, words: str
) -> None:
    client.force_login(people["viewer"])
    data = {"project": shop.pk, "channel": channel, "address": address, "events": ["merged"]}

    answer = client.post(ADDRESS, data)

    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Subscription.objects.exists()
    assert "secret-word" not in answer.content.decode()


def test_a_project_of_others_cannot_be_chosen(
    shop: Project, people: dict[str, Person], client: Client
) -> None:
    client.force_login(people["viewer"])
    other = Project.objects.get(slug="other")
    data = {"project": other.pk, "channel": "webhook", "address": "https://chat.example.org/x",
            "events": ["merged"]}  # fmt: skip

    assert client.post(ADDRESS, data).status_code == 200
    assert not Subscription.objects.exists()
