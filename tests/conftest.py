"""What all tests share: in strict runs a skipped test is a failed one."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import time_machine
from django.core.cache import cache
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

# Left out on purpose: what needs a service named in the environment, and what reads files kept elsewhere.
ACCEPTED_REASONS = ("GITOPSUI_TEST_", "sample cases are not beside this repository")

# How long an example takes says how busy the machine is; and what fails here fails again, and elsewhere.
settings.register_profile(
    "gitopsui", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("gitopsui")


@pytest.fixture(autouse=True)
def _nothing_kept() -> Generator[None]:
    """A page drawn for one test is not shown in the next, where the same keys mean other rows."""
    yield
    cache.clear()


@pytest.fixture
def noon() -> Generator[None]:
    """The middle of a day, which does not end while the test runs."""
    with time_machine.travel(timezone.now().replace(hour=12), tick=True):
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Ask the database once what it can do: else the first test that counts queries counts that too."""
    with django_db_blocker.unblock():
        assert connection.features.supports_json_field


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips", action="store_true", help="A test that is skipped fails, unless on purpose."
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.config.getoption("no_skips") and not hasattr(report, "wasxfail"):
        _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    if collector.config.getoption("no_skips"):
        _refuse_skip(report)
    return report


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.outcome != "skipped":
        return
    reason = str(report.longrepr[2]) if isinstance(report.longrepr, tuple) else str(report.longrepr)
    reason = reason.removeprefix("Skipped: ")
    if not reason.startswith(ACCEPTED_REASONS):
        report.outcome = "failed"
        report.longrepr = f"Skipped in a strict run: {reason}"
