"""Live objects for the tests of health, and what is asked of them."""

from __future__ import annotations

from typing import Any

from gitopsui.domain.health import health_of


def make(
    api: str, kind: str, spec: Any = None, status: Any = None, generation: int | None = None, **metadata: Any
) -> dict[str, Any]:
    made: dict[str, Any] = {"apiVersion": api, "kind": kind, "metadata": {"name": "cart", **metadata}}
    made |= {"spec": spec} if spec is not None else {}
    made |= {"status": status} if status is not None else {}
    if generation is not None:
        made["metadata"]["generation"] = generation
    return made


def condition(kind: str, status: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "status": status, **more}


def answer(manifest: dict[str, Any]) -> tuple[str, str] | None:
    found = health_of(manifest)
    return (found.status.value, found.message) if found else None


def status_of(manifest: dict[str, Any]) -> str | None:
    found = health_of(manifest)
    return found.status.value if found else None
