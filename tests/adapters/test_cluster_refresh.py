from __future__ import annotations

import pytest
import yaml

from gitopsui.adapters.cluster_discovery import ApiKind
from gitopsui.adapters.cluster_refresh import path_of, refresh_role
from gitopsui.domain.errors import ClusterError
from gitopsui.domain.identity import ResourceKey

KIND = ApiKind("argoproj.io", "v1alpha1", "Application", "applications", True, ("get", "list", "patch"))


def test_the_role_grants_one_verb_on_reconcilers_and_sources() -> None:
    role, binding = yaml.safe_load_all(refresh_role())
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"patch"}
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert {"applications", "kustomizations", "helmreleases", "gitrepositories"} <= resources
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


def test_a_name_stays_one_part_of_the_path() -> None:
    key = ResourceKey("argoproj.io", "Application", "argocd", "a/../b?x")
    assert path_of(KIND, key) == ("/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/a%2F..%2Fb%3Fx")


@pytest.mark.parametrize(
    ("namespace", "name"), [("", "cart"), ("..", "cart"), ("argocd", ".."), ("argocd", "")]
)
def test_what_leads_out_of_its_place_is_not_asked_for(namespace: str, name: str) -> None:
    with pytest.raises(ClusterError) as caught:
        path_of(KIND, ResourceKey("argoproj.io", "Application", namespace, name))
    assert caught.value.code == "REFRESH_GONE"
