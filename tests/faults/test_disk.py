"""Disks that are full: of a run's own files, and of the server. What failed says so, and nothing of it stays."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import psycopg2
import pytest

from ingest.embedded import EmbeddedError, EmbeddedServer
from tests.faults.company import BUILD, FaultyCompany
from tests.faults.table import FAULTS, IS_LONG, chance
from tests.waiting import wait_until_gone

KILOBYTE, MEGABYTE = 2**10, 2**20
TRIALS = FAULTS // 20 if IS_LONG else 1
FULL = "No space left on device"
COMMANDS = {"ingest": ("ingest",), "dbt": ("dbt", *BUILD)}
# The short form has one of them.
CHOSEN = list(COMMANDS) if IS_LONG else [chance("disk", 0).choice(list(COMMANDS))]


@contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """Mount a disk of some bytes in memory; it goes with the block. Skips the test where that is not allowed."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("needs to mount a disk: be root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@contextmanager
def filled(disk: Path, free: int) -> Iterator[None]:
    """Fill a disk but for some bytes, for a block."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, shutil.disk_usage(disk).free - free))
    try:
        yield
    finally:
        ballast.unlink()


def of_the_full_disk(printed: str) -> str:
    """Return the line that says it."""
    return next((line for line in printed.splitlines() if FULL in line), "nothing: there was room enough")


@pytest.mark.parametrize("number", range(TRIALS))
@pytest.mark.parametrize("command", CHOSEN)
def test_no_room_for_a_runs_own_files(faulty, record, tmp_path, command, number):
    faulty.begin()
    with small_disk(tmp_path / "disk", 64 * MEGABYTE) as disk:
        if command == "dbt":
            faulty.well("ingest")
            shutil.copytree(faulty.environment["DBT_TARGET_PATH"], disk / "target")
        folders = {"TMPDIR": str(disk), "DBT_TARGET_PATH": str(disk / "target"), "DBT_LOG_PATH": str(disk / "logs")}
        with filled(disk, chance(f"disk {command}", number).randrange(200 * KILOBYTE)):
            code, printed = faulty.run(*COMMANDS[command], **folders)
    if command == "ingest":
        assert "Traceback" not in printed, printed
    assert code == 0 or FULL in printed, printed
    faulty.good_run()
    record(f"disk full: of {command}'s files", faulty.differences(), of_the_full_disk(printed))


@pytest.fixture(scope="module")
def small_server(faulty, embedded, tmp_path_factory) -> Iterator[EmbeddedServer]:
    """Give a copy of the server, all it holds included, on a small disk."""
    size = sum(file.stat().st_size for file in embedded.folder.rglob("*") if file.is_file())
    with small_disk(tmp_path_factory.getbasetemp() / "server", size + 200 * MEGABYTE) as disk:
        disk.chmod(0o755)
        embedded.stop()
        subprocess.run(["cp", "--archive", embedded.folder / "pgdata", disk], check=True)
        # At the same port: at another one dbt parses all anew.
        server = replace(embedded, folder=disk)
        server.start()
        yield server
        server.stop()
        embedded.start()


@pytest.mark.parametrize("number", range(TRIALS))
@pytest.mark.parametrize("command", CHOSEN)
def test_no_room_for_the_server(faulty, small_server, record, command, number):
    """Often it can't write a table; where it can't write its log, it stops, and starts when there is room."""
    random = chance(f"disk of the server {command}", number)
    faulty.begin()
    if command == "dbt":
        faulty.well("ingest")
    with filled(small_server.folder, random.randrange(300 * KILOBYTE)):
        if number % 2:
            next_log_files(faulty)
        _, printed = faulty.run(*COMMANDS[command])
        refused = refusal(small_server)
    assert "Traceback" not in printed, printed
    small_server.start()
    wait_until_gone(faulty)
    faulty.good_run()
    name = f"disk full: of the server, in {command}" + ("; `make up` is refused" if refused else "")
    record(name, faulty.differences(), refused or of_the_full_disk(printed))


def next_log_files(company: FaultyCompany) -> None:
    """Use up the files that the server keeps for its log."""
    with suppress(psycopg2.OperationalError):
        for _ in range(8):
            company.rows("select pg_switch_wal()")


def refusal(server: EmbeddedServer) -> str | None:
    """Return what `make up` says where the server stopped and can't start; None where it runs."""
    try:
        server.start()
    except EmbeddedError as error:
        said = str(error)
    else:
        return None
    assert FULL in said, said
    return said
