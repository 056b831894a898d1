"""Programs are started and Git is spoken to in one place each: nobody goes round the doors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOORS = {"subprocess": "gitopsui/adapters/process.py", "git": "gitopsui/adapters/git.py"}
# Ways to start a program or a copy of this one without the door.
STARTERS = {"system", "popen", "posix_spawn", "posix_spawnp", "fork", "forkpty"}
STARTER_FAMILIES = ("exec", "spawn")
STARTING_MODULES = {"pty", "multiprocessing", "commands", "sh", "plumbum", "pexpect"}
# It becomes the program it was asked to start: the second half of the first door.
LAUNCHER = "gitopsui/adapters/tied_process.py"
# It makes a copy of a program that has no threads, and waits for it.
COPIER = "gitopsui/adapters/second_process.py"


def sources() -> list[str]:
    found = [path for folder in ("gitopsui", "apps") for path in (ROOT / folder).rglob("*.py")]
    return sorted(str(path.relative_to(ROOT)) for path in [*found, *ROOT.glob("*.py")])


def imported(tree: ast.AST) -> Iterator[str]:
    """The first part of every module imported anywhere in the file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield (node.module or "").partition(".")[0]


def chains(tree: ast.AST) -> Iterator[str]:
    """Every dotted expression, such as `os.system` or `repo.git.log`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            yield ast.unparse(node)


def starts_program(chain: str) -> bool:
    module, _, name = chain.rpartition(".")
    return module == "os" and (name in STARTERS or name.startswith(STARTER_FAMILIES))


def problems_of(source: str, text: str) -> list[str]:
    tree = ast.parse(text)
    modules = set(imported(tree))
    found = [f"imports {name}" for name, door in DOORS.items() if name in modules and source != door]
    found += [f"imports {name}" for name in sorted(modules & STARTING_MODULES)]
    for chain in chains(tree):
        if starts_program(chain) and source != LAUNCHER and (chain, source) != ("os.fork", COPIER):
            found.append(f"calls {chain}")
        if ".git." in f".{chain}." and "repo" in chain.partition(".git")[0].lower():
            found.append(f"uses {chain}")
    return found


@pytest.mark.parametrize("source", sources())
def test_no_module_goes_round_the_doors(source: str) -> None:
    assert problems_of(source, (ROOT / source).read_text()) == []


@pytest.mark.parametrize(
    "text",
    [
        "import subprocess",
        "from subprocess import run",
        "def f():\n    import git",
        "from git import Repo",
        "import os\nos.system('x')",
        "import os\nos.popen('x')",
        "import os\nos.execvp('x', [])",
        "import os\nos.spawnl(0, 'x')",
        "repo.git.log('x')",
        "self.repo.git.fetch('x')",
        "import pty",
    ],
)
def test_each_way_round_is_seen(text: str) -> None:
    assert problems_of("apps/x/views.py", text)


@pytest.mark.parametrize(("name", "door"), DOORS.items())
def test_each_door_is_used(name: str, door: str) -> None:
    assert name in imported(ast.parse((ROOT / door).read_text()))


def test_the_commit_value_is_ours_and_not_gits() -> None:
    assert problems_of("apps/x/views.py", "from gitopsui.adapters.git import Mirror\nmirror.git_url\n") == []
