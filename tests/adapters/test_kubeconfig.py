from __future__ import annotations

import base64
import json
import traceback
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.hazmat.primitives import serialization

from gitopsui.adapters.http import HttpPolicy
from gitopsui.adapters.kubeconfig import Kubeconfig, list_contexts, parse_kubeconfig
from gitopsui.domain.errors import InputError
from tests.adapters.certificates import Signed, make_authority, make_leaf

DATA = Path(__file__).parents[1] / "data/kubeconfig"
SHARED = Path(__file__).parents[2] / "../shared/conformance/badinput"
SEVERAL = (DATA / "several-contexts.yaml").read_text()
AUTHORITY = make_authority()
POLICY = HttpPolicy()


def packed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def write(
    user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None, *, current: str = "x"
) -> str:
    """A kubeconfig of one context; by default one that is taken."""
    server = {"server": "https://k8s.example.com:6443", "certificate-authority-data": packed(AUTHORITY.pem)}
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": current,
            "clusters": [{"name": "c", "cluster": {**server, **(cluster or {})}}],
            "users": [{"name": "u", "user": {"token": "SECRET-token"} if user is None else user}],
            "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        }
    )


def parse(text: str, **options: Any) -> Kubeconfig:
    return parse_kubeconfig(text, policy=POLICY, **options)


def refusal(text: str, **options: Any) -> InputError:
    """The error, after a look that neither it nor its traceback repeats a secret of the text."""
    with pytest.raises(InputError) as caught:
        parse(text, **options)
    shown = "".join(traceback.format_exception_only(caught.value)) + caught.value.message
    assert "SECRET" not in shown
    assert "CANARY" not in shown
    assert caught.value.__cause__ is None
    return caught.value


def test_a_token_and_an_authority_are_taken() -> None:
    found = parse(write())
    assert found.access.server == "https://k8s.example.com:6443"
    assert found.access.token == "SECRET-token"
    assert found.access.ca_data == AUTHORITY.pem
    assert (found.context, found.cluster_name, found.namespace) == ("x", "c", "")
    assert found.notes == ()


def test_printing_shows_no_secret() -> None:
    pair = make_leaf(AUTHORITY)
    found = parse(write(user={"token": "SECRET-token", **client_pair(pair)}))
    assert "SECRET" not in repr(found)
    assert "-----BEGIN" not in repr(found)


def test_the_current_context_is_taken_and_the_others_are_named() -> None:
    found = parse(SEVERAL)
    assert (found.context, found.cluster_name, found.namespace) == ("dev", "dev-cluster", "shop")
    assert found.contexts == ("dev", "prod", "prod-cloud", "prod-old")
    assert found.access.token == "dev-SECRET-token"


def test_another_context_can_be_chosen() -> None:
    found = parse(SEVERAL, context="prod")
    assert found.access.server == "https://rancher.example.com/k8s/clusters/c-m-abc"
    assert found.access.tls_server_name == "kubernetes.default.svc"
    assert "proxy-url is ignored." in found.notes


def test_contexts_are_listed_even_where_the_current_one_cannot_be_used() -> None:
    choices = list_contexts(SEVERAL.replace("current-context: dev", "current-context: prod-cloud"))
    assert [choice.name for choice in choices if choice.is_current] == ["prod-cloud"]
    assert [choice.namespace for choice in choices] == ["shop", "", "", ""]


def test_the_only_context_needs_no_choice() -> None:
    assert parse(write(current="")).context == "x"


def test_several_contexts_without_a_current_one_need_a_choice() -> None:
    error = refusal(SEVERAL.replace("current-context: dev\n", ""))
    assert (error.code, error.field) == ("KUBECONFIG_CONTEXT", "context")


@pytest.mark.parametrize("context", ["prod-cloud", "prod-old"])
def test_a_program_is_refused_with_what_to_do_instead(context: str) -> None:
    error = refusal(SEVERAL, context=context)
    assert error.code == "KUBECONFIG_EXEC"
    assert "use a service account token" in error.message


def test_files_of_another_machine_are_refused() -> None:
    assert refusal((DATA / "minikube.yaml").read_text()).code == "KUBECONFIG_FILE"


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ({"tokenFile": "/etc/passwd"}, "KUBECONFIG_FILE"),
        ({"token": "SECRET", "client-certificate": "/a"}, "KUBECONFIG_FILE"),
        ({"token": "SECRET", "client-key": "/a"}, "KUBECONFIG_FILE"),
        ({"token": "SECRET", "exec": {"command": "sh"}}, "KUBECONFIG_EXEC"),
        ({"token": "SECRET", "auth-provider": {"name": "oidc"}}, "KUBECONFIG_EXEC"),
        ({"token": "SECRET", "as": "system:admin"}, "KUBECONFIG_IMPERSONATE"),
        ({"token": "SECRET", "as-groups": ["system:masters"]}, "KUBECONFIG_IMPERSONATE"),
        ({"token": "SECRET", "as-user-extra": {"a": ["b"]}}, "KUBECONFIG_IMPERSONATE"),
        ({"username": "a", "password": "SECRET"}, "KUBECONFIG_AUTH"),
        ({"token": "SECRET\r\nHost: evil"}, "KUBECONFIG_AUTH"),
        ({"token": "SECRET\u00e4"}, "KUBECONFIG_AUTH"),
        ({"token": "SECRET" * 5000}, "KUBECONFIG_AUTH"),
        ({"token": 12345}, "KUBECONFIG_SHAPE"),
        ({"token": ["SECRET"]}, "KUBECONFIG_SHAPE"),
        ({}, "KUBECONFIG_AUTH"),
    ],
)
def test_a_user_that_cannot_be_taken_is_refused(user: dict[str, Any], code: str) -> None:
    assert refusal(write(user=user)).code == code


@pytest.mark.parametrize(
    ("cluster", "code"),
    [
        ({"server": "http://k8s.example.com"}, "URL_SCHEME"),
        ({"server": "file:///etc"}, "URL_SCHEME"),
        ({"server": ""}, "URL_SCHEME"),
        ({"server": None}, "URL_SCHEME"),
        ({"server": 6443}, "KUBECONFIG_SHAPE"),
        ({"server": "https://169.254.169.254/"}, "URL_ADDRESS"),
        ({"server": "https://localhost:6443"}, "URL_ADDRESS"),
        ({"server": "https://admin:SECRET@k8s.example.com"}, "URL_USERINFO"),
        ({"certificate-authority": "/etc/ssl/ca.pem"}, "KUBECONFIG_FILE"),
        ({"certificate-authority-data": "SECRET!!!"}, "KUBECONFIG_TLS"),
        ({"certificate-authority-data": packed("SECRET")}, "KUBECONFIG_TLS"),
        ({"certificate-authority-data": packed("SECRET ü")}, "KUBECONFIG_TLS"),
        (
            {
                "certificate-authority-data": packed(
                    "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
                )
            },
            "KUBECONFIG_TLS",
        ),
        ({"insecure-skip-tls-verify": True}, "KUBECONFIG_TLS"),
        ({"insecure-skip-tls-verify": "false"}, "KUBECONFIG_TLS"),
        ({"tls-server-name": "a b"}, "KUBECONFIG_TLS"),
    ],
)
def test_a_cluster_that_cannot_be_taken_is_refused(cluster: dict[str, Any], code: str) -> None:
    assert refusal(write(cluster=cluster)).code == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "KUBECONFIG_SHAPE"),
        ("SECRET", "KUBECONFIG_SHAPE"),
        ("[]", "KUBECONFIG_SHAPE"),
        ("a: SECRET\n---\nb: c", "KUBECONFIG_SHAPE"),
        ("kind: Secret\n", "KUBECONFIG_SHAPE"),
        ("contexts: {}\ncurrent-context: x", "KUBECONFIG_CONTEXT"),
        ("contexts: x", "KUBECONFIG_SHAPE"),
        ("contexts: [SECRET]", "KUBECONFIG_SHAPE"),
        ("contexts: [{name: 1, context: {}}]", "KUBECONFIG_SHAPE"),
        ("contexts: [{name: a, context: {}}, {name: a, context: {}}]", "KUBECONFIG_SHAPE"),
        ("contexts: [{name: a, context: {cluster: c, user: u}}]", "KUBECONFIG_CONTEXT"),
        ("contexts: [{name: a, context: {namespace: 'a; rm -rf /'}}]", "KUBECONFIG_SHAPE"),
        ("token: SECRET: [", "YAML_SYNTAX"),
        ("a: !!python/object/apply:os.system [SECRET]", "YAML_TAG"),
        ("a" * 2_000_000, "KUBECONFIG_SHAPE"),
    ],
)
def test_a_text_of_another_shape_is_refused(text: str, code: str) -> None:
    assert refusal(text).code == code


def test_a_server_without_verification_needs_leave_and_says_so() -> None:
    text = write(cluster={"insecure-skip-tls-verify": True, "certificate-authority-data": ""})
    found = parse(text, allow_insecure=True)
    assert found.access.is_insecure
    assert found.notes == ("The certificate of this server is not verified.",)


def test_a_server_of_the_operator_may_be_private_and_plain() -> None:
    policy = HttpPolicy(private_hosts=frozenset({"127.0.0.1:6443"}))
    text = write(cluster={"server": "http://127.0.0.1:6443", "certificate-authority-data": None})
    found = parse_kubeconfig(text, policy=policy)
    assert found.access.server == "http://127.0.0.1:6443"
    assert "without TLS" in found.notes[0]


def test_a_missing_authority_means_a_public_certificate() -> None:
    found = parse(write(cluster={"certificate-authority-data": None}))
    assert found.access.ca_data == ""
    assert "publicly trusted" in found.notes[0]


def test_only_certificates_of_an_authority_text_are_kept() -> None:
    bundle = f"SECRET comment\n{AUTHORITY.pem}between\n{make_authority('second').pem}"
    found = parse(write(cluster={"certificate-authority-data": packed(bundle)}))
    assert found.access.ca_data.count("BEGIN CERTIFICATE") == 2
    assert "SECRET" not in found.access.ca_data


def client_pair(leaf: Signed, **changes: str) -> dict[str, str]:
    return {"client-certificate-data": packed(leaf.pem), "client-key-data": packed(leaf.key_pem), **changes}


def test_a_client_certificate_comes_with_its_end() -> None:
    leaf = make_leaf(AUTHORITY)
    found = parse(write(user=client_pair(leaf)))
    assert found.access.client_certificate == leaf.pem
    assert found.access.client_key == leaf.key_pem
    assert found.notes == (
        f"The client certificate ends on {leaf.certificate.not_valid_after_utc:%Y-%m-%d}.",
    )


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"client-key-data": ""}, "KUBECONFIG_AUTH"),
        ({"client-certificate-data": ""}, "KUBECONFIG_AUTH"),
        ({"client-key-data": packed("SECRET")}, "KUBECONFIG_TLS"),
        ({"client-certificate-data": packed("SECRET")}, "KUBECONFIG_TLS"),
        ({"client-key-data": packed(AUTHORITY.key_pem)}, "KUBECONFIG_TLS"),
    ],
)
def test_a_client_certificate_needs_its_own_key(changes: dict[str, str], code: str) -> None:
    assert refusal(write(user=client_pair(make_leaf(AUTHORITY), **changes))).code == code


def test_a_key_with_a_password_is_refused() -> None:
    leaf = make_leaf(AUTHORITY)
    locked = leaf.key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"SECRET"),
    )
    user = client_pair(leaf, **{"client-key-data": packed(locked.decode())})
    assert refusal(write(user=user)).code == "KUBECONFIG_TLS"


def test_keys_that_are_not_taken_are_noted_and_strange_ones_not_repeated() -> None:
    cluster = {"proxy-url": "http://SECRET@proxy", "SECRET: key": 1, "disable-compression": True}
    found = parse(write(cluster=cluster))
    assert found.notes == ("proxy-url is ignored.", "A key we do not know is ignored.")


def test_base64_in_several_lines_is_read() -> None:
    broken = yaml.safe_dump(yaml.safe_load(write(cluster={"certificate-authority-data": wrapped()})))
    assert parse(broken).access.ca_data == AUTHORITY.pem


def wrapped() -> str:
    text = packed(AUTHORITY.pem)
    return "\n".join(text[at : at + 64] for at in range(0, len(text), 64)) + "\n"


@pytest.mark.shared
def test_every_sample_kubeconfig_gets_its_outcome() -> None:
    if not SHARED.is_dir():
        pytest.skip("sample cases are not beside this repository")
    index = json.loads((SHARED / "index.json").read_text())
    cases = [case for case in index["cases"] if case["category"] == "kubeconfig"]

    outcomes = {case["id"]: refusal((SHARED / case["file"]).read_text()).code for case in cases}

    assert outcomes == {case["id"]: case["outcome"] for case in cases}
    assert not Path("/tmp/gitopsui-pwned").exists()
