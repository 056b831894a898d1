"""
Checks of 500 applications with 10,000 live objects on one worker: the first, an unchanged one, one change.

The stand-in for the API server runs in a process of its own, the rows are made in another, so that the memory
that is shown is that of the checks. The floor is what the same lists cost without us: their bytes over the
wire, and `json.loads` of the same pages.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import ssl
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from gitopsui.adapters.cluster import collector_paused
from tests.benchmarks.checks_data import build_remote, commit_all, fill, namespace_of, run_git
from tests.benchmarks.cluster_reading import megabytes
from tests.benchmarks.table import Figure, show
from tests.benchmarks.web_server import resident_megabytes

TOKEN = "reader"
LISTED = (
    "/api/v1/configmaps",
    "/api/v1/pods",
    "/api/v1/secrets",
    "/api/v1/serviceaccounts",
    "/api/v1/services",
    "/apis/apps/v1/deployments",
    "/apis/apps/v1/replicasets",
    "/apis/batch/v1/jobs",
    "/apis/networking.k8s.io/v1/ingresses",
    "/apis/policy/v1/poddisruptionbudgets",
    "/apis/rbac.authorization.k8s.io/v1/rolebindings",
    "/apis/rbac.authorization.k8s.io/v1/roles",
)
COMPARISONS = 500


@dataclass(frozen=True, slots=True, order=True)
class Spent:
    """Seconds on the clock and of the processor; neighbours on a busy machine lengthen the first."""

    clock: float
    processor: float

    def __str__(self) -> str:
        return f"{self.clock:.1f} s, {self.processor:.1f} s of the processor"


def serve(root: str, count: int, channel: Connection) -> None:
    """The cluster and the remote; afterwards it counts requests and changes an object when it is told."""
    from apps.demo.git_server import GitServer
    from apps.demo.standin.access import TokenRole
    from apps.demo.standin.server import StandIn

    with GitServer(Path(root)) as git, StandIn(tokens={TOKEN: TokenRole.READER}) as standin:
        fill(standin, count)
        asked = count_requests(standin)
        channel.send((git.port, standin.url, standin.ca_pem))
        while (word := channel.recv()) != "done":
            if word == "change":
                edit_one(standin)
            channel.send(dict(asked))
            asked.clear()


def count_requests(standin: Any) -> dict[str, int]:
    asked: dict[str, int] = {}
    answer = standin.answer

    def counting(request: Any, authorization: str) -> Any:
        asked[request.path] = asked.get(request.path, 0) + 1
        return answer(request, authorization)

    standin.answer = counting
    return asked


def edit_one(standin: Any) -> None:
    stored = standin.store.get(("apps", "deployments"), namespace_of(0), "shop-0-web")
    manifest = json.loads(stored.text)
    manifest["spec"]["template"]["spec"]["containers"][0]["image"] = "registry.example.com/shop/other:9.9.9"
    standin.store.put(("apps", "deployments"), manifest)


def open_django(folder: str, git_port: int, url: str) -> None:
    """Everything a worker has loaded before its first task."""
    hosts = f"127.0.0.1:{git_port},{url.removeprefix('https://')}"
    os.environ |= {
        "GITOPSUI_DATA": folder,
        "GITOPSUI_TRUSTED_ENDPOINTS": hosts,
        "GITOPSUI_MIN_FREE_MIB": "0",
        "DJANGO_SETTINGS_MODULE": "gitopsui.settings",
    }
    import django

    django.setup()
    from apps.core import jobs

    jobs.load_tasks()


def prepare(folder: str, git_port: int, url: str, ca_pem: str, count: int) -> None:
    """The rows that setting up would have made, and the mirror."""
    open_django(folder, git_port, url)
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from apps.accounts.models import Project
    from apps.environments.models import Application, Cluster, Environment
    from apps.environments.services import layouts
    from apps.repositories import connect, services

    project = Project.objects.create(name="Shop", slug="shop")
    address = f"http://127.0.0.1:{git_port}/config.git"
    repository = services.connect_repository(
        project, address, policy=connect.git_policy(), by=None, is_config=True
    )
    cluster = Cluster.objects.create(project=project, name="eu-1", server=url, ca_data=ca_pem, token=TOKEN)
    stage = Environment.objects.create(project=project, name="prod")
    for number in range(count):
        component = layouts.take_component(project, f"shop-{number}")
        application = Application.objects.create(
            component=component,
            environment=stage,
            repository=repository,
            cluster=cluster,
            path=f"apps/{number}",
            renderer="plain",
            namespace=namespace_of(number),
        )
        layouts.watch_application(application)
    poll()


def poll() -> None:
    from apps.core import jobs
    from apps.repositories import services
    from apps.repositories.models import Repository

    ids = list(Repository.objects.values_list("pk", flat=True))
    jobs.make_due(services.POLL, ids)
    jobs.run_batch(services.POLL, ids, threads=1)


def run_round() -> Spent:
    """One round of checks of the whole cluster, as a worker does it."""
    from apps.core import jobs
    from apps.environments import tasks
    from apps.environments.models import Application, Cluster
    from apps.environments.services import layouts

    jobs.make_due(layouts.CHECK, list(Application.objects.values_list("pk", flat=True)))
    begun, used = time.perf_counter(), time.process_time()
    tasks.check_cluster(Cluster.objects.get().pk)
    return Spent(time.perf_counter() - begun, time.process_time() - used)


def verdicts() -> str:
    from django.db.models import Count

    from apps.environments.models import Application

    rows = Application.objects.values_list("sync", "health").annotate(Count("pk")).order_by("sync", "health")
    return ", ".join(f"{count} {sync} {health}" for sync, health, count in rows)


def read_raw(url: str, ca_pem: str) -> tuple[float, Spent, list[bytes]]:
    """Seconds that the server needs to send the lists, what json.loads of them takes, and their pages."""
    context = ssl.create_default_context(cadata=ca_pem)
    pages: list[bytes] = []
    sending = 0.0
    for path in LISTED:
        token = ""
        while True:
            more = f"&continue={token}" if token else ""
            request = urllib.request.Request(
                f"{url}{path}?limit=500{more}", headers={"Authorization": f"Bearer {TOKEN}"}
            )
            begun = time.perf_counter()
            with urllib.request.urlopen(request, context=context) as answer:
                pages.append(answer.read())
            sending += time.perf_counter() - begun
            token = json.loads(pages[-1])["metadata"].get("continue", "")
            if not token:
                break
    return sending, parse_all(pages), pages


def parse_all(pages: list[bytes]) -> Spent:
    """As the reader does it: each page is let go, and no collector walks it while it comes in."""
    begun, used = time.perf_counter(), time.process_time()
    with collector_paused():
        for page in pages:
            json.loads(page)
    return Spent(time.perf_counter() - begun, time.process_time() - used)


def time_each(work: Callable[[], object]) -> float:
    """The median of many, in milliseconds."""
    times = []
    for _ in range(COMPARISONS):
        begun = time.perf_counter()
        work()
        times.append(time.perf_counter() - begun)
    return statistics.median(times) * 1000


def measure_comparison(pages: list[bytes]) -> list[Figure]:
    """One Deployment of Git beside its live one, as they are stored and read: masked."""
    from apps.environments.connect import masker
    from apps.environments.models import DesiredState
    from gitopsui.domain.drift import compare
    from gitopsui.domain.health import health_of

    mask = masker()
    raw = {
        item["metadata"]["name"]: item
        for page in pages
        for item in json.loads(page)["items"]
        if "deployment" in page[:40].decode().lower()
    }["shop-7-web"]
    live = mask({**raw, "apiVersion": "apps/v1", "kind": "Deployment"})
    states = DesiredState.objects.iterator()
    found = (manifest for state in states for manifest in state.manifests)
    want = next(
        one for one in found if one["kind"] == "Deployment" and one["metadata"]["name"] == "shop-7-web"
    )
    assert compare([want], [live]) == []
    twin = json.loads(json.dumps(live))
    return [
        Figure(
            "two equal dicts of this size, `==`",
            "time",
            f"{time_each(lambda: live == twin):.3f} ms",
            "the floor",
        ),
        Figure(
            "compare a Deployment", "time", f"{time_each(lambda: compare([want], [live])):.3f} ms", "≤ 0.3 ms"
        ),
        Figure("health of a Deployment", "time", f"{time_each(lambda: health_of(live)):.3f} ms"),
        Figure("json.loads of it", "time", f"{time_each(lambda: json.loads(json.dumps(raw))):.3f} ms"),
        Figure("mask it", "time", f"{time_each(lambda: mask(raw)):.3f} ms"),
    ]


def measure(folder: Path, channel: Connection, server: tuple[int, str, str], count: int) -> list[Figure]:
    git_port, url, ca_pem = server
    open_django(str(folder / "data"), git_port, url)
    base = resident_megabytes(os.getpid())
    first = run_round()
    after_first = verdicts()
    first_requests = ask(channel, "count")
    unchanged = [run_round() for _ in range(3)]
    forget_all()
    restarted = run_round()
    requests = ask(channel, "change")
    changed = run_round()
    after_change = verdicts()
    commit_elsewhere(folder)
    poll()
    moved = run_round()
    peak = megabytes()
    sending, parsing, pages = read_raw(url, ca_pem)
    size = sum(map(len, pages)) / 1e6
    objects = sum(len(json.loads(page)["items"]) for page in pages)
    middle = statistics.median_low(unchanged)
    what = f"{count} applications"
    asked = f"{sum(first_requests.values())}, then {sum(requests.values()) // 4}"
    return [
        Figure(f"{objects} objects, {size:.0f} MB", "sent by the server", f"{sending:.1f} s", "the floor"),
        Figure("the same pages", "json.loads", str(parsing), "the floor"),
        Figure(f"{what}, first check", "time", str(first), "≤ 60 s"),
        Figure(f"{what}, first check", "verdicts", after_first),
        Figure(f"{what}, nothing changed", "time", str(middle)),
        Figure(f"{what}, nothing changed", "beyond sending", f"{middle.clock - sending:.1f} s", "≤ 5 s"),
        Figure(f"{what}, nothing changed", "in a new process", str(restarted)),
        Figure("one live object edited", "time", str(changed)),
        Figure("one live object edited", "verdicts", after_change),
        Figure("one commit beside their folders", "time", str(moved)),
        Figure("a round", "requests", asked),
        Figure("a worker before, at most", "memory", f"{base:.0f}, {peak:.0f} MB", "≤ 256 MB over"),
        *measure_comparison(pages),
    ]


def forget_all() -> None:
    """As a worker that has just begun."""
    from apps.environments import connect

    connect.bases.cache_clear()
    connect.known_runs.cache_clear()


def ask(channel: Connection, word: str) -> dict[str, int]:
    channel.send(word)
    answer: dict[str, int] = channel.recv()
    return answer


def commit_elsewhere(folder: Path) -> None:
    seed = folder / "seed"
    (seed / "README.md").write_text("Nothing that is applied.\n")
    commit_all(seed, "Explain")
    run_git(seed, "push", "-q", str(folder / "config.git"), "main")


def main(count: int) -> None:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    with tempfile.TemporaryDirectory(prefix="gitopsui-bench-") as name:
        folder = Path(name)
        build_remote(folder, count)
        server = context.Process(target=serve, args=(name, count, theirs), daemon=True)
        server.start()
        theirs.close()
        begun = time.perf_counter()
        address = ours.recv()
        print(f"stand-in filled in {time.perf_counter() - begun:.0f} s", file=sys.stderr)
        rows = context.Process(target=prepare, args=(str(folder / "data"), *address, count))
        rows.start()
        rows.join()
        figures = measure(folder, ours, address, count)
        ours.send("done")
        server.join()
    show(f"Checks of {count} applications", figures)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 500)
