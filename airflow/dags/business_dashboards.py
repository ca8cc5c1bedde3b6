"""What both DAGs are made of: the project's own commands as tasks, and a line where one fails or is late.

The project works out by itself what to read and what to build, and whether it may run now. Airflow adds when, how often
again, in what order, and who is told.
"""

import json
import logging
import os
import runpy
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from airflow.providers.standard.hooks.subprocess import SubprocessHook
from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import (
    Asset,
    AssetAlias,
    BaseOperator,
    DeadlineAlert,
    DeadlineReference,
    Param,
    SyncCallback,
    chain,
)
from airflow.sdk.exceptions import AirflowException, AirflowFailException

# Where the project and its .venv are; this clone, where the file was not copied elsewhere.
ROOT = Path(os.environ.get("BUSINESS_DASHBOARDS_ROOT", Path(__file__).resolve().parents[2]))
# Airflow's settings, its database's password among them, are no business of the project's commands.
FOREIGN = ("AIRFLOW", "_AIRFLOW", "PYTHON", "VIRTUAL_ENV")

# Exit codes after which another try finds the same; README.md has them all. The rest is tried again: 75 (another one is
# running, a quota), a source that is down (3), a kill.
READ_IN_VAIN = (2, 78)
BUILT_IN_VAIN = (1, 2)

# In pools.json: how many sources are read at once, and one build at a time, since two would wait for each other.
SOURCES_POOL, BUILDS_POOL = "sources", "builds"

RAW = AssetAlias("raw")  # an asset a source: raw.events
MARTS = Asset("marts")
# The steps of `python -m tick` in its order. Read, not imported: the project's packages are in another .venv.
STEPS = runpy.run_path(str(ROOT / "tick" / "order.py"))["STEPS"]
OUTLETS = {"build": [MARTS]}  # what a step brings up to date

RANGE = {
    "from": Param(
        None, type=["string", "null"], format="date-time", title="From", description="Read this range again."
    ),
    "to": Param(None, type=["string", "null"], format="date-time", title="To"),
}

log = logging.getLogger(__name__)


class ProjectCommand(BaseOperator):
    """Runs a program of the project's .venv in the project's folder; its exit code says whether to try again.

    `parse` makes the task's XCom of the last line that the program prints.
    """

    def __init__(
        self, *, command: list[str], in_vain: tuple[int, ...], parse: Callable[[str], object] | None = None, **kwargs
    ):
        """Take the program and its arguments, and the exit codes after which another try is in vain."""
        super().__init__(**kwargs)
        self.command, self.in_vain, self.parse = command, in_vain, parse
        self.hook = SubprocessHook()

    def execute(self, context) -> object:
        """Run it; fails at once where another try would find the same."""
        return self._run(self.command)

    def _run(self, command: list[str]) -> object:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
        program = str(ROOT / ".venv" / "bin" / command[0])
        done = self.hook.run_command([program, *command[1:]], env=environment, cwd=str(ROOT))
        if done.exit_code:
            kind = AirflowFailException if done.exit_code in self.in_vain else AirflowException
            raise kind(f"{' '.join(command)} ended with {done.exit_code}: {done.output}")
        return self.parse(done.output) if self.parse else None

    def on_kill(self) -> None:
        """End the program, which is safe at any moment: the next run repeats what this one did not end."""
        self.hook.send_sigterm()


class ReadSource(ProjectCommand):
    """Reads one source into raw: all that was not read; the range of the run's params, or of a backfill's interval."""

    def __init__(self, *, source: str, options: list[str], **kwargs):
        """Take the source's name, and options of ingest."""
        command = ["python", "-m", "ingest", source, *options]
        super().__init__(command=command, in_vain=READ_IN_VAIN, **kwargs)
        self.source = source

    def execute(self, context) -> None:
        """Read it, and bring its asset up to date."""
        self._run([*self.command, *asked_range(context)])
        context["outlet_events"][RAW].add(Asset(f"raw.{self.source}"))


def asked_range(context) -> list[str]:
    """Return --from and --to where this run is for a range: one of its params, or a backfill's interval."""
    run, params = context["dag_run"], context["params"]
    asked = {"--from": params.get("from"), "--to": params.get("to")}
    if run.run_type == "backfill" and not any(asked.values()):
        asked = {"--from": run.data_interval_start.isoformat(), "--to": run.data_interval_end.isoformat()}
    return [part for option, at in asked.items() if at for part in (option, at)]


def pipeline(steps: list[BaseOperator], *options: str) -> None:
    """Put a DAG's tasks together: read the sources, each in a task of its own, then the steps, one after the other.

    Which sources there are the project says at each run; `options` are ingest's. A step runs however the one before has
    ended: it does what it can with what is there. To Airflow a run is as its last task is, so the last asks for all.
    """
    sources = ProjectCommand(
        task_id="sources", command=["python", "-m", "tick.sources"], in_vain=READ_IN_VAIN, parse=json.loads
    )
    ingest = ReadSource.partial(
        task_id="ingest",
        options=list(options),
        outlets=[RAW],
        pool=SOURCES_POOL,
        map_index_template="{{ task.source }}",
    ).expand(source=sources.output)
    chain(ingest, *steps)
    [ingest, *steps] >> EmptyOperator(task_id="all_well")


def step(name: str, command: list[str]) -> ProjectCommand:
    """Return the task of a step."""
    return ProjectCommand(
        task_id=name,
        command=command,
        in_vain=BUILT_IN_VAIN,
        outlets=OUTLETS.get(name, []),
        pool=BUILDS_POOL,
        trigger_rule="all_done",
    )


def steps_of_a_tick() -> list[BaseOperator]:
    """Return the tasks of the steps of a tick, but for ingest, which is a task a source."""
    return [step(name, ["python", "-m", "tick", name]) for name in STEPS if name != "ingest"]


def build_with_all_tests() -> BaseOperator:
    """Return the task that builds all and runs every test of dbt, those of its code too."""
    return step("build", ["dbt", "build"])


def failed(context) -> None:
    """Say in one line which task has failed for good."""
    task = context["task_instance"]
    log.error("%s.%s failed at try %s: %s", task.dag_id, task.task_id, task.try_number, context.get("exception"))


def late(context, minutes: int) -> None:
    """Say in one line which run is not done in time."""
    run = context["dag_run"]
    log.error("%s of %s is not done after %s minutes", run["dag_id"], run["dag_run_id"], minutes)


def done_within(minutes: int) -> DeadlineAlert:
    """Return the alert for a run that is not done so long after it was queued; a backfill's logical date is old."""
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=timedelta(minutes=minutes),
        callback=SyncCallback(late, {"minutes": minutes}),
    )


# Retries after 1, 2 and 4 minutes (`make airflow`; elsewhere Airflow's default_task_retry_delay, doubled): a server's
# restart, another run of the same source. What is then still not read, the next hour reads.
TASKS = {"retries": 3, "retry_exponential_backoff": 2, "on_failure_callback": failed}
