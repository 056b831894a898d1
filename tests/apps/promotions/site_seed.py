"""
Run by itself against a database of its own: migrates it, stores a repository that is polled and a promotion
that waits for approvals, and prints as JSON its number and a session for each person who may approve.
"""

from __future__ import annotations

import json
import os
import sys
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

PEOPLE = 10


def main(url: str) -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "gitopsui.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", interactive=False, verbosity=0)
    print(json.dumps(_fill(url)))


def _fill(url: str) -> dict[str, Any]:
    from django.utils import timezone

    from apps.accounts.models import Project
    from apps.core import jobs
    from apps.environments.models import Environment
    from apps.promotions.models import Promotion
    from apps.repositories.models import POLL, Repository

    project = Project.objects.create(name="shop", slug="shop")
    repository = Repository.objects.create(
        project=project, name="config", url=url, same_as=url, host=urlsplit(url).netloc, is_config=True
    )
    jobs.schedule(POLL, repository.pk, label="config", group=repository.host, every=timedelta(seconds=2))
    now, environment = timezone.now(), Environment.objects.create(project=project, name="production")
    promotion = Promotion.objects.create(
        project=project, repository=repository, environment=environment, title="cart", phase="open",
        proposer_name="proposer", number="1", base_branch="main", planned_at=now, phase_at=now,
        base_sha="a" * 40, head_sha="b" * 40, diff_hash="c",
    )  # fmt: skip
    return {"promotion": promotion.pk, "sessions": [_session(project, number) for number in range(PEOPLE)]}


def _session(project: Any, number: int) -> str:
    from django.test import Client

    from apps.accounts.models import Role
    from tests.accounts import make_person

    client = Client()
    client.force_login(make_person(f"approver-{number}", Role.APPROVER, project))
    return str(client.session.session_key)


if __name__ == "__main__":
    main(sys.argv[1])
