"""
One YAML text → plain JSON values, by Kubernetes' rules and under limits.

The values are built straight from libyaml's events, one at a time and without recursion, so that a
limit is checked before anything grows: `yaml.load` would crash at 25,000 nested lists and would open
every alias. Run this in the child (`yaml_child.py`) when the text is foreign.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator

import yaml
from yaml._yaml import CParser

from gitopsui.adapters.yaml_builder import build_document
from gitopsui.adapters.yaml_json import load_json
from gitopsui.adapters.yaml_limits import Budget, Document, Limits, refuse
from gitopsui.adapters.yaml_syntax import find_template, refuse_syntax
from gitopsui.domain.errors import UnreadableFile


def load(data: bytes, limits: Limits) -> list[Document]:
    """
    The documents of one file that are not empty. Raises UnreadableFile with a code and a line; nothing
    of a file is returned when any part of it cannot be read.
    """
    check_text(data, limits)
    try:
        return list(_documents(data, limits))
    except UnreadableFile as error:
        # JSON has escapes that YAML 1.1 has not; kubectl reads as JSON what begins like an object
        text = data.removeprefix(codecs.BOM_UTF8)
        if error.code == "YAML_SYNTAX" and text.lstrip().startswith(b"{"):
            return load_json(text, limits, otherwise=error)
        line = find_template(data, error.line) if error.code in ("YAML_SYNTAX", "YAML_KEY") else 0
        if line:
            refuse(error.code, f"Line {line} is a template, which has to be rendered first.", line)
        raise


def check_text(data: bytes, limits: Limits) -> None:
    """Raises UnreadableFile for a file that is too large or no UTF-8 text."""
    if len(data) > limits.file_bytes:
        refuse("YAML_SIZE", f"The file has {len(data):,} bytes; at most {limits.file_bytes:,} are read.")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in data[:4]:
        refuse("YAML_ENCODING", "The file is UTF-16 or UTF-32 text; save it as UTF-8.", 1)
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        refuse("YAML_ENCODING", f"Line {line} holds bytes that are no UTF-8 text.", line)


def _documents(data: bytes, limits: Limits) -> Iterator[Document]:
    budget = Budget(limits)
    parser = CParser(data.removeprefix(codecs.BOM_UTF8))
    try:
        while (event := parser.get_event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                document = build_document(parser, budget)
                if document.value is not None:
                    budget.count_document(document.line)
                    yield document
    except yaml.YAMLError as error:
        refuse_syntax(error, data)
