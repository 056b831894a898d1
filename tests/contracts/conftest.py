"""
A Kubernetes API to hold to the contract: the stand-in, or the real one that GITOPSUI_TEST_KUBECONFIG names.

The tests speak to it with the real kubectl and leave nothing behind: all lies in a namespace of their own.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from apps.demo.standin import StandIn, TokenRole
from gitopsui.adapters import process
from gitopsui.adapters.process import Result

ROOT = Path(__file__).parents[2]
REAL = "GITOPSUI_TEST_KUBECONFIG"


def find_kubectl() -> str:
    own = ROOT / ".tools" / "bin" / "kubectl"
    return str(own) if own.exists() else shutil.which("kubectl") or ""


@dataclass(frozen=True)
class Api:
    """One cluster and one namespace of it, as kubectl reaches them."""

    kubectl: str
    kubeconfig: Path
    home: Path
    namespace: str
    is_real: bool

    def run(self, *arguments: str, stdin: str = "", kubeconfig: Path | None = None) -> Result:
        return process.run(
            [self.kubectl, "--kubeconfig", str(kubeconfig or self.kubeconfig), *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.home)},
            stdin=stdin.encode(),
            timeout=timedelta(seconds=60),
            max_output=8 << 20,
        )

    def do(self, *arguments: str, stdin: str = "") -> str:
        """Within the namespace; it must succeed."""
        result = self.run("--namespace", self.namespace, *arguments, stdin=stdin)
        assert result.returncode == 0, result.stderr.decode()
        return result.stdout.decode()

    def get(self, *arguments: str) -> Any:
        return json.loads(self.do("get", *arguments, "--output", "json"))


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    kubectl = find_kubectl()
    if not kubectl:
        pytest.skip("no kubectl found; script/bootstrap fetches it on linux x86-64")
    home = tmp_path_factory.mktemp("kubectl")
    name = f"gitopsui-{secrets.token_hex(4)}"
    real = os.environ.get(REAL)
    if real:
        found = Api(kubectl, Path(real), home, name, is_real=True)
        yield from _with_namespace(found)
        return
    tokens = {"admin": TokenRole.ADMIN, "reader": TokenRole.READER}
    with StandIn(tokens=tokens) as standin:
        for token in ("admin", "reader", "nobody"):
            (home / token).write_text(standin.kubeconfig(token))
        yield from _with_namespace(Api(kubectl, home / "admin", home, name, is_real=False))


def _with_namespace(api: Api) -> Iterator[Api]:
    manifest = json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": api.namespace}})
    assert api.run("apply", "--filename", "-", stdin=manifest).returncode == 0
    try:
        yield api
    finally:
        api.run("delete", "namespace", api.namespace, "--wait=false")
