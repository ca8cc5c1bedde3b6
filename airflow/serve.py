"""python -m airflow.serve: all of Airflow on this machine, on loopback, until Ctrl-C; `make airflow` runs it.

Its metadata are in a database beside the warehouse; its settings, logs and password in AIRFLOW_HOME (.airflow/).
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, suppress
from pathlib import Path
from urllib.parse import quote, urlencode

import psutil
import psycopg2
from psycopg2 import sql

from ingest import warehouse
from ingest.errors import SetupError
from ingest.project import ROOT

HERE = ROOT / "airflow"
HOST = "127.0.0.1"
# A task talks to the API server from its first second on, so that one starts first, and the others when it answers.
# They serve no logs: the API server finds them on the same disk.
API_SERVER = "api-server"
OTHERS = (("scheduler", "--skip-serve-logs"), ("dag-processor",), ("triggerer", "--skip-serve-logs"))
START_SECONDS = 300  # 10 to 34 s on 2 busy cores
STOP_SECONDS = 20  # then what is left is killed; the project's commands may be


SIGNALS = [signal.SIGINT, signal.SIGTERM]
if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as it is under nohup
    SIGNALS.append(signal.SIGHUP)


class AirflowError(Exception):
    """Airflow does not run. One line, with the cure in it."""


def main() -> int:
    """Serve until a signal; returns the exit code: 0, or 1 where Airflow does not run."""
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    components: dict[str, psutil.Popen] = {}
    try:
        serve(components)
    except KeyboardInterrupt:
        print("airflow: stopping", flush=True)
    except (AirflowError, SetupError) as error:
        print(f"airflow: {error}", file=sys.stderr)
        return 1
    finally:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        # Tasks that are cut tell the API server, and are tried again after the next start.
        end(*(process for name, process in components.items() if name != API_SERVER))
        end(*components.values())
    return 0


def serve(components: dict[str, psutil.Popen]) -> None:
    """Start all of Airflow, put its processes into `components`, and wait.

    Raises AirflowError where it can't start, and where a part of it has ended.
    """
    port = os.environ.get("AIRFLOW__API__PORT", "8080")
    check_port(port)
    home = Path(os.environ.get("AIRFLOW_HOME", ROOT / ".airflow"))
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    environment = os.environ | defaults() | settings(home, port, make_database())
    print("airflow: preparing its database", flush=True)
    command(environment, "db", "migrate")
    components[API_SERVER] = start(environment, API_SERVER)
    command(environment, "pools", "import", str(HERE / "pools.json"))
    wait_for_answer(components, port, home)
    for arguments in OTHERS:
        components[arguments[0]] = start(environment, *arguments)
    print(f"airflow: http://{HOST}:{port}  user admin, password {password(home)}; Ctrl-C ends it", flush=True)
    while True:
        check_all_run(components, home)
        time.sleep(1)


def defaults() -> dict[str, str]:
    """Return Airflow's settings that suit one machine, where the environment has none of its own."""
    suited = {
        "AIRFLOW__CORE__PARALLELISM": "4",
        "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "60",
        "AIRFLOW__API__WORKERS": "1",
        # By default 5 s: on 2 busy cores 4 of 5 first tries of tasks were lost to it.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "30",
        "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "60",
    }
    return {name: value for name, value in suited.items() if name not in os.environ}


def settings(home: Path, port: str, database: str) -> dict[str, str]:
    """Return Airflow's settings that make this installation what it is; another one's, in the shell, are not taken."""
    target = warehouse.target()
    user = f"{quote(target.user, safe='')}:{quote(target.password, safe='')}"
    address = {"host": target.host, "port": target.port}
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__DAGS_FOLDER": str(HERE / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": "admin:admin",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords(home)),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://{HOST}:{port}/execution/",
        "AIRFLOW__API__HOST": HOST,
        "AIRFLOW__API__PORT": port,
        "AIRFLOW__API__BASE_URL": f"http://{HOST}:{port}",
        # Both drivers look at it; their URLs have no place for it that both understand.
        **({"PGSSLROOTCERT": target.sslrootcert} if target.sslrootcert else {}),
        # Two drivers, and two names for how to encrypt.
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": (
            f"postgresql+psycopg2://{user}@/{database}?{urlencode(address | {'sslmode': target.sslmode})}"
        ),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": (
            f"postgresql+asyncpg://{user}@/{database}?{urlencode(address | {'ssl': target.sslmode})}"
        ),
    }


def make_database() -> str:
    """Make Airflow's database beside the warehouse where it is absent, and return its name: the warehouse's + _airflow.

    Raises AirflowError where our role may not.
    """
    name = f"{warehouse.target().database}_airflow"
    with closing(warehouse.connect("postgres")) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        cursor.execute("select from pg_database where datname = %s", [name])
        if cursor.rowcount:
            return name
        try:
            cursor.execute(sql.SQL("create database {} template template0").format(sql.Identifier(name)))
        except psycopg2.Error as error:
            user = warehouse.target().user
            raise AirflowError(
                f"no database for Airflow: {str(error).strip().splitlines()[0]}; as one who may: "
                f'create database "{name}" owner "{user}"'
            ) from error
    return name


def check_port(port: str) -> None:
    """Raise AirflowError where Airflow can't listen on a port."""
    try:
        socket.create_server((HOST, int(port))).close()
    except (OSError, OverflowError, ValueError) as error:
        raise AirflowError(
            f"can't listen on {HOST} port {port} ({error}): choose another port: export AIRFLOW__API__PORT=8081"
        ) from error


def command(environment: dict[str, str], *arguments: str) -> None:
    """Run a command of Airflow's to its end; raises AirflowError where it fails."""
    process = start(environment, *arguments)
    try:
        code = process.wait()
    finally:
        end(process)
    if code:
        raise AirflowError(
            f"airflow {' '.join(arguments)} failed: see {log(environment['AIRFLOW_HOME'], arguments[0])}"
        )


def start(environment: dict[str, str], *arguments: str) -> psutil.Popen:
    """Start a command of Airflow's; what it says goes to a log of its own, and Ctrl-C does not reach it."""
    home = environment["AIRFLOW_HOME"]
    with log(home, arguments[0]).open("ab") as output:
        return psutil.Popen(
            [str(HERE / ".venv" / "bin" / "airflow"), *arguments],
            cwd=home,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def log(home: str | Path, component: str) -> Path:
    """Return the file with what a part of Airflow says."""
    return Path(home) / f"{component}.log"


def wait_for_answer(components: dict[str, psutil.Popen], port: str, home: Path) -> None:
    """Wait until the API server is healthy; raises AirflowError where it ends, or is not in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        check_all_run(components, home)
        with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{port}/api/v2/monitor/health", timeout=10):
            return
        time.sleep(0.5)
    raise AirflowError(f"the API server does not answer after {START_SECONDS} s: see {log(home, API_SERVER)}")


def check_all_run(components: dict[str, psutil.Popen], home: Path) -> None:
    """Raise AirflowError where a part of Airflow has ended by itself."""
    for name, process in components.items():
        if process.poll() is not None:
            raise AirflowError(f"its {name} has ended with {process.poll()}: see {log(home, name)}")


def passwords(home: Path) -> Path:
    """Return the file in which Airflow keeps the passwords that it makes."""
    return home / "passwords.json"


def password(home: Path) -> str:
    """Return the password that Airflow made for the user admin."""
    return json.loads(passwords(home).read_text())["admin"]


def end(*processes: psutil.Popen) -> None:
    """End processes and all that they started: tasks, and the project's commands in them."""
    families = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            families += [*process.children(recursive=True), process]
    for member in families:
        with suppress(psutil.NoSuchProcess):
            member.terminate()
    _, left = psutil.wait_procs(families, timeout=STOP_SECONDS)
    for member in left:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    psutil.wait_procs(left)


if __name__ == "__main__":
    sys.exit(main())
