from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

from gitopsui.adapters.cluster_role import deep_check_role, secrets_role
from gitopsui.adapters.http import HttpPolicy
from gitopsui.adapters.kubeconfig import parse_kubeconfig, read_only_role, service_account_commands
from gitopsui.domain.errors import InputError
from tests.adapters.certificates import make_authority
from tests.adapters.test_kubeconfig import packed

FAKE_KUBECTL = """\
#!/bin/sh
echo "$@" >> "$LOG"
case "$*" in
  *"apply -f -"*) cat >> "$APPLIED"; echo "---" >> "$APPLIED";;
  *"create namespace"*) echo "{kind: Namespace, apiVersion: v1, metadata: {name: x}}";;
  *"get secret"*) printf '%s' "$TOKEN_BASE64";;
  *certificate-authority-data*) printf '%s' "$CA_BASE64";;
  *cluster.server*) printf 'https://k8s.example.com:6443';;
esac
"""


def test_the_role_only_reads_and_leaves_secrets_out() -> None:
    role = yaml.safe_load(read_only_role())
    assert role["kind"] == "ClusterRole"
    verbs = {verb for rule in role["rules"] for verb in rule["verbs"]}
    assert verbs == {"get", "list", "watch"}
    resources = {resource for rule in role["rules"] for resource in rule.get("resources", [])}
    assert {"pods", "deployments", "applications", "kustomizations"} <= resources
    assert not {"secrets", "*"} & resources
    assert not any("/" in resource for resource in resources)


def test_what_is_granted_beside_reading_is_a_role_of_its_own() -> None:
    dry_run, secrets = deep_check_role(), secrets_role()
    role, bound = yaml.safe_load_all(dry_run)
    assert {verb for rule in role["rules"] for verb in rule["verbs"]} == {"create", "patch"}
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert {"deployments", "configmaps"} <= resources
    assert not {"secrets", "pods", "events", "*"} & resources
    assert bound["roleRef"]["name"] == role["metadata"]["name"]
    role, bound = yaml.safe_load_all(secrets)
    assert role["rules"] == [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch"]}]
    assert bound["subjects"][0]["name"] == "gitopsui-reader"


def test_following_the_commands_gives_a_kubeconfig_that_is_taken(tmp_path: Path) -> None:
    kubectl = tmp_path / "bin" / "kubectl"
    kubectl.parent.mkdir()
    kubectl.write_text(FAKE_KUBECTL)
    kubectl.chmod(0o755)
    authority = make_authority()
    environment = {
        "PATH": f"{kubectl.parent}:{os.environ['PATH']}",
        "LOG": str(tmp_path / "log"),
        "APPLIED": str(tmp_path / "applied"),
        "TOKEN_BASE64": packed("a.b.c"),
        "CA_BASE64": packed(authority.pem),
    }

    subprocess.run(
        ["bash", "-eu", "-c", service_account_commands("tools")], cwd=tmp_path, env=environment, check=True
    )

    result = tmp_path / "gitopsui.kubeconfig"
    found = parse_kubeconfig(result.read_text(), policy=HttpPolicy())
    assert (found.access.server, found.access.token) == ("https://k8s.example.com:6443", "a.b.c")
    assert found.access.ca_data == authority.pem
    assert result.stat().st_mode & 0o077 == 0
    applied = [document for document in yaml.safe_load_all((tmp_path / "applied").read_text()) if document]
    assert [document["kind"] for document in applied] == [
        "Namespace",
        "ClusterRole",
        "ServiceAccount",
        "ClusterRoleBinding",
        "Secret",
    ]


@pytest.mark.parametrize("namespace", ["", "a b", "$(id)", "a;b", "A", "a" * 64, "-a"])
def test_only_a_namespace_becomes_part_of_a_command(namespace: str) -> None:
    with pytest.raises(InputError):
        service_account_commands(namespace)
