from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.identity import ResourceKey
from gitopsui.domain.reconciler import Place, ReconcilerState
from gitopsui.domain.reconciler_objects import parse_reconciler, with_source
from gitopsui.domain.resource import Manifest
from tests.domain.reconciler_samples import (
    CONFIG,
    NEW,
    OLD,
    argo,
    argo_broken,
    argo_hydrated,
    argo_multi_source,
    argo_skipped,
    changed,
    condition,
    git_repository,
    helm_release,
    kustomization,
    suspended_kustomization,
)

FOLDER = "apps/cart/overlays/dev"


def read(manifest: Manifest) -> ReconcilerState:
    state = parse_reconciler(manifest)
    assert state is not None
    return state


def test_an_application_says_its_sync_health_and_commit() -> None:
    assert read(argo()) == ReconcilerState(
        "Argo CD",
        ResourceKey("argoproj.io", "Application", "argocd", "shop-cart"),
        sync="Synced",
        health="Healthy",
        revision=OLD,
        message="successfully synced (all tasks run)",
        says_synced=True,
        reconciled_at=datetime(2026, 11, 23, 9, 58, 31, tzinfo=UTC),
        source_sha=OLD,
        places=(Place(f"{CONFIG}.git", FOLDER, OLD),),
        namespace="shop",
        cluster="https://kubernetes.default.svc",
    )


def test_each_of_several_sources_has_its_own_revision() -> None:
    state = read(argo_multi_source())
    assert state.revision == f"1.4.2, {OLD}"
    assert [place.sha for place in state.places] == ["", OLD]
    assert (state.sync, state.says_synced, state.source_sha) == ("OutOfSync", False, OLD)


def test_a_hydrated_application_applies_the_folder_that_was_written() -> None:
    assert read(argo_hydrated()).places == (Place(CONFIG, "cart", OLD),)


def test_an_error_of_the_comparison_is_the_message_and_a_warning_is_not() -> None:
    state = read(argo_broken())
    assert state.message == "Failed to load target state: app path does not exist"
    assert (state.sync, state.says_synced) == ("Unknown", None)


def test_an_application_left_alone_on_purpose_is_suspended() -> None:
    state = read(argo_skipped())
    assert state.is_suspended
    assert state.suspended_at == datetime(2026, 11, 21, 10, tzinfo=UTC)


@pytest.mark.parametrize("version", ["v1", "v1beta2", "v1beta1"])
def test_a_kustomization_says_what_it_applied(version: str) -> None:
    state = read(kustomization(version=version))
    assert (state.tool, state.sync, state.health, state.says_synced) == ("Flux", "Ready", "", True)
    assert (state.revision, state.source_sha) == (f"main@sha1:{OLD}", OLD)
    assert state.source == ResourceKey("source.toolkit.fluxcd.io", "GitRepository", "flux-system", "config")


@pytest.mark.parametrize(
    ("revision", "sha"),
    [
        (f"main@sha1:{OLD}", OLD),
        (f"main/{OLD}", OLD),
        (OLD, OLD),
        (f"sha1:{OLD}", OLD),
        (f"latest@sha256:{'a' * 64}", ""),
        ("1.4.2", ""),
        ("main", ""),
        ("", ""),
        (7, ""),
    ],
)
def test_the_commit_is_found_in_every_spelling_of_a_revision(revision: Any, sha: str) -> None:
    assert read(kustomization(revision=revision)).source_sha == sha


def test_the_commit_behind_an_artifact_is_told_by_its_origin() -> None:
    artifact = f"latest@sha256:{'a' * 64}"
    state = read(kustomization(revision=artifact, lastAppliedOriginRevision=f"main@sha1:{OLD}"))
    assert (state.revision, state.source_sha) == (artifact, OLD)


@pytest.mark.parametrize(
    ("conditions", "word", "says_synced"),
    [
        ([condition("Ready", "False", "BuildFailed", "kustomize build failed")], "Not ready", False),
        (
            [condition("Reconciling", "True"), condition("Ready", "Unknown", "Progressing")],
            "Reconciling",
            None,
        ),
        ([condition("Reconciling", "True"), condition("Ready", "False")], "Not ready", False),
        ([condition("Stalled", "True"), condition("Ready", "False")], "Stalled", False),
        ([], "Not reconciled yet", None),
    ],
)
def test_the_conditions_of_flux_become_one_word(
    conditions: list[Manifest], word: str, says_synced: bool | None
) -> None:
    state = read(kustomization(conditions=conditions))
    assert (state.sync, state.says_synced) == (word, says_synced)


def test_a_spec_that_was_not_looked_at_yet_is_reconciling() -> None:
    assert read(kustomization(observedGeneration=1)).sync == "Reconciling"


def test_a_failed_health_check_of_flux_is_its_health() -> None:
    conditions = [
        condition("Healthy", "False", "HealthCheckFailed"),
        condition("Ready", "False", "HealthCheckFailed", "timeout waiting for: [Deployment/shop/cart]"),
    ]
    state = read(kustomization(conditions=conditions))
    assert (state.health, state.message) == ("Unhealthy", "timeout waiting for: [Deployment/shop/cart]")


def test_a_suspension_has_the_time_of_its_field_and_not_of_the_status() -> None:
    state = read(suspended_kustomization())
    assert state.is_suspended
    assert state.suspended_at == datetime(2026, 11, 22, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize("version", ["v2beta1", "v2beta2", "v2"])
def test_a_helm_release_says_the_version_of_its_chart(version: str) -> None:
    state = read(helm_release(version))
    assert (state.revision, state.sync, state.health) == ("1.4.2", "Ready", "Released")
    assert state.places == (Place("", "./charts/pricing"),)


def test_tests_of_a_release_are_its_health() -> None:
    conditions = [condition("Ready", "False"), condition("TestSuccess", "False", "TestFailed")]
    assert read(helm_release(conditions=conditions)).health == "Tests failed"


def test_a_source_adds_its_address_and_its_trouble() -> None:
    state = read(kustomization())
    broken = read(git_repository(ready=False, message="authentication required"))
    found = with_source(state, {broken.key: broken})
    assert found.places == (Place(f"{CONFIG}.git", f"./{FOLDER}", OLD),)
    assert found.source_problem == "GitRepository config: authentication required"


def test_a_suspended_source_brings_nothing_new() -> None:
    source = read(git_repository(suspend=True))
    assert source.source_sha == NEW
    assert (
        with_source(read(kustomization()), {source.key: source}).source_problem
        == "the GitRepository config is suspended"
    )


def test_without_its_source_a_state_stays_as_it_is() -> None:
    assert with_source(read(kustomization()), {}) == read(kustomization())


def test_a_repository_of_charts_in_a_registry_says_nothing_of_itself() -> None:
    manifest = changed(git_repository(), "kind", value="HelmRepository")
    assert read(changed(manifest, "status", value={})).says_synced is None


@pytest.mark.parametrize("kind", ["Deployment", "AppProject", "", None, 3])
def test_other_kinds_are_no_reconcilers(kind: Any) -> None:
    assert parse_reconciler(changed(argo(), "kind", value=kind)) is None


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59-14:00", "soon", 5, None])
def test_a_time_that_cannot_be_shown_is_none(time: Any) -> None:
    assert read(changed(argo(), "status", "reconciledAt", value=time)).reconciled_at is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
PATHS = [
    ("metadata", "managedFields"), ("metadata", "annotations"), ("metadata", "generation"), ("spec",),
    ("spec", "source"), ("spec", "sources"), ("spec", "sourceHydrator"), ("spec", "destination"),
    ("spec", "sourceRef"), ("spec", "chart"), ("spec", "suspend"), ("status",), ("status", "sync"),
    ("status", "health"), ("status", "conditions"), ("status", "operationState"), ("status", "history"),
    ("status", "artifact"), ("status", "observedGeneration"), ("status", "lastAppliedRevision"),
]  # fmt: skip
OBJECTS = [
    argo(),
    argo_skipped(),
    kustomization(),
    suspended_kustomization(),
    helm_release(),
    git_repository(),
]


@given(manifest=st.sampled_from(OBJECTS), path=st.sampled_from(PATHS), value=JSON)
def test_nothing_of_any_shape_raises(manifest: Manifest, path: tuple[str, ...], value: Any) -> None:
    state = read(changed(manifest, *path, value=value))
    assert with_source(state, {state.key: state})
    for text in (state.sync, state.health, state.revision, state.message):
        assert isinstance(text, str)


@given(JSON)
def test_what_is_no_object_at_all_is_no_reconciler(value: Any) -> None:
    assert parse_reconciler(value) is None
