"""
Ranges of a commit graph and of the stored history of a made up repository, or of a real bare one:
`python -m tests.benchmarks.graph 10000 [PATH]`.
"""

from __future__ import annotations

import os
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

from gitopsui.adapters import process
from gitopsui.domain.graph import Graph, decode
from tests.benchmarks.table import Figure, show

RANGE = 200  # commits
TIMES = 25


def main(count: int, path: Path | None) -> None:
    with tempfile.TemporaryDirectory(prefix="gitopsui-bench-") as folder:
        if path is None:
            path = Path(folder) / "history.git"
            build(path, count)
        prepare(Path(folder) / "data")
        show("A history and one range of it", measure(path))


def build(path: Path, count: int) -> None:
    """A line of `count` commits with a merged side branch at each tenth and a release branch at the end."""
    rng = random.Random(1)
    run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(path)])
    stream = b"".join(commands(count, rng))
    run(["git", f"--git-dir={path}", "fast-import", "--quiet"], stream)


def commands(count: int, rng: random.Random) -> Iterator[bytes]:
    side = 0
    for number in range(1, count + 1):
        on_side = number % 10 == 0
        body = "Words. " * rng.randint(1, 60)
        message = f"fix: change number {number} of the shop (#{number})\n\n{body}".encode()
        lines = [f"commit refs/heads/{'side' if on_side else 'main'}", f"mark :{number}"]
        lines += [
            f"committer Dev <dev@example.org> {1_600_000_000 + 60 * number} +0000",
            f"data {len(message)}",
        ]
        yield "\n".join(lines).encode() + b"\n" + message + b"\n"
        before = number - 2 if (number - 1) % 10 == 0 else number - 1
        if number > 1:
            yield f"from :{max(before, 1)}\n".encode()
        if side and number % 10 == 3:
            yield f"merge :{side}\n".encode()
        if on_side:
            side = number
        yield f"M 644 inline f{number % 50}\ndata {len(str(number))}\n{number}\n".encode()
    yield f"reset refs/heads/release\nfrom :{count - RANGE - 1 - (count - RANGE - 1) % 10 - 1}\n".encode()


def prepare(data: Path) -> None:
    os.environ |= {"GITOPSUI_DATA": str(data), "GITOPSUI_MIN_FREE_MIB": "0"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "gitopsui.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def first_parents(graph: Graph, head: int) -> list[int]:
    """The line of first parents from `head` down to the end of history, newest first."""
    line = [head]
    while parents := graph.parents(line[-1]):
        line.append(parents[0])
    return line


def measure(path: Path) -> list[Figure]:
    from apps.accounts.models import Project
    from apps.repositories.models import Repository
    from apps.repositories.selectors import commits as selectors
    from apps.repositories.services import store_commits
    from gitopsui.adapters.git_history import History
    from gitopsui.domain.equivalence import match

    project = Project.objects.create(name="Shop", slug="shop")
    address = "https://git.example.org/shop"
    row = Repository.objects.create(
        project=project, name="shop", url=address, same_as=address, host="x", refs_digest="x"
    )
    before = peak()
    seconds = timed(lambda: store_commits(row, git=History(path)), times=1) / 1000
    graph = selectors.graph_of(row)
    memory = peak() - before
    main_line = first_parents(graph, max(graph.heads(), key=lambda head: len(graph.ancestors([head]))))
    head, base = main_line[0], main_line[RANGE]
    head_sha, base_sha = graph.sha(head), graph.sha(base)
    data = graph.encode()
    found = selectors.commits_between(row, base_sha, head_sha)
    return [
        Figure("first run", f"{len(graph):,} commits stored", f"{seconds:.1f} s, +{memory:.0f} MiB", "10 s"),
        Figure("run again", "nothing new", ms(lambda: store_commits(row, git=History(path)), 5)),
        Figure("graph", "decode", f"{ms(lambda: decode(data))}, {len(data):,} bytes"),
        Figure("graph", f"range of {len(found)}", ms(lambda: graph.between(base, head)), "5 ms"),
        Figure(
            "database",
            f"range of {len(found)}",
            ms(lambda: selectors.commits_between(row, base_sha, head_sha)),
            "5 ms",
        ),
        Figure(
            "comparison",
            f"{len(found)} with {len(found)}",
            ms(lambda: match(found, found[::2], patch_ids={})),
            "5 ms",
        ),
        Figure("floor", "git rev-list of the range", ms(lambda: rev_list(path, base_sha, head_sha))),
    ]


def rev_list(path: Path, base: str, head: str) -> None:
    run(["git", f"--git-dir={path}", "rev-list", f"{base}..{head}"])


def timed(work: Callable[[], object], *, times: int = TIMES) -> float:
    """The median in milliseconds."""
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken) * 1000


def ms(work: Callable[[], object], times: int = TIMES) -> str:
    return f"{timed(work, times=times):.2f} ms"


def peak() -> float:
    """The most memory this process had, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(argv: list[str], stdin: bytes = b"") -> None:
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1"}
    result = process.run(argv, env=env, stdin=stdin, timeout=timedelta(minutes=5), max_output=1 << 24)
    assert result.returncode == 0, result.stderr.decode()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
