"""Whom the reader trusts and as whom it speaks."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters.cluster import in_cluster_access
from gitopsui.domain.errors import ClusterError
from tests.adapters.certificates import make_authority, make_leaf, server_context
from tests.adapters.small_cluster import (
    POD,
    PODS,
    listed,
    names,
    open_reader,
    start,
)


def test_a_certificate_of_the_given_authority_is_accepted(tmp_path: Path) -> None:
    authority = make_authority()
    context = server_context(make_leaf(authority), tmp_path)
    with start({PODS: listed("a")}, context=context) as server:
        reader = open_reader(server, ca_data=authority.pem)
        with reader:
            assert names(reader.live([POD], namespace="shop").manifests) == ["a"]


def test_f60_another_certificate_is_refused_and_the_token_not_sent(tmp_path: Path) -> None:
    context = server_context(make_leaf(make_authority()), tmp_path)
    with start({}, context=context) as server:
        reader = open_reader(server, ca_data=make_authority().pem)
        with reader, pytest.raises(ClusterError) as caught:
            reader.kinds()
        assert (caught.value.code, caught.value.permanent) == ("CLUSTER_TLS", True)
        assert server.requests == []


def test_a_certificate_for_another_host_is_refused_unless_its_name_is_given(tmp_path: Path) -> None:
    authority = make_authority()
    context = server_context(make_leaf(authority, dns=("kubernetes",), addresses=()), tmp_path)
    with start({}, context=context) as server:
        stranger = open_reader(server, ca_data=authority.pem)
        with stranger, pytest.raises(ClusterError) as caught:
            stranger.kinds()
        assert caught.value.code == "CLUSTER_TLS"
        with open_reader(server, ca_data=authority.pem, tls_server_name="kubernetes") as reader:
            assert reader.server_version() == "v1.36.1"


def test_without_verification_the_certificate_does_not_matter(tmp_path: Path) -> None:
    context = server_context(make_leaf(make_authority()), tmp_path)
    with start({}, context=context) as server, open_reader(server, is_insecure=True) as reader:
        assert reader.server_version() == "v1.36.1"


def test_a_client_certificate_is_shown_and_its_key_never_lies_open_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = make_authority()
    client = make_leaf(authority, name="reader")
    context = server_context(make_leaf(authority), tmp_path, client_authority=authority)
    pair: dict[str, Any] = {"client_certificate": client.pem, "client_key": client.key_pem}
    written = watch_key_files(monkeypatch)
    with start({}, context=context) as server:
        with open_reader(server, ca_data=authority.pem, **pair) as reader:
            assert reader.server_version() == "v1.36.1"
        with open_reader(server, ca_data=authority.pem) as reader, pytest.raises(ClusterError):
            reader.server_version()
    [(path, text)] = written
    assert "BEGIN ENCRYPTED PRIVATE KEY" in text
    assert not path.parent.exists()


def watch_key_files(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, str]]:
    """Fills up with each key file that is loaded, and what it held at that moment."""
    load = ssl.SSLContext.load_cert_chain
    written: list[tuple[Path, str]] = []

    def watch(context: ssl.SSLContext, certificate: Path, key: Path, **options: Any) -> None:
        written.append((key, key.read_text()))
        load(context, certificate, key, **options)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", watch)
    return written


@pytest.mark.parametrize(
    "broken", [{"ca_data": "CANARY"}, {"client_certificate": "CANARY", "client_key": "CANARY"}]
)
def test_stored_certificates_that_broke_are_a_tls_error(broken: dict[str, Any]) -> None:
    with start({}) as server, pytest.raises(ClusterError) as caught:
        open_reader(server, **broken)
    assert (caught.value.code, caught.value.permanent) == ("CLUSTER_TLS", True)
    assert "CANARY" not in str(caught.value)


def test_the_account_of_the_pod_is_read(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t\n")
    (tmp_path / "ca.crt").write_text("pem")
    environment = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "6443"}
    access = in_cluster_access(folder=tmp_path, environment=environment)
    assert (access.server, access.token, access.ca_data) == ("https://10.96.0.1:6443", "t", "pem")
    six = in_cluster_access(folder=tmp_path, environment={"KUBERNETES_SERVICE_HOST": "fd00::1"})
    assert six.server == "https://[fd00::1]:443"


def test_outside_a_pod_there_is_no_account(tmp_path: Path) -> None:
    with pytest.raises(ClusterError) as caught:
        in_cluster_access(folder=tmp_path, environment={"KUBERNETES_SERVICE_HOST": "10.96.0.1"})
    assert caught.value.permanent
