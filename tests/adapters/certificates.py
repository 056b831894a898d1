"""Certificates made on the spot: an authority and what it signed, as PEM text."""

from __future__ import annotations

import ipaddress
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Signed:
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        ).decode()


def make_authority(name: str = "test authority") -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    builder = begin(name, name, key).add_extension(
        x509.BasicConstraints(ca=True, path_length=None), critical=True
    )
    return Signed(builder.sign(key, hashes.SHA256()), key)


def make_leaf(
    authority: Signed,
    *,
    name: str = "server",
    dns: tuple[str, ...] = (),
    addresses: tuple[str, ...] = ("127.0.0.1",),
) -> Signed:
    key = ec.generate_private_key(ec.SECP256R1())
    issuer = authority.certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    names: list[x509.GeneralName] = [x509.DNSName(entry) for entry in dns]
    names += [x509.IPAddress(ipaddress.ip_address(entry)) for entry in addresses]
    builder = begin(name, str(issuer), key).add_extension(x509.SubjectAlternativeName(names), critical=False)
    return Signed(builder.sign(authority.key, hashes.SHA256()), key)


def begin(subject: str, issuer: str, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(name_of(subject))
        .issuer_name(name_of(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )


def name_of(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def server_context(leaf: Signed, folder: Path, *, client_authority: Signed | None = None) -> ssl.SSLContext:
    (folder / "server.pem").write_text(leaf.pem + leaf.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem")
    if client_authority is not None:
        context.load_verify_locations(cadata=client_authority.pem)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
