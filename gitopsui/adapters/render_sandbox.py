"""
Run kustomize and helm on files of strangers: in a private folder, without a network, secrets or plugins.

What may be read was decided before (`render_inputs`); this is the second wall. Nothing of our environment is
handed on, every folder the tools know of is inside, `PATH` is empty, so that they find no git, and at the
proxy nothing listens. Go goes past a proxy to loopback addresses: there the first wall must hold.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.adapters.git_export import group_by_size, write_file
from gitopsui.adapters.render_inputs import Inputs
from gitopsui.adapters.render_source import Tree, refusal
from gitopsui.domain.errors import RenderError
from gitopsui.domain.mask_text import mask_text

_PORTION_BYTES = 16 << 20
_SAID_CHARACTERS = 1_000
_PREFIX = "render-"
_LEFT_BEHIND_AFTER = timedelta(hours=1)
_NO_NETWORK = "http://127.0.0.1:9"  # the discard port, where nothing listens


@dataclass(frozen=True, slots=True)
class RenderLimits:
    """
    What one render may take. Of memory, addresses are counted, of which Go reserves a gigabyte that it
    does not use; what a tool really uses it is asked to keep far below.
    """

    timeout: timedelta = timedelta(seconds=60)
    cpu_seconds: int = 30
    address_bytes: int = 2 << 30
    input_bytes: int = 64 << 20
    input_files: int = 20_000
    output_bytes: int = 10 << 20


DEFAULT_LIMITS = RenderLimits()


class Sandbox:
    """A private folder with the inputs of one render under `tree`, gone when the block ends."""

    def __init__(self, root: Path, limits: RenderLimits) -> None:
        self.root = root
        self.limits = limits
        self.tree = root / "tree"

    def write(self, tree: Tree, inputs: Inputs) -> None:
        """Raises RenderError RENDER_TOO_LARGE before anything is written."""
        self._check_size(inputs)
        entries = list(inputs.entries.values())
        self.tree.mkdir(mode=0o700)
        for portion in group_by_size(entries, max_bytes=_PORTION_BYTES):
            contents = tree.blobs((entry.sha for entry in portion), max_bytes=self.limits.input_bytes)
            for entry in portion:
                write_file(self.tree, entry, contents[entry.sha])
        for start, end in inputs.copies:
            shutil.copytree(self.tree / start, self.tree / end, symlinks=True)

    def place_values(self, paths: Iterable[str]) -> list[str]:
        """Copies of files of the repository under plain names, as seen from its root."""
        folder = self.root / "values"
        folder.mkdir(mode=0o700)
        names = []
        for number, path in enumerate(paths):
            shutil.copyfile(self.tree / path, folder / f"{number}.yaml")
            names.append(f"../values/{number}.yaml")
        return names

    def run(self, argv: Sequence[str], *, cwd: Path, name: str) -> bytes:
        """What the tool wrote; `name` is for people. Raises RENDER_FAILED, RENDER_TIMEOUT, …_TOO_LARGE."""
        limits = self.limits
        try:
            result = process.run(
                argv,
                env=self._environment(),
                cwd=cwd,
                timeout=limits.timeout,
                max_output=limits.output_bytes,
                memory_bytes=limits.address_bytes,
                cpu_seconds=limits.cpu_seconds,
            )
        except process.ProcessTimeout as error:
            raise _timeout(f"{name} took longer than {limits.timeout.seconds} seconds.") from error
        except process.OutputTooLarge as error:
            message = f"{name} gave more than {limits.output_bytes:,} bytes of manifests."
            raise refusal("RENDER_TOO_LARGE", message) from error
        except process.ProgramNotFound as error:
            raise refusal("TOOL_MISSING", f"{name} is not where it was found before.") from error
        if result.returncode < 0 or b"out of memory" in result.stderr:
            raise _timeout(f"{name} needed more time or memory than it may have.")
        if result.returncode:
            raise refusal("RENDER_FAILED", f"{name} failed: {self._said(result.stderr)}")
        return result.stdout

    def _check_size(self, inputs: Inputs) -> None:
        sizes = [entry.size or 0 for entry in inputs.entries.values()]
        for start, _ in inputs.copies:
            sizes += [
                entry.size or 0 for path, entry in inputs.entries.items() if path.startswith(f"{start}/")
            ]
        most_bytes, most_files = self.limits.input_bytes, self.limits.input_files
        if sum(sizes) > most_bytes or len(sizes) > most_files:
            message = f"The folder has more than {most_files:,} files or {most_bytes:,} bytes."
            raise refusal("RENDER_TOO_LARGE", message)

    def _environment(self) -> dict[str, str]:
        folders = {name: str(self.root / "home" / name.lower()) for name in _FOLDERS}
        for folder in ("home", "nothing"):
            (self.root / folder).mkdir(mode=0o700, exist_ok=True)
        proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), _NO_NETWORK)
        return {
            "PATH": str(self.root / "nothing"),
            "HOME": str(self.root / "home"),
            "TMPDIR": str(self.root),
            "LANG": "C.UTF-8",
            "KUBECONFIG": "/dev/null",
            "GIT_ALLOW_PROTOCOL": "none",
            "HELM_PLUGINS": str(self.root / "nothing"),
            "GOMAXPROCS": "2",
            "GOMEMLIMIT": "512MiB",
            **folders,
            **proxies,
        }

    def _said(self, stderr: bytes) -> str:
        """The complaint without the places of this machine and without secrets, cut to a readable length."""
        text = stderr[: 8 * _SAID_CHARACTERS].decode("utf-8", "replace")
        for place in (self.tree.resolve(), self.tree):
            text = text.replace(f"{place}/", "").replace(str(place), "the repository")
        text = mask_text(text).strip().removeprefix("Error: ").removeprefix("error: ")
        return text if len(text) <= _SAID_CHARACTERS else f"{text[:_SAID_CHARACTERS]}…"


_FOLDERS = (
    "HELM_CACHE_HOME",
    "HELM_CONFIG_HOME",
    "HELM_DATA_HOME",
    "HELM_REGISTRY_CONFIG",
    "HELM_REPOSITORY_CACHE",
    "HELM_REPOSITORY_CONFIG",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    "KUSTOMIZE_PLUGIN_HOME",
)


@contextmanager
def open_sandbox(scratch: Path, limits: RenderLimits = DEFAULT_LIMITS) -> Iterator[Sandbox]:
    """A fresh sandbox below `scratch`; what a killed process left there is removed."""
    scratch.mkdir(parents=True, exist_ok=True, mode=0o700)
    _remove_left_behind(scratch)
    with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=scratch) as folder:
        yield Sandbox(Path(folder), limits)


def _remove_left_behind(scratch: Path) -> None:
    oldest = time.time() - _LEFT_BEHIND_AFTER.total_seconds()
    for folder in scratch.glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if folder.stat(follow_symlinks=False).st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)


def _timeout(message: str) -> RenderError:
    """Not permanent: the machine may have been busy."""
    return RenderError(message, code="RENDER_TIMEOUT")
