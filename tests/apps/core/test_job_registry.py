"""A process that imported no task still knows every job."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import process

ROOT = Path(__file__).parents[3]
ASK = """
import django
django.setup()
from apps.core import jobs
assert not jobs.REGISTRY, "a task was imported before anybody asked"
print(jobs._task("repositories.poll").path, jobs._task("releases.update").path)
"""


def test_a_web_process_finds_the_task_of_a_job_it_never_imported() -> None:
    result = process.run(
        [sys.executable, "-W", "error", "-c", ASK],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings"},
        cwd=ROOT,
        timeout=timedelta(minutes=4),
        max_output=1 << 20,
    )
    assert result.returncode == 0, result.stderr.decode()
    found = result.stdout.decode().split()
    assert found == ["apps.repositories.tasks.poll_repository", "apps.releases.tasks.update_component"]
