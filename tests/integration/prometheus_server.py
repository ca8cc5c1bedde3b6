"""A real Prometheus with a history of our own, and what each hour of it truly holds, reckoned beside it."""

import datetime as dt
import math
import random
import shutil
import subprocess
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from tests.conftest import free_port

UTC = dt.timezone.utc
HOUR = dt.timedelta(hours=1)
# Five days and a half from a midnight of Paris on, with its 23-hour day on 29 March; scraped 13.5 s past each minute.
START = dt.datetime(2026, 3, 25, 23, tzinfo=UTC)
NOW = dt.datetime(2026, 3, 31, 12, 5, tzinfo=UTC)
SCRAPE = 60
OFFSET = 13.5
# No scrape for 2 h 35 min, and a series that is born late.
GAP = (dt.datetime(2026, 3, 28, 6, 10, tzinfo=UTC), dt.datetime(2026, 3, 28, 8, 45, tzinfo=UTC))
LATE = dt.datetime(2026, 3, 29, 15, 20, tzinfo=UTC)
NAN = (dt.datetime(2026, 3, 27, 4, 0, tzinfo=UTC), dt.datetime(2026, 3, 27, 5, 30, tzinfo=UTC))
BOUNDS = ("0.1", "0.25", "0.5", "1", "2.5", "+Inf")

Samples = list[tuple[float, float]]
Labels = tuple[tuple[str, str], ...]
Values = dict[tuple[Labels, dt.datetime], float]


def make_history() -> dict[str, dict[Labels, Samples]]:
    """Return metric -> labels -> samples: counters that reset, gauges, a histogram; with gaps, a late series, NaN."""
    rng = random.Random(7)
    history = {
        "http_requests_total": {
            (("instance", instance), ("status", status)): _counter(rng, mean, resets, since)
            for instance, resets in (("a", 9), ("b", 0))
            for status, mean, since in (("200", 40, START), ("404", 2, START), ("500", 0.05, START), ("429", 1, LATE))
        },
        "queue_depth": {(("instance", "a"),): _gauge(rng)},
        "db_size_bytes": {(): [(at, 1e9 + 1e4 * number) for number, at in enumerate(_scrapes(START))]},
        "duration_seconds_bucket": {},
    }
    counts = [0] * len(BOUNDS)
    buckets = [[] for _ in BOUNDS]
    for at in _scrapes(START):
        for number in range(len(BOUNDS)):
            counts[number] += rng.randrange(20 // (number + 1))
            buckets[number].append((at, float(sum(counts[: number + 1]))))
    history["duration_seconds_bucket"] = {
        (("le", bound),): samples for bound, samples in zip(BOUNDS, buckets, strict=True)
    }
    return history


def _scrapes(since: dt.datetime) -> Iterator[float]:
    at = since.timestamp() + OFFSET
    while at < NOW.timestamp():
        if not GAP[0].timestamp() <= at < GAP[1].timestamp():
            yield at
        at += SCRAPE


def _counter(rng: random.Random, mean: float, resets: int, since: dt.datetime) -> Samples:
    span = (NOW - since).total_seconds()
    falls = sorted(since.timestamp() + span * rng.random() for _ in range(resets))
    value, samples = float(rng.randrange(1000)), []
    for at in _scrapes(since):
        if falls and at >= falls[0]:
            falls.pop(0)
            value = 0.0
        value += rng.randrange(int(2 * mean) + 1) if mean >= 1 else rng.random() < mean
        samples.append((at, float(value)))
    return samples


def _gauge(rng: random.Random) -> Samples:
    return [
        (at, math.nan if NAN[0].timestamp() <= at < NAN[1].timestamp() else rng.uniform(-5, 50))
        for at in _scrapes(START)
    ]


def hours() -> list[dt.datetime]:
    """Return the hours of the history that are over and have settled."""
    return [START + number * HOUR for number in range((NOW - START) // HOUR)]


def window(samples: Samples, start: dt.datetime, end: dt.datetime) -> Samples:
    """Return the samples of a time; none stands on a full hour."""
    first, last = (bisect_left(samples, (at.timestamp(),)) for at in (start, end))
    return samples[first:last]


def increase(samples: Samples, start: dt.datetime, end: dt.datetime) -> float | None:
    """Return what increase() says: extrapolated to the ends of the window, or half an interval beyond its samples."""
    inside = window(samples, start, end)
    if len(inside) < 2:
        return None
    (first_at, first), (last_at, last) = inside[0], inside[-1]
    result = last - first + sum(old for (_, old), (_, new) in pairwise(inside) if new < old)
    sampled = last_at - first_at
    average = sampled / (len(inside) - 1)
    to_start, to_end = first_at - start.timestamp(), end.timestamp() - last_at
    if result > 0 and first >= 0:
        to_start = min(to_start, sampled * first / result)
    reached = sampled + sum(beyond if beyond < average * 1.1 else average / 2 for beyond in (to_start, to_end))
    return result * reached / sampled


def counted(samples: Samples, start: dt.datetime, end: dt.datetime) -> float | None:
    """Return the sum of the increments that end in the window; the first starts an hour before at the most."""
    inside = window(samples, start - HOUR, end)
    parts = [new - old if new >= old else new for (_, old), (at, new) in pairwise(inside) if at >= start.timestamp()]
    return math.fsum(parts) if parts else None


def quantile(buckets: dict[Labels, Samples], q: float, start: dt.datetime, end: dt.datetime) -> float | None:
    """Return what histogram_quantile() says of the increases of buckets."""
    counts = [increase(buckets[(("le", bound),)], start, end) for bound in BOUNDS]
    if None in counts or counts[-1] == 0:
        return None
    for number in range(1, len(counts)):
        counts[number] = max(counts[number - 1 : number + 1])
    rank = q * counts[-1]
    number = next(n for n, count in enumerate(counts) if count >= rank)
    if number == len(BOUNDS) - 1:
        return float(BOUNDS[-2])
    low, below = (float(BOUNDS[number - 1]), counts[number - 1]) if number else (0.0, 0.0)
    return low + (float(BOUNDS[number]) - low) * (rank - below) / (counts[number] - below)


class PrometheusServer:
    """A real server; `url` has the path /demo, as a demo source must."""

    def __init__(self, folder: Path, port: int):
        """Know its folder and its port."""
        self.folder, self.port = folder, port
        self.url = f"http://127.0.0.1:{port}/demo"


def install_history(folder: Path, history: dict[str, dict[Labels, Samples]]) -> None:
    """Make TSDB blocks of a history in a folder; skips the test where there is no Prometheus."""
    if not (shutil.which("prometheus") and shutil.which("promtool")):
        pytest.skip("needs the programs prometheus and promtool: make test installs Debian's, as root")
    text = folder.with_suffix(".txt")
    with text.open("w") as file:
        for metric, series in history.items():
            kind = "counter" if metric.endswith("_total") else "gauge"
            file.write(f"# TYPE {metric.removesuffix('_total')} {kind}\n")
            for labels, samples in series.items():
                name = f"{metric}{{{','.join(f'{key}={chr(34)}{value}{chr(34)}' for key, value in labels)}}}"
                file.writelines(f"{name} {value!r} {at}\n" for at, value in samples)
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=162h", text, folder]
    made = subprocess.run(command, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr


@contextmanager
def serve(blocks: Path, folder: Path, *flags: str, web: str = "") -> Iterator[PrometheusServer]:
    """Run a server on a copy of some blocks; it ends with the block."""
    shutil.copytree(blocks, folder / "data")
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
    (folder / "web.yml").write_text(web)
    server = PrometheusServer(folder, free_port())
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address=127.0.0.1:{server.port}",
        f"--web.external-url={server.url}",
        f"--web.config.file={folder}/web.yml",
        *flags,
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _await(server, process)
            yield server
        finally:
            process.terminate()
            process.wait()


def _await(server: PrometheusServer, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            # 401 is an answer, too.
            if requests.get(f"{server.url}/-/ready", timeout=5).status_code in (200, 401):
                return
        except requests.RequestException:
            pass
        time.sleep(0.05)
    raise AssertionError((server.folder / "log").read_text())
