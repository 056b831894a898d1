"""
The board of 1,000 components in five environments, asked by ten readers at once.

`python -m tests.benchmarks.board [sqlite|postgres]`; a process each, since it has one database.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable

from tests.benchmarks.http_load import Answer, Load, Reader, run_load
from tests.benchmarks.table import Figure, show
from tests.benchmarks.web_server import children_of, processor_seconds, resident_megabytes, serve

READERS, EACH, COMPONENTS, PAGES = 10, 40, 1000, 20
HTMX = {"HX-Request": "true"}
TABLE = "/projects/shop/board-table/?page={}"


def prepare(database: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """A filled database: the environment a server needs for it, and the cookie of each reader."""
    folder = tempfile.mkdtemp(prefix="gitopsui-bench-")
    environment = {"GITOPSUI_DATA": folder, "DJANGO_SETTINGS_MODULE": "gitopsui.settings"}
    if database == "postgres":
        from tests.postgres import start_server

        environment["DATABASE_URL"] = start_server()
    os.environ.update(environment)
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("collectstatic", verbosity=0, interactive=False)
    return environment, _sign_in()


def _sign_in() -> list[dict[str, str]]:
    from django.conf import settings
    from django.db import connection
    from django.test import Client

    from apps.accounts.models import Role
    from tests.accounts import make_person
    from tests.benchmarks.board_data import fill_board

    project = fill_board(COMPONENTS)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    cookies = []
    for number in range(READERS):
        client = Client()
        client.force_login(make_person(f"viewer-{number}", Role.VIEWER, project))
        key = client.cookies[settings.SESSION_COOKIE_NAME].value
        cookies.append({"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"})
    connection.close()
    return cookies


def measure(port: int, pid: int, cookies: list[dict[str, str]]) -> dict[str, tuple[Load, float]]:
    """The first look at each page, then each kind, by all readers at once: times and processor ms."""
    readers = [Reader(port, cookie) for cookie in cookies]
    run_load(readers, lambda reader, number, turn: reader.get("/jobs/"), each=4)
    asked: dict[str, Callable[[Reader, int, int], Answer]] = {
        "first look: nothing of the 20 pages is drawn yet": lambda reader, number, turn: reader.get(
            f"/?page={(number * 7 + turn) % PAGES + 1}"
        ),
        "page of 50 rows, any of 20 pages": lambda reader, number, turn: reader.get(
            f"/?page={(number * 7 + turn) % PAGES + 1}"
        ),
        "page 1 by all": lambda reader, number, turn: reader.get("/"),
        "filtered, worst first": lambda reader, number, turn: reader.get(
            "/?attention=1&differs=1&sort=attention&label=team-3"
        ),
        "refresh, unchanged": refresh_asker(),
    }
    found = {}
    for name, ask in asked.items():
        before = processor_seconds(children_of(pid))
        load = run_load(readers, ask, each=EACH)
        used = processor_seconds(children_of(pid)) - before
        found[name] = (load, 1000 * used / len(load.times))
    return found


def refresh_asker() -> Callable[[Reader, int, int], Answer]:
    """The poll of an open page: it sends the tag of its last answer."""
    tags: dict[int, str] = {}

    def ask(reader: Reader, number: int, turn: int) -> Answer:
        answer = reader.get(TABLE.format(number + 1), **HTMX, **{"HX-PTag": tags.get(number, "")})
        tags[number] = answer.tag or tags.get(number, "")
        return answer

    return ask


def measure_floor() -> Load:
    with serve("tests.benchmarks.bare:application", {"DJANGO_SETTINGS_MODULE": ""}) as (port, _):
        readers = [Reader(port, {}) for _ in range(READERS)]
        return run_load(readers, lambda reader, number, turn: reader.get("/"), each=EACH)


def main(database: str) -> None:
    environment, cookies = prepare(database)
    floor = measure_floor()
    rows = [Figure("a bare view of 115 kB", "p95", f"{floor.p95:.0f} ms", "the floor")]
    with serve("gitopsui.wsgi:application", environment) as (port, pid):
        for name, (load, used) in measure(port, pid, cookies).items():
            limit = "≤ 50 ms" if "refresh" in name else "≤ 300 ms"
            rows.append(Figure(name, "p95", f"{load.p95:.0f} ms", limit))
            rows.append(Figure(name, "median", f"{load.median:.0f} ms"))
            rows.append(Figure(name, "processor time of the web", f"{used:.0f} ms"))
            rows.append(Figure(name, "answers a second", f"{load.per_second:.0f}", "≥ 30"))
            rows.append(Figure(name, "largest answer", f"{load.largest / 1000:.1f} kB", "≤ 120 kB"))
            rows.append(Figure(name, "statuses", str(load.statuses)))
        held = max(resident_megabytes(child) for child in children_of(pid))
    rows.append(Figure("a web process after all that", "memory", f"{held:.0f} MB", "≤ 200 MB"))
    busy = f"load {os.getloadavg()[0]:.1f}"
    show(f"Board, {COMPONENTS} components × 5, {READERS} readers, {database}, {busy}", rows)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "sqlite")
