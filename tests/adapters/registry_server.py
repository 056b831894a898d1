"""A real image registry on loopback, images that are pushed into it, and a server of tokens for it."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from gitopsui.adapters.http import HttpPolicy
from gitopsui.adapters.process import Stream, start
from gitopsui.adapters.registry import Registry, RegistryCredential
from tests.adapters.certificates import Signed, make_authority, make_leaf
from tests.adapters.fault_server import FaultServer, Request
from tests.ports import find_port
from tests.waiting import wait_for

ROOT = Path(__file__).parents[2]
USER, PASSWORD = "reader", "registry-password"
# bcrypt of PASSWORD, the only kind the registry takes.
HTPASSWD = f"{USER}:$2b$04$McFYFd1NKAzd8QhIveu2xuZxcyAwYiR/oNT7VADLJxAHKKDUKsTp.\n"
OCI = "application/vnd.oci.image."
MANIFEST, INDEX = f"{OCI}manifest.v1+json", f"{OCI}index.v1+json"
CONFIG, LAYER = f"{OCI}config.v1+json", f"{OCI}layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
LABEL = "org.opencontainers.image."


def require_registry() -> str:
    """The program, or a skipped test."""
    for found in (str(ROOT / ".tools" / "bin" / "docker-registry"), shutil.which("docker-registry") or ""):
        if found and os.access(found, os.X_OK):
            return found
    pytest.skip("no docker-registry found; script/bootstrap --dev fetches it on Debian")


@dataclass(slots=True)
class RealRegistry:
    """Debian's docker-registry, spoken to as a client that may push; `open` gives our own reader of it."""

    host: str
    push_headers: Mapping[str, str] = field(default_factory=dict)
    tokens: TokenServer | None = None

    @property
    def policy(self) -> HttpPolicy:
        trusted = {self.host} | ({self.tokens.server.host_port} if self.tokens else set())
        return HttpPolicy(
            private_hosts=frozenset(trusted),
            connect_timeout=timedelta(minutes=1),
            total_timeout=timedelta(minutes=1),
        )

    def open(self, credential: RegistryCredential | None = None, **options: Any) -> Registry:
        return Registry(self.host, self.policy, credential, **options)

    def credential(self, password: str = PASSWORD) -> RegistryCredential:
        return RegistryCredential(f"http://{self.host}", USER, password)

    def call(
        self, method: str, path: str, body: bytes = b"", *, kind: str = "application/octet-stream"
    ) -> Mapping[str, str]:
        """One call as a client that may push; the headers of the answer."""
        repository = path.split("/blobs/")[0].split("/manifests/")[0]
        headers = {"Content-Type": kind, **self.push_headers}
        if self.tokens:
            token = self.tokens.sign(f"repository:{repository}:pull,push,delete")
            headers["Authorization"] = f"Bearer {token}"
        url = path if path.startswith("http") else f"http://{self.host}/v2/{path}"
        request = urllib.request.Request(url, data=body or None, method=method, headers=headers)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}

    def push_blob(self, repository: str, content: bytes) -> dict[str, Any]:
        digest = sha256(content)
        begun = self.call("POST", f"{repository}/blobs/uploads/")
        location = begun["location"].partition("/v2/")[2]
        joint = "&" if "?" in location else "?"
        self.call("PUT", f"{location}{joint}digest={digest}", content)
        return {"digest": digest, "size": len(content)}

    def push_manifest(self, repository: str, reference: str, document: Mapping[str, Any]) -> str:
        content = json.dumps(document).encode()
        self.call("PUT", f"{repository}/manifests/{reference}", content, kind=document["mediaType"])
        return sha256(content)

    def push(
        self,
        repository: str,
        tag: str,
        labels: Mapping[str, str] | None = None,
        *,
        created: str = "2026-11-01T12:00:00.123456789Z",
        kind: str = MANIFEST,
        architecture: str = "amd64",
        annotations: Mapping[str, str] | None = None,
    ) -> str:
        """A whole tiny image; its digest. Without a tag it is there under its digest alone."""
        named = {f"{LABEL}{name}": text for name, text in (labels or {}).items()}
        config = {
            "os": "linux",
            "architecture": architecture,
            "created": created,
            "config": {"Labels": named},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
        document = {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": {"mediaType": CONFIG, **self.push_blob(repository, json.dumps(config).encode())},
            "layers": [{"mediaType": LAYER, **self.push_blob(repository, b"a layer")}],
            "annotations": {f"{LABEL}{name}": text for name, text in (annotations or {}).items()},
        }
        return self.push_manifest(repository, tag or sha256(json.dumps(document).encode()), document)

    def push_index(self, repository: str, tag: str, manifests: list[dict[str, Any]]) -> str:
        document = {"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}
        return self.push_manifest(repository, tag, document)

    def delete(self, repository: str, digest: str) -> None:
        self.call("DELETE", f"{repository}/manifests/{digest}")


@dataclass(slots=True)
class TokenServer:
    """
    Hands out tokens to USER for whatever is asked for.

    https://distribution.github.io/distribution/spec/auth/jwt/
    """

    server: FaultServer
    leaf: Signed
    seconds: int = 300

    def sign(self, scope: str) -> str:
        """A token for a scope such as `repository:acme/cart:pull`."""
        kind, name, actions = scope.split(":")
        now = int(time.time())
        certificate = self.leaf.certificate.public_bytes(serialization.Encoding.DER)
        head = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(certificate).decode()]}
        claims = {
            "iss": "test issuer",
            "sub": USER,
            "aud": "test registry",
            "exp": now + self.seconds,
            "nbf": now - 5,
            "iat": now,
            "jti": secrets.token_hex(8),
            "access": [{"type": kind, "name": name, "actions": actions.split(",")}],
        }
        signed = b".".join(encode(json.dumps(part).encode()) for part in (head, claims))
        r, s = decode_dss_signature(self.leaf.key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return (signed + b"." + encode(r.to_bytes(32, "big") + s.to_bytes(32, "big"))).decode()

    def answer(self, request: Request) -> None:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("authorization") != f"Basic {wanted}":
            request.reply({"details": "wrong"}, status=401)
            return
        request.reply({"token": self.sign(request.query["scope"]), "expires_in": self.seconds})


def encode(content: bytes) -> bytes:
    return base64.urlsafe_b64encode(content).rstrip(b"=")


def sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@contextmanager
def token_server(folder: Path) -> Iterator[tuple[TokenServer, dict[str, Any]]]:
    """The server, and the registry's settings that send its clients there."""
    authority = make_authority("token authority")
    leaf = make_leaf(authority, name="token signer")
    (folder / "authority.pem").write_text(authority.pem)
    with FaultServer({}) as server:
        tokens = TokenServer(server, leaf)
        server.routes["/token"] = tokens.answer
        settings = {
            "realm": f"{server.url}/token",
            "service": "test registry",
            "issuer": "test issuer",
            "rootcertbundle": str(folder / "authority.pem"),
        }
        yield tokens, {"token": settings}


@contextmanager
def serving_registry(folder: Path, *, auth: Mapping[str, Any] | None = None) -> Iterator[RealRegistry]:
    """An empty registry with its files below `folder`; it ends with the block."""
    program = require_registry()
    host = f"127.0.0.1:{find_port()}"
    settings = {
        "version": 0.1,
        "log": {"level": "error", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(folder / "blobs")},
            "delete": {"enabled": True},
        },
        "http": {"addr": host, "secret": "of the test"},
        **({"auth": dict(auth)} if auth else {}),
    }
    (folder / "registry.yml").write_text(yaml.safe_dump(settings))
    with (
        start(
            [program, "serve", str(folder / "registry.yml")],
            env={"HOME": str(folder), "OTEL_TRACES_EXPORTER": "none"},
            stdout=Stream.NULL,
            stderr=Stream.NULL,
        ),
    ):
        wait_for(lambda: answers(host), "docker-registry answers")
        yield RealRegistry(host)


@contextmanager
def serving_with_password(folder: Path) -> Iterator[RealRegistry]:
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with serving_registry(folder, auth=auth) as registry:
        pair = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        registry.push_headers = {"Authorization": f"Basic {pair}"}
        yield registry


@contextmanager
def serving_with_tokens(folder: Path) -> Iterator[RealRegistry]:
    with token_server(folder) as (tokens, auth), serving_registry(folder, auth=auth) as registry:
        registry.tokens = tokens
        yield registry


def answers(host: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{host}/v2/", timeout=60):
            return True
    except urllib.error.HTTPError as error:
        error.close()
        return True  # 401 is an answer too
    except OSError:
        return False
