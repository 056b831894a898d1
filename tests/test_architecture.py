"""The house rules that no other tool checks: sizes, names, and one door to each outside."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path
    for folder in ("gitopsui", "apps")
    for path in (ROOT / folder).rglob("*.py")
    if "migrations" not in path.parts
)
MAX_FUNCTION_LINES = 30
MAX_MODULE_LINES = 400
EMPTY_NAMES = frozenset({"utils", "util", "helpers", "helper", "constants", "common", "misc"})


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines without those of its docstring."""
    lines = (function.end_lineno or 0) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    first = function.body[0]
    return lines - ((first.end_lineno or 0) - first.lineno + 1)


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_short_and_so_are_its_functions(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MAX_MODULE_LINES
    too_long = {
        function.name: lines
        for function in functions(path)
        if (lines := length(function)) > MAX_FUNCTION_LINES
    }
    assert too_long == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_is_named_after_what_it_holds(path: Path) -> None:
    assert path.stem not in EMPTY_NAMES


@pytest.mark.parametrize("path", [path for path in MODULES if path.read_text().strip()], ids=name_of)
def test_a_module_opens_with_what_it_is_for(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))

    assert ast.get_docstring(tree)
    if path.name != "__init__.py":
        assert "from __future__ import annotations" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_only_one_file_says_that_text_is_safe(path: Path) -> None:
    """`format_html` escapes what it is given; `mark_safe` does not and stands behind the sanitiser."""
    if name_of(path) == "apps/releases/rendering.py":
        return
    assert not re.search(r"\bmark_safe\(|import.*\bmark_safe\b", path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", sorted((ROOT / "templates").rglob("*.html")), ids=name_of)
def test_a_template_escapes_and_holds_no_script_or_style(path: Path) -> None:
    text = path.read_text(encoding="utf-8")

    assert not re.search(r"\|\s*safe\b|autoescape off", text)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)


def test_no_file_names_an_index_of_packages_or_a_folder_of_one_machine() -> None:
    hosts = re.compile(r"--(extra-)?index-url|--find-links|resolved https?://|/root/|/home/[a-z]+/")
    texts = [
        path
        for folder in ("gitopsui", "apps", "script", ".ci", "templates", "docs")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".png", ".pyc"}
    ]
    texts += [ROOT / "pyproject.toml", ROOT / "requirements.lock", ROOT / "tests" / "requirements.lock"]

    found = [name_of(path) for path in texts if hosts.search(path.read_text(encoding="utf-8"))]

    assert found == []
