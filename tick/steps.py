"""The steps of a tick: each does its work and returns an exit code and a line for people."""

import os
from contextlib import closing, redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import psycopg2

from ingest import settings, warehouse
from ingest.errors import SetupError, SourceError, reason_of
from ingest.project import ROOT
from tick import project
from tick.dbt_runner import invoke
from tick.ended import FAILED, FINE, Ended

# Where the site goes: a web server's folder, where one serves it.
SITE = Path(os.environ.get("SITE_FOLDER", ROOT / "site"))


class Options(NamedTuple):
    """What the command line asked of the steps."""

    ingest: tuple[str, ...] = ()  # arguments of python -m ingest
    is_dry_run: bool = False  # of notify
    is_test: bool = False  # of notify


def ingest(options: Options) -> Ended:
    """Read the sources into raw, in the demo after it has lived on; the line names those that were not read."""
    from ingest.__main__ import exit_code, outcomes

    let_the_demo_live()
    found = outcomes(list(options.ingest), is_quiet=True)
    bad = [f"{one.source} {one.outcome} ({one.message})" for one in found if one.outcome not in ("ok", "off")]
    good = [one.source for one in found if one.outcome == "ok"]
    return Ended(exit_code(found), "; ".join([*bad, f"read {', '.join(good) or 'nothing'}"]))


def build(_: Options) -> Ended:
    """Make facts and marts of what was read (dbt build); the line names what failed.

    Where the project is as it was last built, only what has rows of its own; where that fails, all.
    """
    built = project.fingerprint(ROOT)
    with closing(warehouse.connect()) as connection:
        ended = _build(project.WITH_ROWS) if project.is_built(connection, built) else None
        connection.rollback()
        if ended is None or ended.code != FINE:
            ended = _build()
        if ended.code == FINE:
            project.mark_built(connection, built)
    return ended


def _build(chosen: tuple[str, ...] = ()) -> Ended:
    """Run dbt build on the chosen nodes, all where none is. Unit tests hold code, no data."""
    # That test is for whoever runs dbt alone: here ingest has told it.
    others = ["--exclude-resource-type", "unit_test", "--exclude", "every_source_was_read"]
    command = ["--log-level", "none", "--no-write-json", "build", *others, *chosen]
    result = invoke(*command, project=ROOT)
    if result.exception:
        return Ended(FAILED, f"dbt: {_reason(result.exception)}")
    failed = [one for one in result.result if one.status in ("error", "fail", "runtime error")]
    if failed:
        lines = "; ".join(f"{one.node.name}: {_reason(one.message)}" for one in failed)
        return Ended(FAILED, f"{len(failed)} of {len(result.result)} failed: {lines}; see logs/dbt.log")
    warned = [one.node.name for one in result.result if one.status == "warn"]
    warnings = f", warnings: {', '.join(warned)}" if warned else ""
    return Ended(FINE, f"{len(result.result)} nodes{warnings}")


def freshness(_: Options) -> Ended:
    """Hold each metric's age against its promise (ops.freshness); the line names those that are late."""
    query = """
        select metric, age_minutes, fresh_minutes
        from ops.freshness
        where not is_fresh
        order by metric
    """
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('ops.freshness')")
        if cursor.fetchone()[0] is None:
            return Ended(FAILED, "there is no ops.freshness: dbt build has never succeeded")
        cursor.execute(query)
        late = cursor.fetchall()
    if not late:
        return Ended(FINE, "all fresh")
    lines = ", ".join(f"{metric} ({_age(age)}, promised {promised} min)" for metric, age, promised in late)
    return Ended(FAILED, f"{len(late)} late: {lines}")


def site(_: Options) -> Ended:
    """Write the static copy of the dashboards anew; the line is where it is."""
    from dashboards.site.__main__ import main

    with redirect_stdout(StringIO()) as printed, redirect_stderr(printed):
        code = main(["--into", str(SITE)])
    return Ended(FAILED if code else FINE, printed.getvalue().strip().removeprefix("site: "))


def notify(options: Options) -> Ended:
    """Tell people what came and what went of ops.alerts."""
    from tick.notify import notify, send_test

    return send_test() if options.is_test else notify(options.is_dry_run)


def let_the_demo_live() -> None:
    """Let the demo company live on, and do nothing for another; where it can't, its sources say what is wrong."""
    if settings.company() != settings.DEMO_COMPANY:
        return
    from demo.__main__ import live, start_api

    try:
        with redirect_stdout(StringIO()):
            start_api()
            live()
    except (SetupError, SourceError, psycopg2.Error) as error:
        print(f"demo: {reason_of(error)}; going on without it")


def _reason(text: object) -> str:
    """Return what dbt says is wrong: its first line names the kind and the file, the second one the reason."""
    lines = [line.strip() for line in str(text).splitlines() if line.strip()]
    return ": ".join(lines[:2])


def _age(minutes: int | None) -> str:
    return "never read" if minutes is None else f"{minutes} min old"
