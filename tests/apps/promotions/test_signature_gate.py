"""A promotion that asks for a signature is told what is known of that of the release, and nothing better."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from apps.accounts.models import Project
from apps.environments.models import Application, Component, Environment
from apps.promotions.models import EnvironmentPolicy
from apps.promotions.selectors.facts import prospective_facts
from apps.releases.models import Release
from apps.repositories.models import Repository
from gitopsui.domain.gate_facts import Gate, GateState
from gitopsui.domain.gates import prognosis

SHA = "a" * 40
ROBOT = {"fingerprint": "F" * 40, "name": "robot", "of": "tag", "commit_sha": SHA}


@pytest.fixture
def application(db: None) -> Application:
    project = Project.objects.create(name="shop", slug="shop")
    environment = Environment.objects.create(project=project, name="production")
    EnvironmentPolicy.objects.create(environment=environment, needs_signature=True)
    config = Repository.objects.create(
        project=project, name="config", url="https://git.example.org/c", same_as="c", host="git.example.org"
    )
    component = Component.objects.create(project=project, name="cart", slug="cart")
    return Application.objects.create(
        component=component, environment=environment, repository=config, path="cart", renderer="plain"
    )


def gate_of(application: Application, *versions: str) -> Gate:
    facts = prospective_facts(
        application.environment, [(application, version) for version in versions],
        now=timezone.now(), proposer="ada",
    )  # fmt: skip
    return next(gate for gate in prognosis(facts) if gate.name == "signature")


def release(application: Application, version: str, **signature: Any) -> None:
    Release.objects.create(
        component=application.component, tag=f"v{version}", version=version, commit_sha=SHA,
        signature=signature or None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("signature", "state", "words"),
    [
        (ROBOT | {"verdict": "good"}, GateState.PASS, "cart 1.0.0: The tag is signed by robot, key FFFF"),
        (ROBOT | {"verdict": "bad"}, GateState.BLOCK, "The signature of the tag is bad"),
        (ROBOT | {"verdict": "expired"}, GateState.BLOCK, "has expired"),
        ({"verdict": "unsigned", "of": "tag", "commit_sha": SHA}, GateState.BLOCK, "is not signed"),
        (ROBOT | {"verdict": "unknown"}, GateState.WAIT, "not trusted here"),
        (ROBOT | {"verdict": "unchecked", "reason": "gpg is not installed."}, GateState.WAIT, "gpg is not"),
        (ROBOT | {"verdict": "good", "commit_sha": "b" * 40}, GateState.WAIT, "not looked at yet"),
        ({}, GateState.WAIT, "not looked at yet"),
    ],
)
def test_the_gate_says_what_is_known(
    application: Application, signature: dict[str, str], state: GateState, words: str
) -> None:
    release(application, "1.0.0", **signature)
    gate = gate_of(application, "1.0.0")
    assert gate.state is state
    assert words in gate.reason


def test_of_several_versions_the_worst_counts_and_is_named(application: Application) -> None:
    release(application, "1.0.0", **ROBOT, verdict="good")
    release(application, "1.1.0", **ROBOT, verdict="bad")
    gate = gate_of(application, "1.0.0", "1.1.0")
    assert (gate.state, gate.reason.startswith("cart 1.1.0: ")) == (GateState.BLOCK, True)


def test_a_version_without_a_tag_does_not_pass(application: Application) -> None:
    assert gate_of(application, "9.9.9").state is GateState.WAIT
