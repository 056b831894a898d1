"""An image reference means what a container runtime takes it for, and makes the version that is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitopsui.domain.errors import InputError
from gitopsui.domain.image import (
    ContainerImage,
    find_image,
    images_in,
    parse_image,
    running_digest,
    version_of,
)

SAMPLES = Path(__file__).parents[2] / "../shared/conformance/badinput/manifest"
DIGEST = "sha256:" + "3f2a91bc" * 8
PULLED = "sha256:" + "ab" * 32

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["spec", "template", "containers", "initContainers", "image", "name", "kind"])
            | st.text(),
            inner,
        )
    ),
    max_leaves=30,
)


def deployment(*images: str, name: str = "web", kind: str = "Deployment", **labels: str) -> dict[str, Any]:
    containers = [{"name": f"c{i}", "image": image} for i, image in enumerate(images)]
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "labels": labels},
        "spec": {"template": {"spec": {"containers": containers}}},
    }


@pytest.mark.parametrize(
    ("text", "name", "tag", "digest"),
    [
        ("nginx", "docker.io/library/nginx", None, None),
        ("nginx:1.27", "docker.io/library/nginx", "1.27", None),
        ("shop/cart:v1", "docker.io/shop/cart", "v1", None),
        ("docker.io/nginx", "docker.io/library/nginx", None, None),
        ("index.docker.io/shop/cart", "docker.io/shop/cart", None, None),
        ("registry.example:5000/app", "registry.example:5000/app", None, None),
        ("registry.example:5000/app:2", "registry.example:5000/app", "2", None),
        ("localhost/app:2", "localhost/app", "2", None),
        ("localhost:5000/a/b/c:2", "localhost:5000/a/b/c", "2", None),
        ("[2001:db8::1]:5000/app:2", "[2001:db8::1]:5000/app", "2", None),
        ("Registry/app", "Registry/app", None, None),
        (f"ghcr.io/shop/cart@{DIGEST}", "ghcr.io/shop/cart", None, DIGEST),
        (f"ghcr.io/shop/cart:1.2.3@{DIGEST}", "ghcr.io/shop/cart", "1.2.3", DIGEST),
        ("quay.io/a__b/c-d--e.f_g:x", "quay.io/a__b/c-d--e.f_g", "x", None),
    ],
)
def test_a_reference_is_normalised(text: str, name: str, tag: str | None, digest: str | None) -> None:
    reference = parse_image(text)

    assert (reference.name, reference.tag, reference.digest) == (name, tag, digest)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", ":v1", "nginx:", "nginx@", "nginx@sha256:short", "UPPER", "shop/UPPER", "nginx:v 1",
        "nginx :v1", "a//b", "/a", "a/", "a/-b", "http://example.com/a", "nginx:" + "x" * 129, "a" * 300,
        'x"><img src=x onerror=alert(1)>:v1', "-a.b/c", "nginx\n", "nginx:1\n", "${IMAGE}", "nginx:١",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_image(text)

    assert caught.value.code == "IMAGE"
    assert find_image(text) is None


def test_a_refusal_quotes_no_more_than_a_line() -> None:
    with pytest.raises(InputError, match="…") as caught:
        parse_image("x" * 100_000)

    assert len(caught.value.message) < 160


@pytest.mark.parametrize(
    "text", ["a" * 1_000_000 + "!", "a-" * 500_000, "a." * 500_000 + "/b", "a/" * 500_000]
)
@pytest.mark.timeout(2)
def test_a_hostile_reference_is_refused_at_once(text: str) -> None:
    assert find_image(text) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("registry.example:5000/app", "none (latest)"),
        ("app:1.2", "1.2"),
        (f"app@{DIGEST}", "3f2a91bc3f2a"),
        (f"app:1.2@{DIGEST}", "1.2"),
    ],
)
def test_a_reference_shows_its_tag(text: str, shown: str) -> None:
    assert parse_image(text).display == shown


def test_the_containers_of_a_pod_template_are_found_init_containers_last() -> None:
    manifest = deployment("web:1", "proxy:2")
    manifest["spec"]["template"]["spec"]["initContainers"] = [{"name": "migrate", "image": "web:1"}]

    assert images_in(manifest) == (
        ContainerImage("c0", "web:1"),
        ContainerImage("c1", "proxy:2"),
        ContainerImage("migrate", "web:1", is_init=True),
    )


def test_containers_are_found_in_pods_cron_jobs_lists_and_foreign_workloads() -> None:
    pod = {"kind": "Pod", "spec": {"containers": [{"name": "a", "image": "a:1"}]}}
    template = {"spec": {"containers": [{"name": "b", "image": "b:1"}]}}
    cron = {"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": template}}}}
    knative = {"kind": "Service", "spec": {"template": template}}

    assert [image.image for image in images_in({"kind": "List", "items": [pod, cron, knative]})] == [
        "a:1",
        "b:1",
    ]


def test_status_and_data_name_no_containers() -> None:
    containers = [{"name": "a", "image": "a:1"}]

    assert images_in({"status": {"containers": containers}, "data": {"containers": containers}}) == ()


@given(JSON)
def test_no_shape_is_too_odd(value: Any) -> None:
    assert isinstance(images_in(value), tuple)
    assert isinstance(version_of([value, deployment("web:1")]), str)


@pytest.mark.parametrize(
    ("manifests", "image", "version"),
    [
        ([deployment("shop/cart:1.4.0", "envoy:9")], "", "1.4.0"),
        ([deployment("envoy:9", "shop/cart:1.4.0")], "docker.io/shop/cart", "1.4.0"),
        ([deployment("mirror.example/shop/cart:1.4.0", "envoy:9")], "ghcr.io/shop/cart", "1.4.0"),
        ([deployment("a.io/cart:1"), deployment("b.io/cart:2")], "b.io/cart:any", "2"),
        ([deployment("redis:7"), deployment("cart:1.4"), deployment("cart:1.4", name="worker")], "", "1.4"),
        ([deployment("web:1"), deployment("worker:2")], "", "1"),
        ([deployment("migrate:9", kind="Job"), deployment("web:1")], "", "1"),
        ([deployment("migrate:9", kind="Job")], "", "9"),
        ([deployment("web:1")], "not/there", "1"),
        ([deployment(f"web@{DIGEST}")], "", "3f2a91bc3f2a"),
        ([deployment("web")], "", ""),
        ([deployment("web:latest")], "", "latest"),
        ([deployment("not an image:1", "envoy:9")], "", ""),
        ([{"kind": "ConfigMap", "metadata": {"name": "x"}}], "", ""),
        ([], "", ""),
    ],
)
def test_the_version_is_the_tag_of_the_own_or_the_main_image(
    manifests: list[dict[str, Any]], image: str, version: str
) -> None:
    assert version_of(manifests, image=image) == version


@pytest.mark.parametrize("image", ["web", f"web@{DIGEST}"])
def test_without_a_tag_the_label_tells_the_version(image: str) -> None:
    manifest = deployment(image)
    manifest["metadata"]["labels"] = {"app.kubernetes.io/version": "2.1.0"}

    assert version_of([{"kind": "Service", "metadata": {"labels": 3}}, manifest]) == "2.1.0"


def test_a_version_label_that_is_a_number_is_not_trusted() -> None:
    manifest = deployment("web")
    manifest["metadata"]["labels"] = {"app.kubernetes.io/version": 1.1}

    assert version_of([manifest]) == ""


@pytest.mark.shared
def test_the_sample_with_a_port_and_no_tag_shows_no_version() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("sample cases are not beside this repository")
    manifest = yaml.safe_load((SAMPLES / "image_no_tag.yaml").read_text("utf-8"))
    reference = parse_image(images_in(manifest)[0].image)

    assert (reference.registry, reference.display) == ("registry.example:5000", "none (latest)")


@pytest.mark.shared
def test_no_sample_of_a_broken_manifest_raises() -> None:
    if not SAMPLES.is_dir():
        pytest.skip("sample cases are not beside this repository")
    for path in sorted(SAMPLES.glob("*.yaml")):
        documents = list(yaml.safe_load_all(path.read_text("utf-8")))
        assert isinstance(version_of(documents), str), path.name


def _pod(image_id: object, image: str = "registry.example.org/shop/cart:1.2.0", name: str = "cart") -> Any:
    return {
        "kind": "Pod",
        "spec": {"containers": [{"name": "cart", "image": image}, {"name": "proxy", "image": "envoy:1"}]},
        "status": {"containerStatuses": [{"name": name, "imageID": image_id}]},
    }


@pytest.mark.parametrize(
    "image_id",
    [
        f"registry.example.org/shop/cart@{PULLED}",
        f"docker-pullable://registry.example.org/shop/cart@{PULLED}",
        f"mirror.example.org/shop/cart@{PULLED}",
    ],
)
def test_the_digest_that_runs_is_what_the_pods_report(image_id: str) -> None:
    assert running_digest([_pod(image_id)] * 3, image="registry.example.org/shop/cart") == PULLED


@pytest.mark.parametrize(
    "pods",
    [
        [],
        [None, {"status": []}, _pod(7), _pod("sha256:" + "1" * 64)],
        [_pod(f"envoy@{PULLED}", name="proxy")],
        [_pod(f"shop/cart@{PULLED}"), _pod("shop/cart@sha256:" + "b" * 64)],
    ],
)
def test_without_one_digest_of_the_image_none_is_known(pods: list[Any]) -> None:
    assert running_digest(pods, image="registry.example.org/shop/cart") == ""
