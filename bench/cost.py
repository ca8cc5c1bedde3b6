"""What a piece of work costs: seconds on the wall, CPU of the client's processes and of the server's, memory.

The client is all that this process starts; what this process does itself is nobody's. Linux only: elsewhere nothing
tells the CPU of processes that have ended.
"""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import psutil

# A look at all processes takes 3 ms: a sixteenth of a core, on both sides of a comparison.
SAMPLE_SECONDS = 0.05


class Cost(NamedTuple):
    """Seconds on the wall, CPU seconds of client and server, and the peak of the client's memory in bytes."""

    wall: float
    client: float
    server: float
    memory: int

    @property
    def cpu(self) -> float:
        """CPU seconds of both."""
        return self.client + self.server


@dataclass(frozen=True)
class Meter:
    """Measures work on one PostgreSQL server; processes in `aside`, such as a source's API, are not the client's."""

    postmaster: int
    aside: Collection[int] = ()

    def measure(self, work: Callable[[], None]) -> Cost:
        """Do the work once; returns what it cost."""
        with self._peak_memory() as peak:
            client, server, started = self._client(), self._server(), perf_counter()
            work()
            wall = perf_counter() - started
            return Cost(wall, self._client() - client, self._server() - server, max(peak))

    def _client(self) -> float:
        return _cpu_seconds(psutil.Process(), self.aside, is_own=False)

    def _server(self) -> float:
        return _cpu_seconds(psutil.Process(self.postmaster))

    @contextmanager
    def _peak_memory(self) -> Iterator[list[int]]:
        """Give a list that grows by the client's memory every SAMPLE_SECONDS."""
        found, is_over = [0], threading.Event()

        def watch() -> None:
            while not is_over.is_set():
                found.append(_memory(psutil.Process(), self.aside))
                is_over.wait(SAMPLE_SECONDS)

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            yield found
        finally:
            is_over.set()
            watcher.join()


def _cpu_seconds(process: psutil.Process, aside: Collection[int] = (), is_own: bool = True) -> float:
    """Return the CPU of a process, of all that it has started and of all that these have.

    It is read again where one of them ended meanwhile: its CPU would be counted twice, or never.
    """
    while True:
        started = _started(process, aside)
        with suppress(psutil.NoSuchProcess):
            mine = process.cpu_times()
            total = mine.children_user + mine.children_system + is_own * (mine.user + mine.system)
            for each in started:
                times = each.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
            if _started(process, aside) == started:
                return total


def _memory(process: psutil.Process, aside: Collection[int]) -> int:
    total = 0
    for each in _started(process, aside):
        with suppress(psutil.Error):
            total += each.memory_info().rss
    return total


def _started(process: psutil.Process, aside: Collection[int]) -> set[psutil.Process]:
    return {each for each in process.children(recursive=True) if each.pid not in aside}
