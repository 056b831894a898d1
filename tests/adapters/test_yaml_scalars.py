"""The tables in tests/data/yaml were printed by kubectl 1.34; a test below asks the real one again."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from gitopsui.adapters import process
from gitopsui.adapters.yaml_limits import Limits
from gitopsui.adapters.yaml_loader import load
from gitopsui.domain.errors import UnreadableFile
from tests.adapters.render_binaries import find_kubectl

DATA = Path(__file__).parents[1] / "data" / "yaml"
SCALARS: list[list[str]] = json.loads((DATA / "kubectl_scalars.json").read_text())
KEYS: list[list[str]] = json.loads((DATA / "kubectl_keys.json").read_text())
REFUSED = "refused"
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\nspec:\n"


def from_json(text: str) -> Any:
    """A whole number beyond 64 bits as the float it is to an API server."""
    limits = range(-(2**63), 2**63)
    return json.loads(text, parse_int=lambda digits: int(digits) if int(digits) in limits else float(digits))


def value_of(text: str) -> Any:
    return load(f"v: {text}\n".encode(), Limits())[0].value["v"]


@pytest.mark.parametrize(("text", "printed"), [row for row in SCALARS if row[1] != REFUSED])
def test_a_scalar_has_the_value_that_kubectl_gives_it(text: str, printed: str) -> None:
    value, expected = value_of(text), from_json(printed)

    assert value == pytest.approx(expected, rel=1e-15) if isinstance(expected, float) else value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize("text", [row[0] for row in SCALARS if row[1] == REFUSED])
def test_a_scalar_that_kubectl_refuses_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        value_of(text)

    assert caught.value.code in {"YAML_NUMBER", "YAML_VALUE"}
    assert caught.value.line == 1


@pytest.mark.parametrize(("text", "name"), [row for row in KEYS if row[1] != REFUSED])
def test_a_key_has_the_name_that_kubectl_gives_it(text: str, name: str) -> None:
    assert load(f"{text}: a\n".encode(), Limits())[0].value == {name: "a"}


@pytest.mark.parametrize("text", [row[0] for row in KEYS if row[1] == REFUSED])
def test_a_key_that_kubectl_refuses_is_refused(text: str) -> None:
    with pytest.raises(UnreadableFile) as caught:
        load(f"{text}: a\n".encode(), Limits())

    assert caught.value.code == "YAML_KEY"


def test_a_number_that_no_computer_holds_stays_a_text() -> None:
    assert value_of("1" * 5000) == "1" * 5000
    assert value_of("0x" + "f" * 5000) == "0x" + "f" * 5000


def kubectl_reads(body: str) -> dict[str, Any] | None:
    """The `spec` as kubectl understands it without a server; None where it refuses the text."""
    kubectl = find_kubectl()
    arguments = ["patch", "--local", "--type=merge", "-p", "{}", "-o", "json", "-f", "-"]
    environment = {"HOME": "/nonexistent", "KUBECONFIG": "/dev/null"}
    result = process.run(
        [kubectl, *arguments],
        env=environment,
        stdin=(HEAD + body).encode(),
        timeout=timedelta(seconds=30),
        max_output=1 << 20,
    )
    return from_json(result.stdout.decode())["spec"] if result.returncode == 0 else None


@pytest.mark.binary
def test_the_real_kubectl_still_reads_the_scalars_of_our_table_so() -> None:
    rows = [row for row in SCALARS if row[1] != REFUSED]

    spec = kubectl_reads("  items:\n" + "".join(f"  - {text}\n" for text, _ in rows))

    assert spec is not None
    assert spec["items"] == [from_json(printed) for _, printed in rows]


@pytest.mark.binary
def test_the_real_kubectl_still_names_the_keys_of_our_table_so() -> None:
    rows = [row for row in KEYS if row[1] != REFUSED]

    spec = kubectl_reads("  items:\n" + "".join(f"  - {text}: a\n" for text, _ in rows))

    assert spec is not None
    assert spec["items"] == [{name: "a"} for _, name in rows]


@pytest.mark.binary
def test_the_real_kubectl_still_refuses_what_our_tables_say_it_refuses() -> None:
    bodies = [f"  v: {text}\n" for text, printed in SCALARS if printed == REFUSED]
    bodies += [f"  {text}: a\n" for text, name in KEYS if name == REFUSED]

    assert [body for body in bodies if kubectl_reads(body) is not None] == []
