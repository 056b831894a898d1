"""Every service that a person calls leaves a row in the audit trail: read from the code, none is missed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Functions with a `by` that change nothing a person would look for: they answer, or they only tell.
NO_ACTS = {
    "apps.promotions.services.notices.tell_event",
    "apps.promotions.services.locks.may_end",
}


RECORDERS = {"apps.core.audit.record", "apps.core.audit.record_change"}


@dataclass
class Function:
    """One function of a service module: whether a person calls it, whether it records, whom it calls."""

    name: str
    has_person: bool
    records: bool = False
    calls: set[str] = field(default_factory=set)


def _modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "apps").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if "services" in parts and "demo" not in parts:
            yield ".".join(parts).removesuffix(".__init__"), ast.parse(path.read_text(encoding="utf-8"))


def _imports(tree: ast.Module) -> dict[str, str]:
    found: dict[str, str] = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    return found


def _called(node: ast.Call, module: str, imports: dict[str, str]) -> str:
    if isinstance(node.func, ast.Name):
        return imports.get(node.func.id, f"{module}.{node.func.id}")
    if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
        return f"{imports.get(node.func.value.id, node.func.value.id)}.{node.func.attr}"
    return ""


def _functions() -> dict[str, Function]:
    found: dict[str, Function] = {}
    for module, tree in _modules():
        imports = _imports(tree)
        for node in tree.body:
            if not isinstance(node, ast.FunctionDef):
                continue
            names = [one.arg for one in (*node.args.args, *node.args.kwonlyargs)]
            one = Function(f"{module}.{node.name}", "by" in names and not node.name.startswith("_"))
            for call in (part for part in ast.walk(node) if isinstance(part, ast.Call)):
                target = _called(call, module, imports)
                one.records = one.records or target in RECORDERS
                one.calls.add(target)
            found[one.name] = one
    return found


def _recording(functions: dict[str, Function]) -> set[str]:
    """The functions that record, themselves or by one that they call."""
    found = {name for name, one in functions.items() if one.records}
    while more := {name for name, one in functions.items() if name not in found and one.calls & found}:
        found |= more
    return found


def test_every_act_of_a_person_is_recorded() -> None:
    functions = _functions()
    acts = {name for name, one in functions.items() if one.has_person} - NO_ACTS

    assert len(acts) > 30
    assert sorted(acts - _recording(functions)) == []


def test_nothing_writes_the_trail_but_its_door() -> None:
    writers = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "apps").rglob("*.py")
        if "AuditEvent.objects.create" in path.read_text(encoding="utf-8")
    ]

    assert writers == ["apps/core/audit.py"]
