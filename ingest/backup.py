"""python -m ingest.backup [FILE] | --restore FILE: all of the warehouse in one file, and back.

A dump is all there is: raw rows, the log of reads, facts, marts and ops; not the roles of readers, nor any password.
Exit codes: 0 done; 2 not done, and nothing changed.
"""

import argparse
import os
import shutil
import subprocess
import sys
from contextlib import closing, suppress
from pathlib import Path
from subprocess import PIPE
from typing import BinaryIO

from ingest import warehouse
from ingest.embedded import EmbeddedError
from ingest.errors import SetupError
from ingest.project import ROOT
from ingest.reads import now

FOLDER = ROOT / "backups"
# What pg_restore 17 and 18 say first, and PostgreSQL 14 to 16 do not know.
NEWER = b"SET transaction_timeout = 0;\n"
# By it a tick builds no view again: after a restore the first one has to, since no grant is in a dump.
NOT_KEPT = "ops.built_project"
TABLES = """
    select count(*)
    from pg_class as relations
    inner join pg_namespace as schemas on schemas.oid = relations.relnamespace
    where relations.relkind in ('r', 'p', 'v')
        and schemas.nspname <> 'information_schema' and schemas.nspname not like 'pg\\_%'
"""


def main(arguments: list[str] | None = None) -> int:
    """Back up or restore; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m ingest.backup", description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", type=Path, help="where to; backups/ and the time if it is not named")
    parser.add_argument("--restore", action="store_true", help="put FILE into the warehouse, which has to be empty")
    given = parser.parse_args(arguments)
    try:
        if not given.restore:
            print(backup(given.file or _next_file()))
        elif given.file:
            print(restore(given.file))
        else:
            raise SetupError(f"which file? make restore FILE=backups/...; there are: {_known_files()}")
    except (SetupError, EmbeddedError, OSError) as error:
        print(f"backup: {error}", file=sys.stderr)
        return 2
    return 0


def backup(file: Path) -> str:
    """Dump the warehouse as it is at this instant, ticks or not, into a file that only its owner reads; returns a line.

    Raises SetupError where pg_dump can't, and then leaves no file.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(file.name + ".part")
    try:
        with _started("pg_dump", "--format=custom", f"--exclude-table-data={NOT_KEPT}", f"--file={part}") as dump:
            _check(dump)
        part.rename(file)
    finally:
        part.unlink(missing_ok=True)
    size = f"{file.stat().st_size / 1e6:,.1f} MB"
    return f"backup: {size} in {_shown(file)}; `make restore FILE={_shown(file)}` puts it back"


def restore(file: Path) -> str:
    """Put a dump into the warehouse in one transaction; returns a line.

    Raises SetupError where the warehouse is not empty, or the file is no whole dump.
    """
    if not file.is_file():
        raise SetupError(f"there is no file {file}; there are: {_known_files()}")
    target = warehouse.target()
    count = _table_count()
    if count:
        raise SetupError(
            f"the database {target.database} holds {count} tables and views, and a dump goes into an empty one: "
            "`make clean` removes the embedded warehouse, WAREHOUSE_DATABASE names another database"
        )
    _pour(file)
    return f"restore: {_table_count()} tables and views from {_shown(file)}; next: make roles (where used), make tick"


def _pour(file: Path) -> None:
    """Write a dump's statements into the warehouse; both programs end well, or nothing of it is there."""
    # The roles that were granted something may not be here: dbt and `make roles` grant anew.
    with (
        _started("pg_restore", "--no-owner", "--no-privileges", "--file=-", str(file)) as dump,
        _started("psql", "--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1") as psql,
    ):
        with suppress(BrokenPipeError):
            _copy(dump.stdout, psql.stdin)
            if dump.wait():
                # At the end of its input it would commit half of a file.
                psql.kill()
                _check(dump)
        with suppress(BrokenPipeError):
            psql.stdin.close()
        _check(psql)


def _copy(statements: BinaryIO, into: BinaryIO) -> None:
    for line in iter(statements.readline, b""):
        if line != NEWER:
            into.write(line)
        if line.startswith(b"CREATE"):
            break
    shutil.copyfileobj(statements, into)


def _started(program: str, *arguments: str) -> subprocess.Popen:
    path = warehouse.program(program)
    environment = os.environ | warehouse.target().libpq
    try:
        # What a dump holds is the business's: only its owner may read it.
        return subprocess.Popen([path, *arguments], env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE, umask=0o077)
    except FileNotFoundError:
        raise SetupError(f"there is no {path}: install PostgreSQL's client programs") from None


def _check(process: subprocess.Popen) -> None:
    """Wait for a program; raises SetupError with what it says where it failed."""
    printed = process.stderr.read().decode(errors="replace")
    if process.wait():
        lines = [line for line in printed.splitlines() if "error" in line.lower()] or [f"{process.args[0]} failed"]
        cure = ": an administrator's task (WAREHOUSE_USER)" if "permission denied" in lines[0] else ""
        raise SetupError(f"{lines[0]}{cure}; nothing was changed")


def _table_count() -> int:
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
        return cursor.fetchone()[0]


def _next_file() -> Path:
    with closing(warehouse.connect()) as connection:
        return FOLDER / f"{warehouse.target().database}-{now(connection):%Y-%m-%dT%H%MZ}.dump"


def _known_files() -> str:
    return ", ".join(_shown(file) for file in sorted(FOLDER.glob("*.dump"))) or "none in backups/"


def _shown(file: Path) -> str:
    with suppress(ValueError):
        return str(file.resolve().relative_to(ROOT))
    return str(file)


if __name__ == "__main__":
    sys.exit(main())
