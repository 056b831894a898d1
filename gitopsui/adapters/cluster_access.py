"""How to reach a cluster: its address, whom to trust and as whom to speak, all as text, nothing on disk."""

from __future__ import annotations

import os
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from gitopsui.adapters.http_socket import build_tls_context
from gitopsui.domain.errors import ClusterError

# Where a pod finds its own account. https://kubernetes.io/docs/tasks/run-application/access-api-from-pod/
SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, slots=True)
class ClusterAccess:
    """
    `ca_data`, `client_certificate` and `client_key` are PEM text. An empty `ca_data` means the authorities
    of the system. Its repr shows the server alone.
    """

    server: str
    ca_data: str = field(default="", repr=False)
    token: str = field(default="", repr=False)
    client_certificate: str = field(default="", repr=False)
    client_key: str = field(default="", repr=False)
    is_insecure: bool = False
    tls_server_name: str = ""


def in_cluster_access(
    *, folder: Path = SERVICE_ACCOUNT_FOLDER, environment: Mapping[str, str] | None = None
) -> ClusterAccess:
    """
    The account of the pod we run in. Read it anew for each reader: its token changes every hour.

    The server has a private address that the platform gave and no user wrote: the caller opens it with
    `HttpPolicy.with_private_host(access.server)`. Raises ClusterError CLUSTER_AUTH outside a pod.
    """
    known = os.environ if environment is None else environment
    host = known.get("KUBERNETES_SERVICE_HOST", "")
    port = known.get("KUBERNETES_SERVICE_PORT", "443")
    try:
        token = (folder / "token").read_text().strip()
        authority = (folder / "ca.crt").read_text()
    except OSError as error:
        raise outside_a_pod() from error
    if not host or not token:
        raise outside_a_pod()
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return ClusterAccess(server=server, ca_data=authority, token=token)


def outside_a_pod() -> ClusterError:
    return ClusterError(
        "This program does not run inside a cluster, or its pod has no service account.",
        code="CLUSTER_AUTH",
        permanent=True,
        hint="Give the cluster a kubeconfig with a token instead.",
    )


def build_context(access: ClusterAccess) -> ssl.SSLContext:
    """Raises ClusterError CLUSTER_TLS when a certificate or the key cannot be used."""
    try:
        context = build_tls_context(ca_data=access.ca_data, is_insecure=access.is_insecure)
        if access.client_certificate:
            load_client_certificate(context, access.client_certificate, access.client_key)
    except (ssl.SSLError, ValueError, TypeError):
        # No cause: OpenSSL's texts say little, and ours must not quote a key.
        raise ClusterError(
            "The certificates stored for this cluster cannot be used.", code="CLUSTER_TLS", permanent=True
        ) from None
    return context


def load_client_certificate(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """
    OpenSSL takes the pair from files only. They live for this call, for us alone, and the key in them is
    encrypted with a password that nobody keeps.
    """
    password = secrets.token_bytes(24).hex()
    encrypted = load_key(key).private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(password.encode())
    )
    with TemporaryDirectory(prefix="gitopsui-tls-") as folder:
        certificate_file = Path(folder, "certificate.pem")
        certificate_file.write_text(certificate)
        key_file = Path(folder, "key.pem")
        key_file.write_bytes(encrypted)
        context.load_cert_chain(certificate_file, key_file, password=password)


def load_key(key: str) -> PrivateKeyTypes:
    """Raises ValueError or TypeError (when it is encrypted)."""
    return load_pem_private_key(key.encode(), password=None)


def load_certificates(text: str) -> list[x509.Certificate]:
    """Raises ValueError when the text holds no certificate or a broken one."""
    return x509.load_pem_x509_certificates(text.encode())


def is_pair(certificate: x509.Certificate, key: PrivateKeyTypes) -> bool:
    encoding = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return certificate.public_key().public_bytes(*encoding) == key.public_key().public_bytes(*encoding)
