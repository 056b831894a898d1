"""A load of readers against a web server: each in a thread asks, waits for the answer, and asks again."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Load:
    """Times in milliseconds, sorted; `largest` is the longest body in bytes."""

    times: list[float]
    seconds: float
    statuses: dict[int, int]
    largest: int

    @property
    def p95(self) -> float:
        return self.times[int(len(self.times) * 0.95) - 1]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def per_second(self) -> float:
        return len(self.times) / self.seconds


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    tag: str


class Reader:
    """One browser: one connection kept open, its cookies sent along."""

    def __init__(self, port: int, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._headers = dict(headers)

    def get(self, path: str, **headers: str) -> Answer:
        try:
            return self._ask(path, headers)
        except (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError):
            # The server closes a connection that was idle; a browser asks again on a new one.
            self._connection.close()
            return self._ask(path, headers)

    def _ask(self, path: str, headers: Mapping[str, str]) -> Answer:
        self._connection.request("GET", path, headers={**self._headers, **headers})
        response = self._connection.getresponse()
        return Answer(response.status, response.read(), response.headers.get("HX-PTag", ""))


def run_load(readers: list[Reader], ask: Callable[[Reader, int, int], Answer], *, each: int) -> Load:
    """`ask(reader, number of the reader, round)` `each` times by each reader, all at once."""
    times: list[float] = []
    answers: list[tuple[int, int]] = []

    def read(reader: Reader, number: int) -> None:
        for turn in range(each):
            begun = time.perf_counter()
            answer = ask(reader, number, turn)
            times.append((time.perf_counter() - begun) * 1000)
            answers.append((answer.status, len(answer.body)))

    threads = [threading.Thread(target=read, args=(reader, number)) for number, reader in enumerate(readers)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - begun
    if len(times) != each * len(readers):
        raise RuntimeError("A reader gave up before its last answer.")
    statuses = {status: sum(one == status for one, _ in answers) for status, _ in answers}
    return Load(sorted(times), seconds, statuses, max(size for _, size in answers))
