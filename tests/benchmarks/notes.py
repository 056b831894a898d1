"""
Release notes of real clones beside git-cliff and raw `git log`, whole processes, then warm in a worker:
`python -m tests.benchmarks.notes CLONE FROM..TO [CLONE FROM..TO …]`.

git-cliff is taken from the PATH; without it its column is empty. Nothing is written into the clones.
"""

from __future__ import annotations

import compileall
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count as count_up
from pathlib import Path
from typing import Any

import gitopsui
from tests.benchmarks.graph import first_parents
from tests.benchmarks.table import Figure, show

TIMES = 5
WARM_TIMES = 25
COMPARED = 200  # commits
PATCHES_AT_ONCE = 300
LOG = "--format=%H%x00%P%x00%an%x00%ae%x00%at%x00%ct%x00%B"


@dataclass(frozen=True, slots=True)
class Run:
    """One whole process, cold: the medians of the time on the clock and of the processor, and the peak."""

    seconds: float
    cpu: float
    peak_mib: float

    def __str__(self) -> str:
        return f"{self.seconds:.3f} s ({self.cpu:.3f} s of the processor), {self.peak_mib:.0f} MiB"


def run(argv: Sequence[str], times: int = TIMES) -> Run:
    taken = [_once(argv) for _ in range(times)]
    return Run(
        statistics.median(one.seconds for one in taken),
        statistics.median(one.cpu for one in taken),
        max(one.peak_mib for one in taken),
    )


def _once(argv: Sequence[str]) -> Run:
    begun = time.perf_counter()
    child = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - begun
    assert child.returncode == 0, argv
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def measure_processes(path: Path, span: str) -> list[Figure]:
    """The whole history and one range, side by side, in turns of one run."""
    ours = [sys.executable, "-m", "gitopsui", "notes", str(path)]
    log = ["git", f"--git-dir={path}", "log", "-z", LOG]
    cliff = shutil.which("git-cliff")
    theirs = [cliff, "--repository", str(path), "--output", "/dev/null"] if cliff else []
    figures: list[Figure] = []
    for name, here, floor, other in (
        ("whole history", [*ours, "--all"], [*log, "HEAD"], theirs),
        (span, [*ours, span], [*log, span], [*theirs, "--", span] if theirs else []),
    ):
        figures += _beside(name, here, floor, other, is_whole=name != span)
    # What is told has more commits than the default branch: those of the releases beside it.
    told = run([*log, "HEAD", "--tags"])
    return [figures[0], Figure("whole history", "git log of all that is told", str(told)), *figures[1:]]


def _beside(
    name: str, here: Sequence[str], floor: Sequence[str], other: Sequence[str], *, is_whole: bool
) -> list[Figure]:
    log, mine = run(floor), run(here)
    cliff = run(other, times=3) if other else None
    limit = "≤ 3 × git log, ≤ ¼ × git-cliff, ≤ 80 MB" if is_whole else "≤ git-cliff"
    parts = [f"{mine.seconds / log.seconds:.1f} × git log (processor {mine.cpu / log.cpu:.1f} ×)"]
    if cliff:
        parts.append(
            f"{mine.seconds / cliff.seconds:.2f} × git-cliff (processor {mine.cpu / cliff.cpu:.2f} ×)"
        )
    return [
        Figure(name, "git log: the floor", str(log)),
        Figure(name, "git-cliff", str(cliff) if cliff else "not installed"),
        Figure(name, "python -m gitopsui notes", f"{mine}: {', '.join(parts)}", limit),
    ]


def prepare(data: Path) -> None:
    os.environ |= {"GITOPSUI_DATA": str(data), "GITOPSUI_MIN_FREE_MIB": "0"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "gitopsui.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def store(path: Path) -> Any:
    """The clone as a poll stores it, with a component whose releases its tags are."""
    from django.utils import timezone

    from apps.accounts.models import Project
    from apps.environments.models import Component
    from apps.releases.services.tags import store_releases
    from apps.repositories.models import Repository
    from apps.repositories.services import store_commits, store_refs
    from gitopsui.adapters.git_history import History

    git, name = History(path), path.stem
    project, _ = Project.objects.get_or_create(name="Bench", slug="bench")
    address = f"https://git.example.org/{name}"
    row = Repository.objects.create(
        project=project, name=name, url=address, same_as=address, host="x", refs_digest="x"
    )
    store_refs(row, git.refs(), now=timezone.now())
    store_commits(row, git=git)
    component = Component.objects.create(project=project, name=name, slug=name, source=row)
    store_releases(component, now=timezone.now())
    return component


def measure_warm(path: Path, span: str, component: Any) -> list[Figure]:
    """What a page or a job pays in a process that has everything imported and the graph in memory."""
    from apps.releases.selectors.comparison import compare_points, count_arriving
    from apps.releases.selectors.next_versions import propose
    from apps.releases.selectors.points import Point
    from apps.repositories.selectors.commits import commits_between, graph_of
    from gitopsui.adapters.git_history import History
    from gitopsui.domain.notes import build_notes, to_dict

    git = History(path)
    base, head = (git.resolve(f"refs/tags/{name}") for name in span.split(".."))
    repository = component.source
    graph = graph_of(repository)
    line = first_parents(graph, graph.index(git.resolve("HEAD")))
    ids = graph.between(line[COMPARED], line[0])
    sides = [Point(key="", label="", sha=graph.sha(number)) for number in (line[0], line[COMPARED])]
    others = (
        [Point(key="", label="", sha=graph.sha(line[start])) for start in (number, number + COMPARED)]
        for number in count_up(1)
    )
    return [
        Figure(
            span,
            "notes from the mirror",
            ms(lambda: to_dict(build_notes(git.log(head, exclude=base)))),
            "≤ 15 ms",
        ),
        Figure(
            span,
            "notes from the database",
            ms(lambda: to_dict(build_notes(commits_between(repository, base, head)))),
            "≤ 15 ms",
        ),
        Figure(
            f"{len(ids)} commits",
            "comparison from the database, the first time",
            ms(lambda: compare_points(component, *next(others))),
        ),
        Figure(
            f"{len(ids)} commits",
            "comparison again",
            ms(lambda: compare_points(component, *sides)),
            "≤ 5 ms",
        ),
        Figure(
            f"{len(ids)} commits",
            "how far behind",
            ms(lambda: count_arriving(component, source=sides[0].sha, target=sides[1].sha)),
        ),
        Figure("default branch", "next version", ms(lambda: propose(component, sides[0].sha), 5)),
    ]


def ms(work: Callable[[], object], times: int = WARM_TIMES) -> str:
    """The median on the clock, which includes waiting for neighbours, and of this process alone."""
    work()
    taken, worked = [], []
    for _ in range(times):
        begun, cpu = time.perf_counter(), time.process_time()
        work()
        taken.append(time.perf_counter() - begun)
        worked.append(time.process_time() - cpu)
    clock, own = statistics.median(taken) * 1000, statistics.median(worked) * 1000
    return f"{clock:.1f} ms, the best {min(taken) * 1000:.1f} ms, {own:.1f} ms of the processor"


def count(path: Path, component: Any, pairs: Sequence[tuple[str, str]]) -> list[Figure]:
    """What the rules were measured with, by our own way: bases of tags, and what two lines have in common."""
    from apps.repositories.selectors.commits import commits_between
    from gitopsui.adapters.git_history import History
    from gitopsui.domain.equivalence import match

    git, figures = History(path), []
    for base, head in pairs:
        release = component.releases.filter(tag=head).first()
        shas = {tag: git.resolve(f"refs/tags/{tag}") for tag in (base, head)}
        arriving = commits_between(component.source, shas[base], shas[head], no_merges=True)
        leaving = commits_between(component.source, shas[head], shas[base], no_merges=True)
        patches: dict[str, str] = {}
        both = [commit.sha for commit in (*arriving, *leaving)] if leaving else []
        for start in range(0, len(both), PATCHES_AT_ONCE):
            patches |= git.patch_ids(both[start : start + PATCHES_AT_ONCE])
        same = match(arriving, leaving, patch_ids=patches)
        whole = git.count(shas[head], exclude=shas[base], no_merges=False)
        words = (
            f"{whole:,} commits, {len(arriving):,} without merges, {len(same.already):,} already there, "
            f"{len(same.lost):,} lost"
        )
        figures.append(Figure(f"{base} → {head}", f"base by the line rule {release.base_tag}", words))
    return figures


# Of clones of these names what the rules give figures for.
PROMOTED = {
    "argo-cd": [("v3.4.0", "v3.5.0"), ("v3.3.14", "v3.5.1"), ("v3.4.7", "v3.5.1")],
    "kargo": [("v1.10.0", "v1.11.0"), ("v1.10.10", "v1.11.2")],
}


def main(arguments: Sequence[str]) -> None:
    pairs = [
        (Path(place).absolute(), span) for place, span in zip(arguments[::2], arguments[1::2], strict=True)
    ]
    # As it is installed: where nobody writes bytecode, each process would first compile what was changed.
    compileall.compile_dir(Path(gitopsui.__file__).parent, quiet=1)
    # First, while this process is small: what it holds counts in the peak of a child until that begins.
    for path, span in pairs:
        load = f"{datetime.now(UTC):%H:%M} UTC, load {os.getloadavg()[0]:.1f}"
        show(f"{path.stem}, whole processes ({load})", measure_processes(path, span))
    with tempfile.TemporaryDirectory(prefix="gitopsui-bench-") as folder:
        prepare(Path(folder) / "data")
        for path, span in pairs:
            component = store(path)
            show(f"{path.stem}, warm (load {os.getloadavg()[0]:.1f})", measure_warm(path, span, component))
            show(f"{path.stem}, counts", count(path, component, PROMOTED.get(path.stem, [])))


if __name__ == "__main__":
    main(sys.argv[1:])
