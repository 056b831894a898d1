"""The real kubectl against an API server: the stand-in, or a cluster that an environment variable names."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.demo.standin import StandIn, TokenRole
from gitopsui.adapters.cluster import ClusterReader
from gitopsui.adapters.http import HttpPolicy
from gitopsui.adapters.kubeconfig import parse_kubeconfig
from gitopsui.adapters.process import Result, run
from gitopsui.domain.drift import ResourceDrift, compare
from gitopsui.domain.resource import GroupKind, Manifest, group_kind_of

REPOSITORY = Path(__file__).parents[2]
VARIABLE = "GITOPSUI_TEST_KUBECONFIG"
OLDEST = (1, 28)
ADMIN, WRITER, READER, STRANGER = "token-admin", "token-writer", "token-reader", "token-unknown"
TOKENS = {ADMIN: TokenRole.ADMIN, WRITER: TokenRole.WRITER, READER: TokenRole.READER}


@cache
def find_kubectl() -> str:
    """The program, "" where there is none or only one that is too old."""
    for found in (str(REPOSITORY / ".tools" / "bin" / "kubectl"), shutil.which("kubectl") or ""):
        if found and os.access(found, os.X_OK) and _version_of(found) >= OLDEST:
            return found
    return ""


def require_kubectl() -> str:
    """The program, or a skipped test."""
    if not (found := find_kubectl()):
        pytest.skip("no kubectl found; script/bootstrap fetches it on linux x86-64")
    return found


def _version_of(program: str) -> tuple[int, ...]:
    argv = [program, "version", "--client", "-o", "json"]
    result = run(argv, env={"HOME": "/nonexistent"}, timeout=timedelta(seconds=20), max_output=1 << 20)
    if result.returncode:
        return ()
    version = json.loads(result.stdout)["clientVersion"]
    return int(version["major"]), int(re.sub(r"\D", "", version["minor"]))


class Api:
    """One API server as kubectl sees it. Every call is for `namespace`, unless it says `-A` or another."""

    def __init__(self, folder: Path, standin: StandIn | None, namespace: str) -> None:
        self.folder = folder
        self.standin = standin
        self.namespace = namespace
        self._program = require_kubectl()

    @property
    def is_real(self) -> bool:
        return self.standin is None

    def kubeconfig(self, token: str = WRITER) -> str:
        """`token` has no meaning for a real cluster."""
        if self.standin is None:
            return Path(os.environ[VARIABLE]).read_text(encoding="utf-8")
        return self.standin.kubeconfig(token)

    def run(self, *arguments: str, stdin: str = "", token: str = WRITER, editor: str = "") -> Result:
        if self.standin is None:
            file = Path(os.environ[VARIABLE]).resolve()
        else:
            file = self.folder / f"{token}.yaml"
            file.write_text(self.kubeconfig(token), encoding="utf-8")
        argv = [self._program, f"--kubeconfig={file}", "--request-timeout=30s"]
        if self.namespace:
            argv.append(f"--namespace={self.namespace}")
        env = {"HOME": str(self.folder), "PATH": os.environ.get("PATH", os.defpath)}
        return run(
            [*argv, *arguments],
            env=env | ({"KUBE_EDITOR": editor, "TMPDIR": str(self.folder)} if editor else {}),
            timeout=timedelta(seconds=90),
            max_output=64 << 20,
            stdin=stdin.encode(),
        )

    def call(self, *arguments: str, stdin: str = "", token: str = WRITER) -> str:
        """What it prints; it must succeed."""
        result = self.run(*arguments, stdin=stdin, token=token)
        assert result.returncode == 0, result.stderr.decode()
        return result.stdout.decode().strip()

    def refused(self, *arguments: str, stdin: str = "", token: str = WRITER) -> str:
        """What it complains of; it must fail."""
        result = self.run(*arguments, stdin=stdin, token=token)
        assert result.returncode == 1, (result.returncode, result.stdout, result.stderr)
        return result.stderr.decode()

    def apply(self, *manifests: Manifest, flags: Sequence[str] = ()) -> str:
        return self.call("apply", *flags, "-f", "-", stdin=as_documents(manifests))

    def edit(self, expression: str, *arguments: str) -> str:
        """`kubectl edit` by somebody whose editor is sed; what kubectl prints."""
        script = self.folder / "editor.sh"
        script.write_text(f"#!/bin/sh\nexec sed -i -e '{expression}' \"$1\"\n", encoding="utf-8")
        script.chmod(0o700)
        result = self.run("edit", *arguments, editor=str(script))
        assert result.returncode == 0, result.stderr.decode()
        return result.stdout.decode().strip()

    def get(self, *arguments: str) -> Any:
        return json.loads(self.call("get", *arguments, "-o", "json"))

    def live(self, *desired: Manifest, reads_secrets: bool = True) -> tuple[Manifest, ...]:
        """The objects of Git as the program reads them, in the versions that Git speaks."""
        address = _server_of(self.kubeconfig())
        policy = HttpPolicy(private_hosts=frozenset({address}))
        access = parse_kubeconfig(self.kubeconfig(), policy=policy).access
        kinds = {group_kind_of(one): one["apiVersion"].rpartition("/")[2] for one in desired}
        with ClusterReader(
            access, policy=policy, mask=lambda manifest: manifest, reads_secrets=reads_secrets
        ) as reader:
            state = reader.live(kinds, namespace=self.namespace, versions=kinds)
        assert state.errors == {}
        names = {_name(one) for one in desired}
        return tuple(one for one in state.manifests if _name(one) in names)

    def drift(self, *desired: Manifest, reads_secrets: bool = True) -> list[ResourceDrift]:
        live = self.live(*desired, reads_secrets=reads_secrets)
        return compare(desired, live, namespace=self.namespace)


def _name(manifest: Manifest) -> tuple[GroupKind, str]:
    return group_kind_of(manifest), manifest["metadata"]["name"]


def _server_of(kubeconfig: str) -> str:
    found = re.search(r"""["']?server["']?:\s*["']?(https?://[^\s"',}]+)""", kubeconfig)
    assert found, "the kubeconfig names no server"
    parts = urlsplit(found[1])
    return f"{parts.hostname}:{parts.port or 443}"


def as_documents(manifests: Sequence[Mapping[str, Any]]) -> str:
    return "\n---\n".join(json.dumps(one) for one in manifests)
