"""libyaml's complaints as sentences with a line number. They never quote a value of the file."""

from __future__ import annotations

from typing import NoReturn

import yaml
from yaml.reader import ReaderError

from gitopsui.adapters.yaml_limits import refuse


def refuse_syntax(error: yaml.YAMLError, data: bytes) -> NoReturn:
    """Raise UnreadableFile (YAML_SYNTAX) for what the parser said about `data`."""
    if isinstance(error, ReaderError):
        line = data.count(b"\n", 0, error.position) + 1
        refuse("YAML_SYNTAX", f"Line {line} holds a control character, which YAML does not allow.", line)
    mark = getattr(error, "problem_mark", None)
    line = mark.line + 1 if mark is not None else 0
    if _is_indented_by_tab(data, line):
        refuse("YAML_SYNTAX", f"Line {line}: a tab is used for indentation; YAML allows only spaces.", line)
    problem = getattr(error, "problem", None) or "it cannot be read"
    refuse("YAML_SYNTAX", f"Line {line} is not valid YAML: {problem}.", line)


def find_template(data: bytes, line: int) -> int:
    """The line that holds an action of Go's templates, this one or the one above; 0 when neither does."""
    return next((number for number in (line, line - 1) if b"{{" in _line(data, number)), 0)


def _is_indented_by_tab(data: bytes, line: int) -> bool:
    text = _line(data, line)
    return b"\t" in text[: len(text) - len(text.lstrip())]


def _line(data: bytes, line: int) -> bytes:
    lines = data.splitlines()
    return lines[line - 1] if 0 < line <= len(lines) else b""
