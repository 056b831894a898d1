"""Which kustomize and helm this machine has, and whether they are new enough to be trusted with a folder."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.domain.errors import RenderError, SourceError

# kubectl before 1.21 carries kustomize 2.0.3, which knows neither components nor inline patches.
OLDEST_KUBECTL = (1, 21)
OLDEST = {"kustomize": (4, 0), "helm": (3, 0)}
HINTS = {
    "kustomize": (
        "Install kustomize 4 or newer, or kubectl 1.21 or newer, where the worker finds it on its PATH, "
        "or name it in GITOPSUI_KUSTOMIZE or GITOPSUI_KUBECTL."
    ),
    "helm": "Install helm 3 or newer where the worker finds it on its PATH, or name it in GITOPSUI_HELM.",
}
_VERSION = re.compile(r"v?([0-9]+)\.([0-9]+)(?:\.([0-9]+))?")
_ANSWER_SECONDS = 20
_ANSWER_BYTES = 64 << 10


@dataclass(frozen=True, slots=True)
class Tools:
    """
    The command of each tool (`kubectl kustomize` is two words), None where there is none.

    `versions` and `problems` are by the names "kustomize" and "helm"; a problem is a sentence.
    """

    kustomize: tuple[str, ...] | None = None
    helm: tuple[str, ...] | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    problems: Mapping[str, str] = field(default_factory=dict)

    def require(self, name: str) -> tuple[str, ...]:
        """The command of "kustomize" or "helm". Raises RenderError TOOL_MISSING."""
        command = self.kustomize if name == "kustomize" else self.helm
        if command is None:
            message = self.problems.get(name, f"{name} not found.")
            raise RenderError(message, code="TOOL_MISSING", permanent=True, hint=HINTS[name])
        return command


@dataclass(frozen=True, slots=True)
class _Found:
    command: tuple[str, ...]
    version: str


def find_tools(environment: Mapping[str, str], folder: Path | None = None) -> Tools:
    """
    Look for both tools: as named by GITOPSUI_KUSTOMIZE, GITOPSUI_KUBECTL and GITOPSUI_HELM, else in
    `folder`, else on the PATH of `environment`. Runs each candidate once to learn its version, which takes
    a tenth of a second: keep the answer. A tool that was named and is no good is not replaced by another.
    """
    found: dict[str, _Found] = {}
    problems: dict[str, str] = {}
    for name in ("kustomize", "helm"):
        refusals = []
        for command in _candidates(name, environment, folder):
            try:
                found[name] = _examine(name, command)
                break
            except SourceError as error:
                refusals.append(error.message)
        else:
            problems[name] = " ".join([f"{name} not found.", *refusals])
    commands = {name: tool.command for name, tool in found.items()}
    versions = {name: tool.version for name, tool in found.items()}
    return Tools(commands.get("kustomize"), commands.get("helm"), versions, problems)


def _candidates(name: str, environment: Mapping[str, str], folder: Path | None) -> Iterator[tuple[str, ...]]:
    programs: list[tuple[str, str, tuple[str, ...]]] = [("GITOPSUI_HELM", "helm", ())]
    if name == "kustomize":
        programs = [("GITOPSUI_KUSTOMIZE", "kustomize", ()), ("GITOPSUI_KUBECTL", "kubectl", ("kustomize",))]
    named = [(environment[variable], rest) for variable, _, rest in programs if environment.get(variable)]
    if named:
        yield from ((program, *rest) for program, rest in named)
        return
    for path in (str(folder) if folder else None, environment.get("PATH")):
        for _, program, rest in programs:
            # an empty path would mean the default one to `which`
            if path and (where := shutil.which(program, path=path)):
                yield (where, *rest)


def _examine(name: str, command: Sequence[str]) -> _Found:
    """Raises RenderError with a sentence when the program is too old, or SourceError when it does not run."""
    program = command[0]
    if len(command) > 1:
        return _examine_kubectl(program, command)
    flags = ["--short"] if name == "helm" else []
    version = _parse(_ask([program, "version", *flags]))
    if version[:2] < OLDEST[name]:
        raise _too_old(name, program, version, OLDEST[name])
    return _Found(tuple(command), _dotted(version))


def _examine_kubectl(program: str, command: Sequence[str]) -> _Found:
    answer = _ask([program, "version", "--client", "--output=json"])
    try:
        facts = json.loads(answer)
        own, inner = str(facts["clientVersion"]["gitVersion"]), str(facts.get("kustomizeVersion", ""))
    except (ValueError, LookupError, TypeError):
        own, inner = "", ""
    version = _parse(own)
    if version[:2] < OLDEST_KUBECTL:
        raise _too_old("kubectl", program, version, OLDEST_KUBECTL)
    return _Found(tuple(command), _dotted(_parse(inner)) or f"of kubectl {_dotted(version)}")


def _ask(argv: Sequence[str]) -> str:
    environment = {"HOME": "/nonexistent", "KUBECONFIG": "/dev/null", "LANG": "C.UTF-8"}
    timeout = timedelta(seconds=_ANSWER_SECONDS)
    result = process.run(argv, env=environment, timeout=timeout, max_output=_ANSWER_BYTES)
    return result.stdout.decode("utf-8", "replace")


def _parse(text: str) -> tuple[int, ...]:
    """The first version in `text`, () where there is none, which is older than every other."""
    match = _VERSION.search(text)
    return tuple(int(part or 0) for part in match.groups()) if match else ()


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(str(part) for part in version)


def _too_old(name: str, program: str, version: tuple[int, ...], oldest: tuple[int, ...]) -> RenderError:
    if not version:
        message = f"{program} did not answer with the version of a {name}."
    else:
        message = (
            f"{name} {_dotted(version)} at {program} is too old; {_dotted(oldest)} is the oldest that works."
        )
    return RenderError(message, code="TOOL_MISSING", permanent=True)
