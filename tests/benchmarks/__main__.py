"""Runs the measurements, each in a process of its own: `script/bench [board polling pods memory checks]`."""

from __future__ import annotations

import os
import platform
import subprocess
import sys

import django

RUNS = {
    "board": [("board", "sqlite"), ("board", "postgres")],
    "polling": [("polling", "500")],
    "pods": [("cluster_reading", "3000")],
    "memory": [("worker_memory", "3000")],
    "checks": [("checks", "500")],
    "graph": [("graph", "10000")],
}


def main(names: list[str]) -> int:
    cores = len(os.sched_getaffinity(0))
    versions = f"Python {platform.python_version()}, Django {django.get_version()}"
    print(f"{cores} cores, {versions}, {platform.system()}, load {os.getloadavg()[0]:.1f}", flush=True)
    unknown = set(names) - set(RUNS)
    if unknown:
        print(f"There is no measurement called {', '.join(sorted(unknown))}. There are: {', '.join(RUNS)}.")
        return 2
    runs = [run for name in names or RUNS for run in RUNS[name]]
    results = [
        subprocess.run(
            [sys.executable, "-W", "ignore", "-m", f"tests.benchmarks.{module}", argument], check=False
        )
        for module, argument in runs
    ]
    return max(result.returncode for result in results)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
