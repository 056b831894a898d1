from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from apps.demo.building import build, read_tokens, read_world
from apps.demo.reconciler import APPLICATIONS, NONPROD, PROD, UK
from apps.demo.releases import COMPONENTS
from gitopsui.adapters.git_repository import Repository
from gitopsui.adapters.render import Tools
from tests.adapters.render_binaries import require_tools
from tests.apps.demo.cluster_stub import ClusterStub, HostStub

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A world without kustomize and helm: quick, and of the clusters only catalog."""
    folder = tmp_path / "world"
    build(folder, NOW, tools=Tools(), open_host=HostStub, git_port=18418, cluster_port=18443)
    return folder


def cluster(data: Path, name: str) -> ClusterStub:
    return HostStub.clusters[data / f"{name}.json"]


def test_the_world_says_where_everything_is(data: Path) -> None:
    world = read_world(data)
    assert world["config_url"] == "http://127.0.0.1:18418/shop-config.git"
    assert [part["name"] for part in world["components"]] == list(COMPONENTS)
    assert [(one["name"], one["port"], one["environments"]) for one in world["clusters"]] == [
        (NONPROD, 18443, ["dev", "staging"]),
        (PROD, 18444, ["production"]),
        (UK, 18445, ["production-uk"]),
    ]
    assert len(world["applications"]) == len(APPLICATIONS)
    assert "stand-ins" in world["notice"].lower()
    for name in ("shop-config", *COMPONENTS):
        assert Repository(data / "repositories" / f"{name}.git").exists()


def test_secrets_are_for_the_owner_alone(data: Path) -> None:
    files = ["tokens.json", *(one["kubeconfig"] for one in read_world(data)["clusters"])]
    assert {stat.S_IMODE((data / name).stat().st_mode) for name in files} == {0o600}


def test_the_kubeconfig_may_only_read(data: Path) -> None:
    tokens = read_tokens(data)[PROD]
    text = (data / "kubeconfig-stand-in-prod.yaml").read_text()
    assert tokens.reader in text
    assert tokens.writer not in text
    assert tokens.writer not in repr(tokens)


def test_no_token_is_in_the_description_of_the_world(data: Path) -> None:
    text = json.dumps(read_world(data))
    assert not [t for pair in read_tokens(data).values() for t in (pair.reader, pair.writer) if t in text]


def test_production_runs_what_git_asks_for_but_for_what_was_edited(data: Path) -> None:
    prod = cluster(data, PROD)
    (container,) = prod.objects["Deployment", "shop", "catalog"]["spec"]["template"]["spec"]["containers"]
    assert container["image"].endswith("/catalog:5.0.5")
    assert prod.objects["ConfigMap", "shop", "catalog-config"]["data"]["CACHE_TTL"] == "15s"
    assert prod.writers["ConfigMap", "shop", "catalog-config"][-1] == "kubectl-edit"


def test_one_replica_runs_in_the_united_kingdom_where_git_asks_for_two(data: Path) -> None:
    key = ("Deployment", "shop-uk", "catalog")
    uk = cluster(data, UK)
    assert (uk.objects[key]["spec"]["replicas"], uk.writers[key][-1]) == (1, "kubectl-edit")


def test_catalog_is_paused_in_dev(data: Path) -> None:
    assert cluster(data, NONPROD).objects["Deployment", "shop-dev", "catalog"]["spec"]["paused"] is True


@pytest.mark.binary
def test_with_all_tools_production_has_drift_in_two_applications(tmp_path: Path) -> None:
    data = tmp_path / "world"
    tools = require_tools("kustomize", "helm")
    build(data, NOW, tools=tools, open_host=HostStub, git_port=0, cluster_port=0)
    prod, nonprod = cluster(data, PROD), cluster(data, NONPROD)
    (container,) = prod.objects["Deployment", "shop", "checkout"]["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["memory"] == "1Gi"
    assert {"name": "LOG_LEVEL", "value": "debug"} in container["env"]
    assert (
        prod.objects["ConfigMap", "shop", "checkout-flags"]["data"]["express_pay_countries"] == "DE,AT,CH,NL"
    )
    assert prod.objects["Deployment", "shop", "cart"]["spec"]["replicas"] == 3
    edited = {key for key, writers in prod.writers.items() if writers[-1].startswith("kubectl")}
    assert {name for _, _, name in edited} == {"checkout", "checkout-flags", "catalog-config"}
    (broken,) = nonprod.objects["Deployment", "shop-staging", "pricing"]["spec"]["template"]["spec"][
        "containers"
    ]
    assert broken["image"].endswith("/pricing:1.1.0-rc.2")
