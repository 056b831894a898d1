"""Sort what parsed files hold into manifests, files that cannot be read, and notes on what is neither."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitopsui.adapters.render_paths import shown
from gitopsui.adapters.render_source import Origin, Rendered, refusal
from gitopsui.adapters.yaml_reader import ParsedFile, as_manifests
from gitopsui.domain.errors import InputError, UnreadableFile
from gitopsui.domain.resource import Manifest, flatten, key_of
from gitopsui.domain.volatile import VolatileField

MAX_MANIFESTS = 5_000


class Collection:
    """The manifests of one application, in the order they are added."""

    def __init__(self) -> None:
        self._manifests: list[Manifest] = []
        self._origins: list[Origin] = []
        self._unreadable: list[UnreadableFile] = []
        self._notes: list[str] = []

    @property
    def manifests(self) -> tuple[Manifest, ...]:
        return tuple(self._manifests)

    def note(self, sentence: str) -> None:
        self._notes.append(sentence)

    def add_unreadable(self, code: str, path: str, message: str, *, line: int = 0) -> None:
        self._unreadable.append(UnreadableFile(message, code=code, path=path, line=line))

    def add(self, path: str, parsed: ParsedFile, *, has_lines: bool = True) -> None:
        """
        Take in a file: all of it or, when any part cannot be read, nothing. Objects that mean to be
        manifests and have a wrong shape are taken too; `check_shape` says what is wrong with them.
        """
        checked = as_manifests(path, parsed)
        if checked.error is not None:
            self.add_unreadable(checked.error.code, path, checked.error.message, line=checked.error.line)
            return
        for document, line in zip(checked.documents, checked.lines, strict=True):
            for manifest in flatten([document]):
                self._add_object(manifest, Origin(path, line if has_lines else 0))
        if len(self._manifests) > MAX_MANIFESTS:
            message = f"The application has more than {MAX_MANIFESTS:,} manifests."
            raise refusal("RENDER_TOO_LARGE", message)

    def finish(self, renderer: str, *, volatile: tuple[VolatileField, ...] = ()) -> Rendered:
        if not self._manifests and not self._unreadable:
            self.note("There is no manifest in this folder.")
        return Rendered(
            manifests=tuple(self._manifests),
            unreadable=tuple(self._unreadable),
            notes=tuple(self._notes),
            renderer=renderer,
            origins=tuple(self._origins),
            volatile=volatile,
        )

    def _add_object(self, manifest: Any, origin: Origin) -> None:
        if _is_meant_as_manifest(manifest):
            self._manifests.append(manifest)
            self._origins.append(origin)
        else:
            place = shown(origin.path) if origin.path else "The output"
            where = f"{place}, line {origin.line}," if origin.line else place
            self.note(f"{where} holds no manifest (NOT_MANIFEST): apiVersion and kind are missing. Left out.")


def _is_meant_as_manifest(value: Any) -> bool:
    """A values file may well have a `kind`; with neither apiVersion nor metadata it is no manifest."""
    try:
        key_of(value)
    except InputError as error:
        is_mapping: bool = isinstance(value, Mapping)
        return error.code != "NOT_MANIFEST" and is_mapping and ("apiVersion" in value or "metadata" in value)
    return True
