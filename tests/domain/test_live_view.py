"""The live object built from what Git asks for and the kept changes."""

from __future__ import annotations

from typing import Any

import pytest

from gitopsui.domain.diff import FieldChange
from gitopsui.domain.drift import compare
from gitopsui.domain.live_view import KeptChange, live_view, split_steps

DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "cart", "labels": {"app.kubernetes.io/name": "cart", "tier": "1"}},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "env": [{"name": "LOG", "value": "info"}],
                        "ports": [{"containerPort": 80}],
                    }
                ],
                "tolerations": [{"key": "a"}, {"key": "b"}],
            }
        },
    },
}
POD = "spec.template.spec."


def live(*changes: tuple[str, str | None, str | None]) -> Any:
    view = live_view(DEPLOYMENT, [KeptChange(*change) for change in changes], group="apps", kind="Deployment")
    assert view.unplaced == ()
    return view.manifest


def pod(manifest: Any) -> Any:
    return manifest["spec"]["template"]["spec"]


def test_a_number_stays_a_number() -> None:
    assert live(("spec.replicas", "2", "5"))["spec"]["replicas"] == 5


def test_a_label_stays_a_text_whatever_it_looks_like() -> None:
    path = "metadata.labels[app.kubernetes.io/name]"
    assert live((path, "cart", "5"))["metadata"]["labels"]["app.kubernetes.io/name"] == "5"
    assert live(("metadata.labels.new", None, "7"))["metadata"]["labels"]["new"] == "7"


def test_an_item_is_found_by_what_names_it() -> None:
    found = pod(live((f"{POD}containers[web].env[LOG].value", "info", "debug")))
    assert found["containers"][0]["env"] == [{"name": "LOG", "value": "debug"}]


def test_a_port_without_a_protocol_is_found_as_tcp() -> None:
    found = pod(live((f"{POD}containers[web].ports[80/TCP].name", None, "http")))
    assert found["containers"][0]["ports"] == [{"containerPort": 80, "name": "http"}]


def test_an_item_of_a_list_without_names_is_found_by_its_number() -> None:
    assert pod(live((f"{POD}tolerations[1].key", "b", "c")))["tolerations"] == [{"key": "a"}, {"key": "c"}]


def test_what_the_cluster_lacks_is_taken_out() -> None:
    assert pod(live((f"{POD}containers[web]", "{}", None)))["containers"] == []
    assert "tier" not in live(("metadata.labels.tier", "1", None))["metadata"]["labels"]


def test_what_only_the_cluster_has_is_put_in() -> None:
    found = pod(live((f"{POD}containers[log]", None, '{"name": "log"}'), (f"{POD}dnsPolicy", None, "None")))
    assert [item["name"] for item in found["containers"]] == ["web", "log"]
    assert found["dnsPolicy"] == "None"


def test_a_change_of_order_moves_whole_items() -> None:
    desired = {"spec": {"initContainers": [{"name": "a", "x": 1}, {"name": "b"}]}}
    change = KeptChange("spec.initContainers", '["a", "b"]', '["b", "a"]')
    view = live_view(desired, [change], group="", kind="Pod")
    assert view.manifest["spec"]["initContainers"] == [{"name": "b"}, {"name": "a", "x": 1}]


@pytest.mark.parametrize(
    "path", ["", "spec..x", "spec.template.spec.containers[gone].image", "spec.replicas.x"]
)
def test_a_place_that_is_not_there_is_told(path: str) -> None:
    view = live_view(DEPLOYMENT, [KeptChange(path, "1", "2")], group="apps", kind="Deployment")
    assert view.unplaced == (path,)


def test_what_git_asks_for_is_not_changed() -> None:
    before = repr(DEPLOYMENT)
    live((f"{POD}containers[web].env[LOG].value", "info", "debug"))
    assert repr(DEPLOYMENT) == before


def test_every_path_of_a_comparison_finds_its_place() -> None:
    other = live(
        ("spec.replicas", "2", "5"),
        (f"{POD}containers[web].env[LOG].value", "info", "debug"),
        ("metadata.labels.tier", "1", "2"),
    )
    (drift,) = compare([DEPLOYMENT], [other])
    changes = [KeptChange(c.path, _kept(c.desired), _kept(c.live)) for c in drift.changes]
    assert live_view(DEPLOYMENT, changes, group="apps", kind="Deployment").manifest == other
    assert isinstance(drift.changes[0], FieldChange)


def _kept(value: Any) -> str | None:
    return None if value is None else str(value)


def test_a_path_falls_into_its_steps() -> None:
    assert split_steps("a.b[c.d/e].f[0]") == [
        ("a", False),
        ("b", False),
        ("c.d/e", True),
        ("f", False),
        ("0", True),
    ]
    assert split_steps("a..b") is None
