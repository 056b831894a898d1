from __future__ import annotations

import base64
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from gitopsui.domain.mask import BULLETS, display, is_masked, mask, mask_text
from tests.domain.samples import CONFORMANCE, load_bad_input, needs_samples

KEY = b"a key for tests alone"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
WORDS = st.sampled_from(
    "Secret kind data stringData metadata annotations items password token name value managedFields --token "
    f"https://u:p@h/ password=x eyJhbGciOiJIUzI1.eyJzdWIi.x {LAST_APPLIED}".split()
)
TEXT = WORDS | st.text(max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=16,
)


def b64(value: str) -> str:
    return base64.b64encode(value.encode()).decode()


def secret(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, **fields}


def masked(value: Any) -> Any:
    return mask(value, key=KEY)


def env(name: str, value: Any) -> dict[str, Any]:
    return {"kind": "Pod", "spec": {"containers": [{"env": [{"name": name, "value": value}]}]}}


def shown(value: Any) -> str:
    return json.dumps(masked(value), ensure_ascii=False)


class TestSecrets:
    @pytest.mark.parametrize(
        "manifest",
        [
            secret(data={"p": b64("hunter2!")}),
            secret(data={"p": "%%hunter2!"}),
            secret(data="hunter2!"),
            secret(data=["hunter2!"]),
            secret(data={"p": {"deep": ["hunter2!"]}}),
            secret(stringData={"p": "hunter2!"}),
            secret(Data={"p": "hunter2!"}),
            {**secret(data={"p": "hunter2!"}), "kind": "secret"},
            {**secret(data={"p": "hunter2!"}), "kind": ["Secret"]},
            {**secret(data={"p": "hunter2!"}), "kind": "Seсret"},
            {**secret(data={"p": "hunter2!"}), "apiVersion": "evil.example/v1"},
            {"kind": "List", "items": [secret(data={"p": "hunter2!"})]},
            {"kind": "List", "items": [{"kind": "List", "items": [secret(stringData={"p": "hunter2!"})]}]},
            {"kind": "SecretList", "items": [{"metadata": {"name": "s"}, "data": {"p": "hunter2!"}}]},
            secret(metadata={"name": "s", "annotations": {"example.com/copy": "hunter2!"}}),
            secret(metadata={"name": "s", "annotations": "hunter2!"}),
            {"kind": "ExternalSecret", "spec": {"target": {"template": {"data": {"p": "hunter2!"}}}}},
            {
                "kind": "SecretStore",
                "spec": {"provider": {"fake": {"data": [{"key": "/p", "value": "hunter2!"}]}}},
            },
            {"secretGenerator": [{"name": "s", "literals": ["USER=hunter2!"]}]},
            {
                "kind": "ConfigMap",
                "metadata": {"labels": {"OWNER": "TILLER"}},
                "data": {"release": "hunter2!"},
            },
        ],
    )
    def test_no_spelling_of_a_secret_lets_its_value_through(self, manifest: Any) -> None:
        assert "hunter2!" not in shown(manifest)
        assert b64("hunter2!") not in shown(manifest)

    def test_key_names_labels_and_type_stay_readable(self) -> None:
        given_labels = {"app": "cart"}
        found = masked(
            secret(type="Opaque", data={"p": b64("x")}, metadata={"name": "s", "labels": given_labels})
        )

        assert list(found["data"]) == ["p"]
        assert found["type"] == "Opaque"
        assert found["metadata"] == {"name": "s", "labels": given_labels}

    def test_equal_values_stay_equal_and_others_differ(self) -> None:
        found = masked(secret(data={"a": b64("one"), "b": b64("one"), "c": b64("two")}))["data"]

        assert found["a"] == found["b"] != found["c"]
        assert is_masked(found["a"])

    def test_text_in_git_and_data_in_the_cluster_are_masked_alike(self) -> None:
        in_git, live = masked(secret(stringData={"p": "hunter2"})), masked(secret(data={"p": b64("hunter2")}))
        assert in_git["stringData"]["p"] == live["data"]["p"]

    def test_another_key_gives_another_mask(self) -> None:
        assert mask(secret(data={"p": "eA=="}), key=b"other") != masked(secret(data={"p": "eA=="}))

    def test_nothing_is_not_masked_so_that_nothing_stays_nothing(self) -> None:
        assert masked(secret(data={"a": "", "b": None}))["data"] == {"a": "", "b": None}

    def test_a_reference_to_a_secret_is_no_secret(self) -> None:
        reference = {"kind": "Ingress", "spec": {"tls": [{"secretName": "shop-tls"}]}}
        assert masked(reference) == reference


class TestLastApplied:
    def test_it_is_masked_like_the_object_itself(self) -> None:
        applied = json.dumps(secret(data={"p": b64("hunter2")}))
        found = masked(secret(metadata={"annotations": {LAST_APPLIED: applied}}, data={"p": b64("hunter2")}))

        inner = json.loads(found["metadata"]["annotations"][LAST_APPLIED])
        assert inner["data"] == found["data"]
        assert "hunter2" not in json.dumps(found)

    def test_inside_a_secret_it_is_a_secret_whatever_it_calls_itself(self) -> None:
        applied = json.dumps({"data": {"p": "hunter2"}})
        assert "hunter2" not in shown(secret(metadata={"annotations": {LAST_APPLIED: applied}}))

    @pytest.mark.parametrize("value", ["{broken hunter2", '"hunter2"', ["hunter2"], "[" * 100_000])
    def test_what_cannot_be_read_is_hidden_as_a_whole(self, value: Any) -> None:
        found = masked(secret(metadata={"annotations": {LAST_APPLIED: value}}))
        assert found["metadata"]["annotations"][LAST_APPLIED] == BULLETS

    def test_it_keeps_what_was_applied_so_that_removals_can_be_found(self) -> None:
        applied = json.dumps({"kind": "Service", "spec": {"type": "NodePort"}})
        found = masked({"kind": "Service", "metadata": {"annotations": {LAST_APPLIED: applied}}})
        assert json.loads(found["metadata"]["annotations"][LAST_APPLIED])["spec"] == {"type": "NodePort"}


class TestPlaces:
    @pytest.mark.parametrize(
        "name", ["DB_PASSWORD", "api_token", "AWS_SECRET", "SIGNING_KEY", "Credential", "PASS"]
    )
    def test_environment_variables_with_a_telling_name_are_masked(self, name: str) -> None:
        assert "hunter2" not in shown(env(name, "hunter2"))
        assert "4711" not in shown(env(name, 4711))

    def test_other_environment_variables_are_left_alone(self) -> None:
        assert masked(env("REGION", "eu-central")) == env("REGION", "eu-central")

    def test_configmap_keys_with_a_telling_name_are_masked(self) -> None:
        found = masked({"kind": "ConfigMap", "data": {"db.password": "hunter2", "region": "eu"}})
        assert is_masked(found["data"]["db.password"])
        assert found["data"]["region"] == "eu"

    def test_settings_inside_a_configmap_text_are_masked(self) -> None:
        text = "url: postgres://db\npassword: 'hunter2 two'\nretries: 3\n"
        found = masked({"kind": "ConfigMap", "data": {"app.yaml": text}})["data"]["app.yaml"]
        assert "hunter2" not in found
        assert "retries: 3" in found

    @pytest.mark.parametrize(
        "arguments",
        [
            ["--password=hunter2"],
            ["--password", "hunter2"],
            ["sh", "-c", "run --api-token hunter2"],
            ["-e", "TOKEN=hunter2"],
        ],
    )
    def test_arguments_with_a_telling_flag_are_masked(self, arguments: list[str]) -> None:
        assert "hunter2" not in shown({"kind": "Pod", "spec": {"containers": [{"args": arguments}]}})

    def test_a_flag_that_names_a_file_keeps_it(self) -> None:
        arguments = ["--token-file", "/var/run/token"]
        assert masked({"args": arguments}) == {"args": arguments}

    def test_fields_that_hold_a_secret_in_the_clear_are_masked(self) -> None:
        spec = {"password": "hunter2", "bearerToken": "hunter2", "auth": {"clientSecret": "hunter2"}}
        assert "hunter2" not in shown({"kind": "Anything", "spec": spec})

    def test_managers_keep_who_wrote_which_field_when_and_nothing_else(self) -> None:
        entry = {
            "manager": "kubectl",
            "operation": "Apply",
            "time": "2026-01-01T00:00:00Z",
            "subresource": "scale",
            "apiVersion": "v1",
            "fieldsV1": {"f:spec": {"f:replicas": {}, "f:odd": "hunter2"}},
            "extra": "hunter2",
        }
        found = masked({"metadata": {"managedFields": [entry, "hunter2"]}})["metadata"]["managedFields"]
        assert found == [
            {
                "manager": "kubectl",
                "operation": "Apply",
                "time": "2026-01-01T00:00:00Z",
                "subresource": "scale",
                "fieldsV1": {"f:spec": {"f:replicas": {}, "f:odd": {}}},
            }
        ]


class TestShapes:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("https://u:hunter2@git.example/x", f"https://{BULLETS}@git.example/x"),
            ("https://hunter2hunter2@git.example/x", f"https://{BULLETS}@git.example/x"),
            (
                "auth failed for https://u:p@ss/w@git.example/x",
                f"auth failed for https://{BULLETS}@git.example/x",
            ),
            (
                "https://api.example/?access_token=hunter2&x=1",
                f"https://api.example/?access_token={BULLETS}&x=1",
            ),
            ("proxy me:hunter2two@proxy.example:3128", f"proxy {BULLETS}@proxy.example:3128"),
            ("Authorization: Bearer abcdef123456", f"Authorization: Bearer {BULLETS}"),
            ("ghp_0123456789abcdefghij", BULLETS),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", BULLETS),
            ('{"password":"a, b","x":1}', f'{{"password":"{BULLETS}","x":1}}'),
            ('{\\"token\\":\\"abc\\"}', f'{{\\"token\\":\\"{BULLETS}\\"}}'),
            ("--client-secret hunter2 --verbose", f"--client-secret {BULLETS} --verbose"),
        ],
    )
    def test_secrets_in_free_text_are_replaced_and_the_rest_stays(self, text: str, expected: str) -> None:
        assert mask_text(text) == expected

    def test_private_keys_are_hidden_whole_cut_off_and_encoded(self) -> None:
        pem = "-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----\n"
        assert "hunter2" not in mask_text(pem)
        assert "hunter2" not in mask_text(pem[:40])
        assert b64(pem)[40:60] not in mask_text(b64(pem))

    @pytest.mark.parametrize(
        "text",
        [
            "registry.example:5000/shop/cart:2.4.1@sha256:0123456789",
            "ssh://git@github.com/shop/config.git",
            "git@github.com:shop/config.git",
            "http://cart.shop:8080/p/@scope",
            "mailto:someone@example.com",
            "Basic authentication failed",
            'secret "db-credentials" not found',
            "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----",
        ],
    )
    def test_what_only_looks_like_a_secret_stays(self, text: str) -> None:
        assert mask_text(text) == text

    def test_a_page_shows_bullets_without_the_hmac(self) -> None:
        found = masked(secret(stringData={"p": "hunter2"}))["stringData"]["p"]
        assert display(found) == BULLETS
        assert display(f"a {found} b") == f"a {BULLETS} b"

    def test_hostile_text_is_masked_in_good_time(self) -> None:
        for text in (
            "a" * 10**5,
            "-" * 10**5,
            "://a:b" * 10**4,
            "token " * 10**4,
            "eyJ" * 10**4,
            '"' * 10**5,
        ):
            mask_text(text)


class TestEverything:
    def test_the_given_object_is_not_changed(self) -> None:
        manifest = secret(data={"p": "eA=="}, metadata={"annotations": {"a": "b"}})
        before = json.dumps(manifest)
        masked(manifest)
        assert json.dumps(manifest) == before

    def test_an_object_without_secrets_comes_out_equal(self) -> None:
        manifest = {
            "kind": "Deployment",
            "spec": {"replicas": 3, "template": {"spec": {"containers": [{"name": "c"}]}}},
        }
        assert masked(manifest) == manifest

    def test_endless_nesting_is_cut_off(self) -> None:
        deep: Any = "hunter2"
        for _ in range(5000):
            deep = [deep]
        assert "hunter2" not in repr(masked({"data": deep}))

    def test_a_mask_inside_a_kind_makes_no_secret_of_the_object(self) -> None:
        once = masked({"kind": "https://u:p@h/", "data": False})
        assert masked(once) == once

    @settings(max_examples=300, deadline=None)
    @given(JSON)
    def test_masking_never_raises_and_twice_is_once(self, value: Any) -> None:
        once = masked(value)
        assert masked(once) == once

    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=60) | st.lists(TEXT, max_size=6).map("".join))
    def test_masking_text_twice_is_masking_it_once(self, text: str) -> None:
        assert mask_text(mask_text(text)) == mask_text(text)


@needs_samples
@pytest.mark.shared
class TestSamples:
    @pytest.mark.parametrize(
        "case", load_bad_input("live") + load_bad_input("manifest"), ids=lambda case: case["id"]
    )
    def test_no_canary_survives(self, case: dict[str, Any]) -> None:
        canaries = (CONFORMANCE / "badinput/canaries.txt").read_text(encoding="utf-8").split()
        for document in yaml.safe_load_all(case["text"]):
            found = shown(document)
            assert not [canary for canary in canaries if canary in found]
            assert masked(masked(document)) == masked(document)
