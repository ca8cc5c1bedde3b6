"""A real Prometheus with a history of a bench's own."""

import shutil
import subprocess
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import requests

from bench.warehouse import BenchError, free_port

PATIENCE_SECONDS = 60
NEEDED = ("prometheus", "promtool")


class Server(NamedTuple):
    """A running server: where it is, and its process, which is nobody's cost."""

    url: str
    pid: int


@contextmanager
def serve(folder: Path, samples: Iterable[str]) -> Iterator[Server]:
    """Give a server whose history is `samples`, lines of OpenMetrics; `folder` is made for its files.

    Raises BenchError where Prometheus is not installed, refuses the samples or does not start.
    """
    if not all(map(shutil.which, NEEDED)):
        raise BenchError(f"needs the programs {' and '.join(NEEDED)}: on Debian, `apt install prometheus`")
    folder.mkdir()
    _make_blocks(folder, samples)
    (folder / "prometheus.yml").write_text("global: {scrape_interval: 1m}\n")
    port = free_port()
    url = f"http://127.0.0.1:{port}/demo"
    command = [
        "prometheus",
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/data",
        "--storage.tsdb.retention.time=10y",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.external-url={url}",
    ]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            _await(url, process, folder / "log")
            yield Server(url, process.pid)
        finally:
            process.terminate()
            process.wait()


def _make_blocks(folder: Path, samples: Iterable[str]) -> None:
    with (folder / "samples").open("w") as file:
        file.writelines(samples)
        file.write("# EOF\n")
    command = ["promtool", "tsdb", "create-blocks-from", "openmetrics", "--max-block-duration=162h"]
    command += [folder / "samples", folder / "data"]
    made = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode:
        raise BenchError(f"promtool refuses the samples:\n{made.stdout}")


def _await(url: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(requests.RequestException):
            if requests.get(f"{url}/-/ready", timeout=5).status_code == 200:
                return
        time.sleep(0.05)
    raise BenchError(f"Prometheus does not start:\n{log.read_text()}")
