"""One tick: its steps in order, under a lock, each with a row in ops.steps that is opened before and closed after."""

import traceback
from collections.abc import Callable
from contextlib import closing, suppress
from time import perf_counter

import psycopg2

from ingest import settings, warehouse
from ingest.errors import SetupError, reason_of
from ingest.pipeline import prepare_warehouse
from tick import order
from tick import steps as tick_steps
from tick.ended import FAILED, FINE, NONE_READ, NOTHING_TRIED, SETTINGS_ARE_WRONG, TRY_LATER, Ended
from tick.notify import tell_down, tell_up
from tick.steps import Options

# A step that failed stops no later one, since each does what it can with what is there.
STEPS: dict[str, Callable[[Options], Ended]] = {name: getattr(tick_steps, name) for name in order.STEPS}
# The worst of the steps is the tick's.
SEVERITY = [FINE, TRY_LATER, FAILED, NONE_READ, SETTINGS_ARE_WRONG, NOTHING_TRIED]


def run(steps: list[str], options: Options) -> Ended:
    """Run the steps in the order given; returns the worst exit code, and a line with what was not well."""
    started = perf_counter()
    try:
        company = settings.company()
    except SetupError as error:
        return Ended(NOTHING_TRIED, f"tick: {error}")
    try:
        prepare_warehouse(company)
        with closing(warehouse.connect()) as connection:
            connection.autocommit = True
            if not _only_one(connection):
                return Ended(TRY_LATER, "tick: another one is running; nothing done")
            if "notify" in steps:
                tell_up()
            ended = _logged(connection, steps, options)
    except SetupError as error:
        if "notify" in steps:
            tell_down(str(error))
        return Ended(NOTHING_TRIED, f"tick: {error}")
    except psycopg2.Error as error:
        lost = f"tick: the warehouse went away: {reason_of(error)}; the next tick does what this one did not"
        return Ended(FAILED, lost)
    code = max((step.code for step in ended.values()), key=SEVERITY.index)
    lines = "; ".join(f"{name}: {step.line}" for name, step in ended.items())
    return Ended(code, f"tick: {'well' if code == FINE else 'NOT WELL'} in {perf_counter() - started:.1f} s: {lines}")


def _only_one(connection) -> bool:
    """Take the lock that one tick holds while it runs; it goes with the connection, so a killed tick leaves none."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(hashtext('ops.steps'))")
        return cursor.fetchone()[0]


def _logged(connection, steps: list[str], options: Options) -> dict[str, Ended]:
    ended = {}
    for name in steps:
        step_id = _opened(connection, name)
        ended[name] = _attempt(name, options)
        # Where the warehouse is gone the row stays open, which is what happened.
        with suppress(psycopg2.Error):
            _closed(connection, step_id, ended[name])
        if ended[name].code == NOTHING_TRIED:
            break
    return ended


def _attempt(name: str, options: Options) -> Ended:
    try:
        return STEPS[name](options)
    except SetupError as error:
        return Ended(NOTHING_TRIED, str(error))
    except Exception as error:
        # What nobody foresaw deserves its traceback; the later steps go on.
        traceback.print_exc()
        return Ended(FAILED, f"unexpected {type(error).__name__}: {error}")


def _opened(connection, step: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("insert into ops.steps (step) values (%s) returning step_id", (step,))
        return cursor.fetchone()[0]


def _closed(connection, step_id: int, ended: Ended) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "update ops.steps set finished_at = clock_timestamp(), exit_code = %s, message = %s where step_id = %s",
            (ended.code, ended.line, step_id),
        )
