"""
An unchanged poll of 500 repositories on two hosts, each answer 200 ms late.

The servers are processes of their own. The floor is stock `git ls-remote`, eight at a time, on the same ones.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from tests.benchmarks.table import Figure, show

LATENCY = timedelta(milliseconds=200)
THREADS, HOSTS = 8, ("127.0.0.1", "localhost")


def serve(root: str, channel: Connection) -> None:
    from apps.demo.git_server import GitServer

    with GitServer(Path(root), latency=LATENCY) as server:
        channel.send(server.port)
        channel.recv()
        channel.send(len(server.requests))


def build_repositories(root: Path, count: int) -> None:
    """`count` bare repositories with one commit, copies of one."""
    seed, first = root / "seed", root / "0.git"
    quiet = {**os.environ, "GIT_CONFIG_GLOBAL": "/dev/null"}
    name = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com"]
    for argv in (
        ["git", "init", "-q", "-b", "main", str(seed)],
        ["git", "-C", str(seed), *name, "commit", "-q", "--allow-empty", "-m", "first"],
        ["git", "clone", "-q", "--bare", str(seed), str(first)],
    ):
        subprocess.run(argv, check=True, env=quiet)
    for number in range(1, count):
        shutil.copytree(first, root / f"{number}.git")


def measure_floor(urls: list[str]) -> float:
    def ask(url: str) -> None:
        subprocess.run(["git", "ls-remote", "-q", url], check=True, stdout=subprocess.DEVNULL)

    begun = time.perf_counter()
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(ask, urls))
    return time.perf_counter() - begun


def prepare(folder: str, ports: list[int]) -> None:
    os.environ["GITOPSUI_DATA"] = folder
    endpoints = [f"{host}:{port}" for host, port in zip(HOSTS, ports, strict=True)]
    os.environ["GITOPSUI_TRUSTED_ENDPOINTS"] = ",".join(endpoints)
    os.environ["GITOPSUI_MIN_FREE_MIB"] = "0"
    os.environ["DJANGO_SETTINGS_MODULE"] = "gitopsui.settings"
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def connect(urls: list[str]) -> None:
    """Rows as the set-up makes them, each polled once, so that its mirror is there."""
    from apps.accounts.models import Project
    from apps.core import jobs
    from apps.repositories import connect as door
    from apps.repositories import services
    from apps.repositories.models import Repository

    jobs.load_tasks()
    project = Project.objects.create(name="Shop", slug="shop")
    for url in urls:
        services.connect_repository(project, url, policy=door.git_policy(), by=None, is_config=True)
    ids = list(Repository.objects.values_list("pk", flat=True))
    jobs.run_batch(services.POLL, ids, threads=THREADS, per_group=4)


def measure_poll() -> tuple[float, int, int]:
    """Seconds of one cycle; how many were polled by it, and how many failed."""
    from django.utils import timezone

    from apps.core import jobs
    from apps.repositories import services, tasks
    from apps.repositories.models import Repository

    ids = list(Repository.objects.values_list("pk", flat=True))
    jobs.make_due(services.POLL, ids)
    at = timezone.now()
    begun = time.perf_counter()
    tasks.poll_due_repositories()
    seconds = time.perf_counter() - begun
    polled = Repository.objects.filter(polled_at__gte=at).count()
    return seconds, polled, Repository.objects.exclude(error="").count()


def main(count: int) -> None:
    with tempfile.TemporaryDirectory(prefix="gitopsui-bench-") as folder:
        root = Path(folder) / "remotes"
        root.mkdir()
        build_repositories(root, count)
        context = multiprocessing.get_context("spawn")
        pipes = [context.Pipe() for _ in HOSTS]
        servers = [
            context.Process(target=serve, args=(str(root), theirs), daemon=True) for _, theirs in pipes
        ]
        for server in servers:
            server.start()
        ports = [ours.recv() for ours, _ in pipes]
        urls = [f"http://{HOSTS[n % 2]}:{ports[n % 2]}/{n}.git" for n in range(count)]
        floor = measure_floor(urls)
        prepare(str(Path(folder) / "data"), ports)
        begun = time.perf_counter()
        connect(urls)
        first = time.perf_counter() - begun
        seconds, polled, failed = measure_poll()
        for ours, _ in pipes:
            ours.send("done")
    show(
        f"Poll of {count} repositories, nothing changed, answers {LATENCY.microseconds // 1000} ms late",
        [
            Figure("git ls-remote, eight at once", "time", f"{floor:.1f} s", "the floor"),
            Figure("one cycle", "time", f"{seconds:.1f} s", "≤ 60 s for 500"),
            Figure("one cycle", "polled, failed", f"{polled}, {failed}"),
            Figure("rows and first clones", "time", f"{first:.1f} s"),
        ],
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
