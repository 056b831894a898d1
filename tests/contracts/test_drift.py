"""
Never a false alarm, never a false green: what the real kubectl applied shows no drift through our own reader
and comparison, and one edit by hand is exactly one change with its author and time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gitopsui.domain.resource import Manifest
from tests.contracts.kubectl import Api
from tests.contracts.manifests import KINDS, PASSWORD, Kind, definition

pytestmark = pytest.mark.binary

CLIENT_SIDE = ()
SERVER_SIDE = ("--server-side", "--field-manager=kustomize-controller")
APPLIES = pytest.mark.parametrize("flags", [CLIENT_SIDE, SERVER_SIDE], ids=["client", "server"])
EVERY_KIND = pytest.mark.parametrize("name", KINDS)
# Clocks of two machines, and times in managedFields without fractions.
SLACK = timedelta(minutes=5)
# A definition knows defaults of its own, which nobody can tell from Git; what a Job is given (the selector
# and labels with its uid) nobody can write in Git.
SPELLABLE = [name for name in KINDS if name not in ("Widget", "Job")]
_NEVER_WRITTEN = ("status", "metadata")


@pytest.fixture
def built(api: Api, name: str) -> Iterator[Manifest]:
    """The manifest of a kind. What is not in the namespace of the test goes when the test is over."""
    kind = KINDS[name]
    desired = kind.build(api.namespace)
    if name == "Widget":
        api.apply(definition(api.namespace))
        api.call(
            "wait", "--for=condition=Established", "--timeout=30s", f"crd/widgets.{api.namespace}.example"
        )
    yield desired
    if name == "Widget":
        api.call("delete", "crd", f"widgets.{api.namespace}.example", "--wait=false")
    if kind.is_global:
        api.call("delete", desired["kind"], desired["metadata"]["name"], "--wait=false", "--ignore-not-found")


@APPLIES
@EVERY_KIND
def test_what_was_applied_from_git_shows_no_drift(
    api: Api, built: Manifest, name: str, flags: tuple[str, ...]
) -> None:
    api.apply(built, flags=flags)
    assert len(api.live(built)) == 1
    assert api.drift(built) == []


@APPLIES
@EVERY_KIND
def test_one_edit_by_hand_is_one_change_with_its_author_and_time(
    api: Api, built: Manifest, name: str, flags: tuple[str, ...]
) -> None:
    kind = KINDS[name]
    api.apply(built, flags=flags)
    edit(api, built, kind)
    (drift,) = api.drift(built)
    (change,) = drift.changes
    assert (change.path, change.manager) == (kind.path, "kubectl-edit")
    assert change.changed_at is not None
    assert abs(change.changed_at - datetime.now(UTC)) < SLACK


@APPLIES
@pytest.mark.parametrize("name", SPELLABLE)
def test_defaults_that_git_spells_out_are_no_drift(
    api: Api, built: Manifest, name: str, flags: tuple[str, ...]
) -> None:
    """Also not the other way round: when Git stops to spell them out, they stay what they are."""
    api.apply(built, flags=flags)
    (live,) = api.live(built)
    spelled = {**built, **{key: value for key, value in live.items() if key not in _NEVER_WRITTEN}}
    spelled.pop("stringData", None)
    assert api.drift(spelled) == []
    api.apply(spelled, flags=flags)
    assert api.drift(spelled) == []
    assert api.drift(built) == []
    # The server agrees: going back changes nothing.
    before = read(api, built)
    api.apply(built, flags=flags)
    assert read(api, built) == before


@APPLIES
@pytest.mark.parametrize("name", ["Secret"])
def test_of_secrets_that_may_not_be_read_only_the_metadata_is_compared(
    api: Api, built: Manifest, name: str, flags: tuple[str, ...]
) -> None:
    api.apply(built, flags=flags)
    edit(api, built, KINDS[name])
    live = api.live(built, reads_secrets=False)
    assert "data" not in live[0]
    assert PASSWORD not in json.dumps(live)
    assert api.drift(built, reads_secrets=False) == []
    api.call("label", "secret", "login", "app=till", "--overwrite")
    (drift,) = api.drift(built, reads_secrets=False)
    assert [change.path for change in drift.changes] == ["metadata.labels.app"]


def edit(api: Api, manifest: Manifest, kind: Kind) -> None:
    plural = f"{manifest['kind']}.{manifest['apiVersion'].rpartition('/')[0]}".rstrip(".")
    message = api.edit(kind.edit, plural, manifest["metadata"]["name"])
    assert message.endswith("edited"), message


def read(api: Api, manifest: Manifest) -> dict[str, Any]:
    (live,) = api.live(manifest)
    return {key: value for key, value in live.items() if key not in _NEVER_WRITTEN}
