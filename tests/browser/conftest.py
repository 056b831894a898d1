"""A real Chromium, and a project whose rows hold every state a page can show."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from pytest_django.live_server_helper import LiveServer

from apps.accounts.models import Person, Project, Role
from apps.core.models import Heartbeat, Job, JobRun, JobState, Outcome
from apps.environments.models import (
    Application,
    ApplicationEvent,
    Cluster,
    Component,
    DriftedResource,
    Environment,
    KindListing,
    ResourceState,
    Silence,
    VersionObservation,
)
from apps.environments.services import layouts
from apps.releases.models import DeploymentRecord, Lag, Release
from apps.repositories.models import POLL, Repository, Revision, UnreadableRow
from gitopsui.domain.commit import Commit
from gitopsui.domain.layout import Layout, Proposal
from gitopsui.domain.layout_proposal import Finding
from gitopsui.domain.notes import build_notes
from gitopsui.domain.notes_text import to_dict
from tests.accounts import make_people, make_person

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]
# As long as a slow machine may need: it is used up only where what is waited for never comes.
WAIT_MS = 60_000
expect.set_options(timeout=WAIT_MS)
LONG = "a-very-long-value-without-any-place-to-break-it-" * 12
ASYNC = "DJANGO_ALLOW_ASYNC_UNSAFE"


# Of the package and not of the session: its event loop runs in this thread as long as it lives.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    found = CHROMIUM if Path(CHROMIUM).is_file() else shutil.which("chromium")
    if found is None:
        pytest.skip("no Chromium found")
    before = os.environ.get(ASYNC)
    # Playwright keeps a loop in this thread, which Django takes for a sign of asynchronous code.
    os.environ[ASYNC] = "1"
    try:
        with sync_playwright() as playwright:
            one = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
            yield one
            one.close()
    finally:
        os.environ.pop(ASYNC) if before is None else os.environ.update({ASYNC: before})


@pytest.fixture
def open_context(browser: Browser, live_server: LiveServer) -> Iterator[Callable[..., BrowserContext]]:
    """Makes contexts whose addresses begin at the server; signed in as `person` where one is given."""
    made: list[BrowserContext] = []

    def make(person: Person | None = None, **options: Any) -> BrowserContext:
        context = browser.new_context(
            base_url=live_server.url,
            reduced_motion="reduce",
            storage_state=_signed_in(person, live_server),
            **options,
        )
        context.set_default_timeout(WAIT_MS)
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()


def _signed_in(person: Person | None, server: LiveServer) -> Any:
    """The cookies of somebody who has signed in, without the way through the form."""
    if person is None:
        return None
    client = Client()
    client.force_login(person)
    name = django_settings.SESSION_COOKIE_NAME
    cookie = {
        "name": name,
        "value": client.cookies[name].value,
        "domain": server.thread.host,
        "path": "/",
        "expires": -1,
        "httpOnly": True,
        "secure": False,
        "sameSite": "Lax",
    }
    return {"cookies": [cookie], "origins": []}


@pytest.fixture
def page(open_context: Callable[..., BrowserContext], shop: Shop) -> Page:
    """A page of somebody who may do everything."""
    return open_context(shop.admin).new_page()


@dataclass(frozen=True, slots=True)
class Shop:
    """The rows the addresses of the pages are made of."""

    project: Project
    admin: Person
    application: Application
    release: Release
    repository: Repository
    failed_repository: Repository
    cluster: Cluster
    silent_cluster: Cluster
    done: Job
    quarantined: Job
    silence: Silence


@pytest.fixture
def shop(live_server: LiveServer) -> Shop:
    project = Project.objects.create(name="shop", slug="shop")
    Project.objects.create(name="empty", slug="empty")
    make_people(project)
    now = timezone.now()
    Heartbeat.objects.create(name="worker", beat_at=now)
    Heartbeat.objects.create(name="tick", beat_at=now)
    repository, failed = _repositories(project)
    cluster, silent = _clusters(project)
    application = _cells(project, repository, cluster, silent)
    _details(application)
    done, quarantined = _jobs(repository, application)
    return Shop(
        project=project,
        admin=make_person("ada", Role.ADMIN),
        application=application,
        release=_releases(application.component),
        repository=repository,
        failed_repository=failed,
        cluster=cluster,
        silent_cluster=silent,
        done=done,
        quarantined=quarantined,
        silence=_silences(application),
    )


def _repository(project: Project, name: str, **more: Any) -> Repository:
    address = f"https://git.example.org/shop/{name}"
    return Repository.objects.create(
        project=project, name=name, url=f"{address}.git", same_as=address, host="git.example.org", **more
    )


def _repositories(project: Project) -> tuple[Repository, Repository]:
    now = timezone.now()
    commit = {"sha": "5" * 40, "subject": f"fix: {LONG}", "author": "Ada", "at": now.isoformat()}
    good = _repository(
        project,
        "config",
        is_config=True,
        default_branch="main",
        refs_digest="1" * 40,
        polled_at=now,
        changed_at=now,
        size_bytes=5_000_000,
        recent_commits=[commit],
        rewritten_note="main was rewritten: 3 commits are not in it any more.",
    )
    for name, kind in (("main", "branch"), ("feature/" + LONG[:150], "branch"), ("v1.0.0", "tag")):
        Revision.objects.create(
            repository=good,
            name=name,
            short=name,
            kind=kind,
            sha="5" * 40,
            commit_sha="5" * 40,
            seen_at=now,
            dated_at=now,
        )
    UnreadableRow.objects.create(
        repository=good, path=f"apps/{LONG}.yaml", line=3, code="YAML_SYNTAX", message="No YAML.", seen_at=now
    )
    _propose(good)
    failed = _repository(
        project,
        "source",
        is_source=True,
        polled_at=now - timedelta(days=2),
        failed_at=now - timedelta(days=1),
        error="The server refused the sign-in.",
        error_code="GIT_AUTH",
        error_hint="Set the credential again.",
    )
    return good, failed


def _propose(repository: Repository) -> None:
    proposals = tuple(
        Proposal(
            component=name,
            environment=environment,
            path=f"apps/{name}/{environment}",
            renderer="kustomize",
            reason="Its base lies on another server." if name == "search" else "",
        )
        for name in ("cart", "search")
        for environment in ("dev", "production")
    )
    findings = (
        Finding(kind="folders", title="A folder per environment", detail="apps/*/*", is_understood=True),
        Finding(kind="other", title="Something else", detail=LONG, is_understood=False),
    )
    layouts.store_layout(
        repository, Layout(proposals=proposals, environments=("dev", "production"), findings=findings)
    )


def _clusters(project: Project) -> tuple[Cluster, Cluster]:
    now = timezone.now()
    good = Cluster.objects.create(
        project=project, name="eu", server="https://eu.example.org:6443", version="v1.34.1", checked_at=now
    )
    for kind, more in (
        ("Deployment", {"complete_at": now, "object_count": 12}),
        ("Job", {"error": "The account may not list it.", "error_code": "KIND_FORBIDDEN"}),
        ("Widget", {"error": "The cluster does not know it.", "error_code": "KIND_UNKNOWN"}),
        (
            "Service",
            {"complete_at": now - timedelta(hours=3), "error": "No answer.", "error_code": "CLUSTER_TIMEOUT"},
        ),
    ):
        KindListing.objects.create(cluster=good, namespace="shop", kind=kind, **more)
    silent = Cluster.objects.create(
        project=project,
        name="us",
        server="https://us.example.org",
        checked_at=now - timedelta(hours=3),
        failed_at=now - timedelta(hours=2),
        error="It did not answer within 10 s.",
        error_code="CLUSTER_TIMEOUT",
        error_hint="Look whether it can be reached from here.",
        is_insecure=True,
    )
    return good, silent


# Component, environment, and what differs from Healthy and Synced; what is not listed is absent.
CELLS: list[tuple[str, str, dict[str, Any]]] = [
    ("cart", "dev", {"live_version": "1.6.0", "desired_version": "1.6.0"}),
    ("cart", "staging", {}),
    (
        "cart",
        "production",
        {
            "live_version": "1.4.0",
            "sync": "OutOfSync",
            "drift_count": 4,
            "health": "Degraded",
            "health_reason": "1 of 3 pods is ready.",
            "health_note": "1 of 3 ready",
        },
    ),
    (
        "checkout",
        "dev",
        {"health": "Progressing", "health_reason": "2 of 3 pods are ready.", "health_note": "2 of 3 ready"},
    ),
    ("checkout", "staging", {"health": "Missing", "sync": "OutOfSync", "drift_count": 1, "live_version": ""}),
    ("checkout", "production", {"health": "Suspended"}),
    ("search", "dev", {"health": "Unknown", "sync": "Unknown", "sync_reason": "The list is not complete."}),
    (
        "search",
        "staging",
        {"refusal": "Its base lies on another server.", "sync": "Unknown", "live_version": ""},
    ),
    ("payment", "production", {"cluster": "us", "live_version": "v" + LONG[:120]}),
    ("mail", "dev", {"cluster": None, "sync": "Unknown", "health": "Unknown", "live_version": ""}),
    ("mail", "staging", {"is_paused": True}),
    ("worker", "staging", {"path": "a"}),
    (
        "worker",
        "staging",
        {"path": "b", "live_version": "1.4.9", "health": "Degraded", "health_note": "crash loop"},
    ),
    ("worker", "production", {}),
]


def _cells(project: Project, repository: Repository, good: Cluster, silent: Cluster) -> Application:
    """All cells; the application that has drift is what comes back."""
    stages = ("dev", "staging", "production")
    environments = {
        name: Environment.objects.create(project=project, name=name, position=position)
        for position, name in enumerate(stages)
    }
    components = {
        name: Component.objects.create(project=project, name=name, slug=name, labels=[f"team-{name[0]}"])
        for name in {component for component, _, _ in CELLS}
    }
    clusters = {"eu": good, "us": silent, None: None}
    for component, environment, facts in CELLS:
        facts = dict(facts)
        cluster = clusters[facts.pop("cluster", "eu")]
        _cell(components[component], environments[environment], cluster, repository, facts)
    for name, here, behind, count in (("cart", "staging", "dev", 24), ("cart", "production", "staging", 0)):
        Lag.objects.create(
            component=components[name],
            environment=environments[here],
            behind=environments[behind],
            commit_count=count,
        )
    return Application.objects.get(component__name="cart", environment__name="production")


def _cell(
    component: Component,
    environment: Environment,
    cluster: Cluster | None,
    repository: Repository,
    facts: dict[str, Any],
) -> None:
    now = timezone.now()
    is_silent = cluster is not None and cluster.failed_at is not None
    told = {
        "path": f"apps/{component.slug}/{environment.name}",
        "desired_version": "1.5.0",
        "live_version": "1.5.0",
        "sync": "Synced",
        "health": "Healthy",
        "sync_reason": "",
        "health_reason": "",
    }
    Application.objects.create(
        component=component,
        environment=environment,
        cluster=cluster,
        repository=repository,
        renderer="kustomize",
        namespace="shop",
        live_since=now - timedelta(days=2),
        sync_since=now - timedelta(hours=1),
        health_since=now - timedelta(minutes=5),
        desired_sha="5" * 40,
        desired_at=now,
        checked_at=None if cluster is None else now - timedelta(hours=3 if is_silent else 0),
        failed_at=now - timedelta(hours=2) if is_silent else None,
        error="The cluster does not answer." if is_silent else "",
        changed_at=now,
        **told | facts,
    )


def _details(application: Application) -> None:
    """Drift of each verdict with long values, a tree of resources, versions and events."""
    now = timezone.now()
    changes = [
        {
            "path": "spec.replicas",
            "pointer": "/spec/replicas",
            "desired": "2",
            "live": "5",
            "manager": "kubectl-edit",
            "changed_at": now.isoformat(),
        },
        {
            "path": f"metadata.annotations[{LONG[:80]}]",
            "desired": LONG,
            "live": LONG + "x",
            "manager": "",
            "changed_at": None,
        },
        {
            "path": "spec.template.spec.priorityClassName",
            "desired": None,
            "live": "",
            "manager": "",
            "changed_at": None,
        },
    ]
    for kind, verdict, rows in (
        ("Deployment", "MODIFIED", changes),
        ("Service", "MISSING", []),
        ("ConfigMap", "EXTRA", []),
        ("Widget", "UNKNOWN", []),
    ):
        DriftedResource.objects.create(
            application=application,
            kind=kind,
            namespace="shop",
            name="cart",
            verdict=verdict,
            changes=rows,
            reason="The cluster does not know this kind." if verdict == "UNKNOWN" else "",
            first_seen_at=now - timedelta(hours=1),
            last_seen_at=now,
        )
    for kind, uid, owner, health, sync in (
        ("Deployment", "1", "", "Degraded", "OutOfSync"),
        ("ReplicaSet", "2", "1", "Degraded", ""),
        ("Pod", "3", "2", "Degraded", ""),
        ("ConfigMap", "4", "", "", "Synced"),
        ("Service", "", "", "Missing", "OutOfSync"),
    ):
        ResourceState.objects.create(
            application=application,
            kind=kind,
            namespace="shop",
            name=f"cart-{LONG[:90]}" if kind == "Pod" else "cart",
            uid=uid,
            owner_uid=owner,
            health=health,
            sync=sync,
            health_reason="It crashes again and again." if kind == "Pod" else "",
            images=[f"registry.example.org/shop/cart:{LONG[:60]}"] if kind == "Pod" else [],
            created_at=now - timedelta(days=2),
        )
    _history(application)


def _silences(application: Application) -> Silence:
    """One of the application with a field that it holds back beside a shipped rule, one of the project."""
    now, project = timezone.now(), application.component.project
    rule: dict[str, Any] = {"kind": "Deployment", "group": "apps", "created_by": "ada"}
    Silence.objects.create(project=project, managers=["kubectl-edit"], reason=LONG, **rule)
    silence = Silence.objects.create(
        project=project,
        application=application,
        json_pointers=["/spec/paused", f"/metadata/labels/{LONG}"],
        reason="Paused until the move is over.",
        expires_at=now + timedelta(days=2),
        **rule,
    )
    change = {"desired": "false", "live": "true", "manager": "kubectl-edit", "changed_at": now.isoformat()}
    by_people = {"level": "application", "silence": silence.pk, "why": silence.reason}
    shipped = {"level": "shipped", "silence": None, "why": "it names the chart version"}
    row = application.drifts.get(kind="Deployment", resolved_at=None)
    row.silenced = [
        change | {"path": "spec.paused"} | by_people,
        change | {"path": "metadata.labels[helm.sh/chart]", "live": LONG} | shipped,
    ]
    row.save()
    return silence


def _history(application: Application) -> None:
    now = timezone.now()
    for age, version in ((2, "1.4.0"), (20, "1.3.0")):
        at = now - timedelta(days=age)
        VersionObservation.objects.create(
            application=application, at=at, source="git", version=version, sha="5" * 40, author="Ada"
        )
        DeploymentRecord.objects.create(
            application=application,
            version=version,
            from_at=at,
            to_at=None if age == 2 else now - timedelta(days=2),
            sha="5" * 40,
            author="Ada",
            source="git",
        )
    ApplicationEvent.objects.create(
        application=application, at=now, text="Health went from Healthy to Degraded."
    )


def _releases(component: Component) -> Release:
    """A release with notes of every section, and one whose notes are not written."""
    now = timezone.now()
    messages = [
        "feat(cart)!: take coupons (#12)\n\nBREAKING CHANGE: the old endpoint is gone.",
        f"fix: {LONG}",
        "perf: read less\n\nFixes #9",
        "chore(deps): bump yaml from 1 to 2",
        "Merge nothing in particular",
    ]
    commits = [
        Commit(f"{number:040d}", (f"{number + 1:040d}",), "Ada", "ada@example.org", now, now, message)
        for number, message in enumerate(messages)
    ]
    release = Release.objects.create(
        component=component,
        tag="v1.4.0",
        version="1.4.0",
        position=1,
        commit_sha="0" * 40,
        dated_at=now - timedelta(days=3),
        base_tag="v1.3.0",
        base_sha="9" * 40,
        notes=to_dict(build_notes(commits, base="v1.3.0", head="v1.4.0")),
        notes_sha="0" * 40,
        commit_count=len(commits),
        change_count=3,
        breaking_count=1,
        summary="Take coupons",
    )
    Release.objects.create(
        component=component, tag="v1.5.0-rc.1", version="1.5.0-rc.1", is_prerelease=True, commit_sha="8" * 40
    )
    return release


def _jobs(repository: Repository, application: Application) -> tuple[Job, Job]:
    now = timezone.now()
    done = Job.objects.create(
        kind=POLL,
        subject_id=repository.pk,
        subject_label="config",
        state=JobState.DONE,
        started_at=now,
        ended_at=now,
        due_at=now + timedelta(minutes=1),
        every=timedelta(minutes=1),
    )
    held = Job.objects.create(
        kind=layouts.CHECK,
        subject_id=application.pk,
        subject_label=str(application),
        state=JobState.QUARANTINED,
        attempts=3,
        started_at=now,
        last_error=f"MemoryError: {LONG}",
    )
    Job.objects.create(
        kind=layouts.RECOGNISE,
        subject_id=repository.pk,
        state=JobState.RUNNING,
        started_at=now,
        lease_until=now + timedelta(minutes=5),
        progress_done=30,
        progress_total=120,
        progress_text="files",
    )
    JobRun.objects.create(job=done, started_at=now, ended_at=now, outcome=Outcome.DONE)
    for _ in range(3):
        JobRun.objects.create(job=held, started_at=now, ended_at=now, outcome=Outcome.INTERRUPTED, text=LONG)
    return done, held
