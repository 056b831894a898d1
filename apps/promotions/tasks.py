"""What the workers do with promotions: take them on, read the files they would edit."""

from __future__ import annotations

from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from apps.core import jobs
from apps.environments import connect as environments
from apps.environments.models import Application, Environment
from apps.promotions import connect, connect_gates, connect_notify
from apps.promotions.models import EnvironmentPolicy, ForgeConnection, Promotion
from apps.promotions.selectors.rendered import RENDER
from apps.promotions.services import (
    advance,
    drift_notices,
    external_gates,
    follow,
    forge_wait,
    forges,
    propose,
    renderings,
    send,
    targets,
    webhooks,
)
from apps.promotions.services import auto_promote as auto_promotion
from apps.repositories.connect import mirror
from apps.repositories.models import Repository
from gitopsui.adapters.forge.detect import probe
from gitopsui.schedules import PROMOTIONS

ASK_GATES = "promotions.gates"
AUTO = "promotions.auto"
EVERY = timedelta(seconds=15)
ASK_EVERY = timedelta(seconds=30)
LOOK_EVERY = timedelta(minutes=1)


@jobs.job(propose.ADVANCE, lease=timedelta(minutes=5), every=EVERY, queue=PROMOTIONS)
def advance_promotion(promotion_id: int) -> None:
    """One turn of one promotion. Safe to repeat and to be killed."""
    promotion = Promotion.objects.select_related("repository__credential", "proposer").get(pk=promotion_id)
    advance.advance_promotion(promotion_id, connect.doors(promotion))
    promotion.refresh_from_db()
    renderings.schedule_rendering(promotion)
    now = timezone.now()
    pause = forge_wait.find_pause(promotion, now=now) or follow.follow(promotion, now=now)
    if promotion.is_settled:
        jobs.forget(propose.ADVANCE, promotion_id)
    elif pause is not None:
        jobs.come_back(propose.ADVANCE, promotion_id, after=pause)


@jobs.job(RENDER, lease=timedelta(minutes=14))
def render_promotion(promotion_id: int) -> None:
    """Render what one promotion changes, before and after. Safe to be killed: it goes on where it ended."""
    promotion = Promotion.objects.select_related("repository__credential").filter(pk=promotion_id).first()
    if promotion is not None:
        renderings.render_promotion(
            promotion,
            git=mirror(promotion.repository),
            renderer=environments.renderer(),
            mask=environments.masker(),
            now=timezone.now(),
            report=jobs.report,
        )
    jobs.forget(RENDER, promotion_id)


def render_due_promotions() -> None:
    """Each tick: every promotion with a commit that is not rendered yet has a job."""
    rows = Promotion.objects.filter(phase__in=renderings.RENDERED_IN, items__rendering=None)
    found = Promotion.objects.filter(pk__in=rows.exclude(head_sha="").values("pk"))
    for promotion in found.defer("preview", "body"):
        renderings.schedule_rendering(promotion)
    jobs.enqueue_due(RENDER)


def advance_due_promotions() -> None:
    """Each tick: every promotion that is not settled has a job, and those that are due are looked at."""
    for promotion in Promotion.objects.unsettled():
        jobs.schedule(propose.ADVANCE, promotion.pk, label=promotion.title)
    jobs.enqueue_due(propose.ADVANCE)


@jobs.job(forges.CHECK, lease=timedelta(minutes=5), queue=PROMOTIONS)
def check_forge(connection_id: int) -> None:
    """Whether the token of one connection may do what promotions need. Somebody waits for the answer."""
    connection = ForgeConnection.objects.filter(pk=connection_id).first()
    if connection is not None and connection.kind in connect.KINDS:
        forges.check_connection(connection, connect.forge_of(connection))


@jobs.job(forges.DETECT, lease=timedelta(minutes=5), queue=PROMOTIONS)
def detect_forge(repository_id: int) -> None:
    """Ask the host of one repository which forge it is."""
    policy = connect.forge_policy()
    forges.detect_forge(Repository.objects.get(pk=repository_id), lambda url: probe(url, policy))


def check_due_forges() -> None:
    """Each tick: those whose message was lost, or that are tried once more."""
    jobs.enqueue_due(forges.CHECK)
    jobs.enqueue_due(forges.DETECT)


@jobs.job(ASK_GATES, lease=timedelta(minutes=2), every=ASK_EVERY)
def ask_external_gates(promotion_id: int) -> None:
    """Ask the external gates about one open promotion; one that is not open any more is not asked for."""
    related = ("project", "environment__promotion_policy")
    promotion = Promotion.objects.select_related(*related).filter(pk=promotion_id).first()
    if promotion is None or not external_gates.has_gates(promotion):
        jobs.forget(ASK_GATES, promotion_id)
        return
    with connect_gates.gate_session() as door:
        external_gates.ask_gates(promotion, door, now=timezone.now())


def ask_due_gates() -> None:
    """Each tick: every open promotion whose environment has external gates has a job."""
    rows = Promotion.objects.filter(phase__in=external_gates.ASKED_IN)
    for promotion in rows.exclude(environment__promotion_policy=None).exclude(
        environment__promotion_policy__external_gates=[]
    ):
        jobs.schedule(ASK_GATES, promotion.pk, label=f"gates of {promotion}")
    jobs.enqueue_due(ASK_GATES)


@jobs.job(AUTO, lease=timedelta(minutes=5), every=LOOK_EVERY)
def auto_promote(environment_id: int) -> None:
    """Start what may come by itself into one environment."""
    environment = Environment.objects.select_related("project").filter(pk=environment_id).first()
    policies = EnvironmentPolicy.objects.filter(environment=environment_id, auto_promote=True)
    if environment is None or not policies.exists():
        jobs.forget(AUTO, environment_id)
        return
    auto_promotion.promote_automatically(environment, now=timezone.now())


def auto_promote_due() -> None:
    """Each tick: every environment that takes versions by itself has a job."""
    for policy in EnvironmentPolicy.objects.filter(auto_promote=True).select_related("environment"):
        jobs.schedule(AUTO, policy.environment_id, label=f"what comes into {policy.environment} by itself")
    jobs.enqueue_due(AUTO)


@jobs.job(targets.PREPARE, lease=timedelta(minutes=5))
def prepare_application(application_id: int) -> None:
    """Keep the files of one application that say its version, so that a preview needs no Git."""
    application = Application.objects.select_related("component", "repository__credential").get(
        pk=application_id
    )
    targets.store_targets(application, git=mirror(application.repository))


def prepare_due_applications() -> None:
    """Each tick: those whose files were read at another commit than what is desired now."""
    current = Q(edit_targets__commit_sha=F("desired_sha"))
    behind = Application.objects.exclude(desired_sha="").exclude(current)
    rows = list(behind.filter(refusal="").select_related("component", "environment").distinct()[:500])
    for application in rows:
        row = jobs.schedule(targets.PREPARE, application.pk, label=f"files of {application}")
        if row.state in ("done", "waiting"):
            jobs.make_due(targets.PREPARE, [application.pk])
    jobs.enqueue_due(targets.PREPARE)


@jobs.job(send.SEND, lease=timedelta(minutes=5), every=send.EVERY)
def send_messages(subscription_id: int) -> None:
    """What waits for one subscription. Safe to be killed: what was begun is known."""
    doors = {"email": connect_notify.mail, "webhook": connect_notify.post}
    send.send_pending(subscription_id, doors)
    if send.has_pending(subscription_id):
        jobs.make_due(send.SEND, [subscription_id])
    else:
        jobs.forget(send.SEND, subscription_id)


def send_due_messages() -> None:
    """Each tick: drift that opened is told, and what was written for people is sent."""
    drift_notices.tell_drift(now=timezone.now())
    send.schedule_sending()


def forget_old_messages() -> None:
    """Each hour: what came from forges and went to people long ago."""
    webhooks.forget_old_deliveries(now=timezone.now())
    send.forget_old_notifications(now=timezone.now())
