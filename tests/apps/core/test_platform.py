"""Audit trail, log lines, middlewares, health signs, system checks."""

from __future__ import annotations

import json
import logging
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from django.utils import timezone

from apps.core import audit, checks, ticks, views
from apps.core.log import LineFormatter, escape_controls
from apps.core.middleware import RequestIdMiddleware, VaryOnHtmxMiddleware, current_request_id
from apps.core.models import AuditEvent, FinalHistoryError, Heartbeat
from gitopsui.schedules import PROMOTIONS


@pytest.mark.django_db
def test_an_audit_row_is_final() -> None:
    event = audit.record(None, "connected repository", label="shop")

    for change in (
        event.save,
        event.delete,
        AuditEvent.objects.all().delete,
        lambda: AuditEvent.objects.update(verb="nothing"),
    ):
        with pytest.raises(FinalHistoryError):
            change()
    assert AuditEvent.objects.get().verb == "connected repository"


@pytest.mark.django_db
def test_an_audit_row_names_actor_and_object_and_masks_credentials(django_user_model: Any) -> None:
    person = django_user_model.objects.create(username="ada")

    audit.record(
        person,
        "changed repository",
        person,
        before={"url": "https://bot:hunter2-canary@git.example.org/a.git", "count": [1, "x\x00"]},
    )

    event = AuditEvent.objects.get()
    assert (event.actor, event.actor_name, event.object_id) == (person, "ada", str(person.pk))
    assert "hunter2" not in str(event.before)
    assert "\x00" not in str(event.before)
    assert str(event) == "ada changed repository ada"
    assert event.object_type == person._meta.label


@pytest.mark.django_db
def test_the_name_of_an_actor_outlives_the_account(django_user_model: Any) -> None:
    person = django_user_model.objects.create(username="ada")
    audit.record(person, "signed in")

    person.delete()

    event = AuditEvent.objects.get()
    assert (event.actor, event.actor_name) == (None, "ada")


def line_of(message: str, *arguments: Any, error: bool = False) -> str:
    record = logging.LogRecord("apps.x", logging.INFO, "f", 1, message, arguments, None)
    if error:
        try:
            raise ValueError("token=abcdefgh12345678-canary")
        except ValueError:
            record.exc_info = sys.exc_info()
    return LineFormatter().format(record)


@pytest.mark.parametrize("hidden", ["\n", "\r", "\x1b[2J", "\x00", "\u2028", "\u202e", "\x85", "\ud800"])
def test_a_log_line_is_one_line_without_controls(hidden: str) -> None:
    line = line_of("commit %s", f"a{hidden}2026-01-01T00:00:00Z INFO forged")

    assert hidden not in line
    assert line.isprintable()
    assert line.encode()


def test_a_traceback_is_one_line_without_secrets() -> None:
    line = line_of("it broke", error=True)

    assert "\\nTraceback" in line
    assert "\n" not in line
    assert "canary" not in line


def test_escaping_leaves_plain_text_alone() -> None:
    assert escape_controls("Grüße, 世界 👩‍💻".replace("\u200d", "")) == "Grüße, 世界 👩💻"


def test_each_request_has_a_number_of_our_own() -> None:
    seen = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(current_request_id())
        return HttpResponse()

    request = RequestFactory().get("/", headers={"X-Request-Id": "forged"})
    response = RequestIdMiddleware(view)(request)

    assert response["X-Request-Id"] == seen[0] != "forged"
    assert current_request_id() == ""


def test_answers_vary_with_the_kind_of_request() -> None:
    response = VaryOnHtmxMiddleware(lambda request: HttpResponse())(RequestFactory().get("/"))

    assert response["Vary"] == "HX-Request"


def test_the_web_process_says_that_it_lives() -> None:
    response = views.livez(RequestFactory().get("/livez"))

    assert (response.status_code, response["Cache-Control"].split(",")[0]) == (200, "max-age=0")


@pytest.mark.django_db
def test_it_is_ready_when_database_and_worker_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "is_migrated", lambda: True)
    request = RequestFactory().get("/readyz")
    assert views.readyz(request).status_code == 503

    ticks.beat(ticks.WORKER)
    assert views.readyz(request).status_code == 503, "nobody takes promotions on"
    ticks.beat(ticks.sign_of(PROMOTIONS))
    assert views.readyz(request).status_code == 200

    for silent, other in (("worker", "promotions"), ("promotions", "worker")):
        Heartbeat.objects.update(beat_at=timezone.now())
        name = ticks.sign_of("" if silent == "worker" else silent)
        Heartbeat.objects.filter(name=name).update(beat_at=timezone.now() - timedelta(minutes=4))
        response = views.readyz(request)
        assert response.status_code == 503
        told = json.loads(response.content)["checks"]
        assert (told[silent], told[other]) == (False, True)


@pytest.mark.django_db
def test_health_needs_no_sign_in_and_carries_the_policy(client: Client) -> None:
    response = client.get("/livez")

    assert response.status_code == 200
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response["X-Content-Type-Options"] == "nosniff"


def test_a_misspelt_setting_is_named_with_the_right_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPSUI_TRUSTED_ENDPOINT", "127.0.0.1:1")
    monkeypatch.setenv("GITOPSUI_SECRET_KEY_FILE", "/run/secret")
    monkeypatch.setenv("GITOPSUI_TEST_ANYTHING", "1")

    messages = checks.check_names(None)

    assert [(message.msg, message.hint) for message in messages] == [
        ("GITOPSUI_TRUSTED_ENDPOINT is no setting of gitopsui.", "Did you mean GITOPSUI_TRUSTED_ENDPOINTS?")
    ]


def test_folders_that_others_can_read_are_refused(settings: Any, tmp_path: Any) -> None:
    mirrors = tmp_path / "mirrors"
    mirrors.mkdir(mode=0o755)
    settings.GITOPSUI_MIRRORS = mirrors

    assert [message.id for message in checks.check_folders(None)] == ["gitopsui.E001"]

    mirrors.chmod(0o700)
    assert checks.check_folders(None) == []


def test_yaml_is_the_fast_one() -> None:
    assert checks.check_yaml(None) == []
