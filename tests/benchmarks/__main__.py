"""
Runs the measurements, each in a process of its own: `script/bench [board polling pods checks promotions …]`.
That of release notes is of clones: `script/bench notes CLONE FROM..TO [CLONE FROM..TO …]`.
"""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import django

RUNS: dict[str, list[tuple[str, ...]]] = {
    "board": [("board", "sqlite"), ("board", "postgres")],
    "polling": [("polling", "500")],
    "pods": [("cluster_reading", "3000")],
    "memory": [("worker_memory", "3000")],
    "checks": [("checks", "500")],
    "graph": [("graph", "10000")],
    "promotions": [
        ("promotions", "2000", "gitea"),
        ("promotions", "0", "github"),
        ("promotions", "0", "gitlab"),
    ],
}
NOTES = "notes"


def main(names: list[str]) -> int:
    cores = len(os.sched_getaffinity(0))
    versions = f"Python {platform.python_version()}, Django {django.get_version()}"
    print(f"{cores} cores, {versions}, {platform.system()}, load {os.getloadavg()[0]:.1f}", flush=True)
    if names[:1] == [NOTES]:
        if len(names) < 3 or len(names) % 2 == 0:
            print("Release notes are measured of clones: script/bench notes CLONE FROM..TO …")
            return 2
        return run(NOTES, *names[1:])
    unknown = set(names) - set(RUNS)
    if unknown:
        known = ", ".join([*RUNS, NOTES])
        print(f"There is no measurement called {', '.join(sorted(unknown))}. There are: {known}.")
        return 2
    return max(run(*one) for name in names or RUNS for one in RUNS[name])


def run(module: str, *arguments: str) -> int:
    argv = [sys.executable, "-W", "ignore", "-m", f"tests.benchmarks.{module}", *arguments]
    return subprocess.run(argv, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
