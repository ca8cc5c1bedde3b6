"""python -m dashboards.explain METRIC AT [--json]: one number back to its rows; what ops.explain() says, for people.

Exit codes: 0 explained; 1 there is no such metric or period; 2 no warehouse, or dbt has never built.
"""

import argparse
import datetime as dt
import difflib
import json
import sys

import psycopg2
from rich.console import Console
from rich.table import Table
from rich.text import Text

from dashboards.latest import number
from ingest import warehouse
from ingest.errors import SetupError
from ingest.hours import business_timezone

EXPLAINED, UNKNOWN, NO_WAREHOUSE = 0, 1, 2
BAND = (("at least", "lower"), ("at most", "upper"))
COLUMNS = ("value", "target", "before", "after", "week_before")


def main(arguments: list[str] | None = None) -> int:
    """Print the explanation of one metric in one hour or business day; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m dashboards.explain", description="One number back to its rows.")
    parser.add_argument("metric", help="such as http.error_ratio")
    parser.add_argument("at", help="2026-11-02 is that day; 2026-11-02T09:00 that hour of business time")
    parser.add_argument("--json", action="store_true", help="print all of it as JSON")
    given = parser.parse_args(arguments)
    try:
        at, grain = instant(given.at)
        found = explanation(given.metric, at, grain)
    except LookupError as error:
        print(f"explain: {error.args[0]}", file=sys.stderr)
        return UNKNOWN
    except SetupError as error:
        print(f"explain: {error}", file=sys.stderr)
        return NO_WAREHOUSE
    if given.json:
        print(json.dumps(found, indent=2))
    else:
        show(found, Console(width=None if sys.stdout.isatty() else 140, highlight=False, markup=False))
    return EXPLAINED


def instant(text: str) -> tuple[dt.datetime, str]:
    """Return the instant that a text names, of business time where it names no zone, and its grain: hour or day.

    Raises LookupError where it names none.
    """
    try:
        at = dt.datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    except ValueError:
        raise LookupError(f"{text!r} is no time; write 2026-11-02 for a day, 2026-11-02T09:00 for an hour") from None
    grain = "day" if len(text.strip()) <= len("2026-11-02") else "hour"
    return at if at.tzinfo else at.replace(tzinfo=business_timezone()), grain


def explanation(metric: str, at: dt.datetime, grain: str) -> dict:
    """Return what ops.explain() says. Raises LookupError, which names the nearest metric, where there is none."""
    try:
        with warehouse.connect() as connection, connection.cursor() as cursor:
            cursor.execute("select ops.explain(%s, %s, %s)", (metric, at, grain))
            (found,) = cursor.fetchone()
            if found is None:
                cursor.execute("select metric from core.dim_metric order by metric")
                raise LookupError(_unknown(metric, [name for (name,) in cursor.fetchall()]))
            return found
    except (psycopg2.errors.UndefinedFunction, psycopg2.errors.InvalidSchemaName) as error:
        raise SetupError("there is no ops.explain(): run `dbt build`, which makes it") from error


def show(found: dict, console: Console) -> None:
    """Print an explanation for people: times in the business zone."""
    metric, start = found["metric"], _local(found["start_at"])
    when = start[:10] if found["grain"] == "day" else start
    console.print(Text.assemble((metric["metric"], "bold"), f", {found['grain']} {when} ({found['timezone']})"))
    console.print(f"  {metric['description']} ({metric['kind']}, {metric['unit']}, version {metric['version']})")
    console.print(f"  owner {metric['owner']}; {_freshness(found['freshness'])}")
    _show_values(found, console)
    _show_expected(found, console)
    _show_streams(found, console)
    _show_reads(found, console)
    _show_revisions(found, console)
    console.print("\nIts raw rows", style="bold")
    if found["closed_until"]:
        console.print(f"  dropped by `make prune`: its hours before {_local(found['closed_until'])} are closed")
        return
    for query in found["raw_rows"] or ["none: its source is not known to macro raw_rows"]:
        console.print(f"  {query};", soft_wrap=True)


def _show_values(found: dict, console: Console) -> None:
    unit = found["metric"]["unit"]
    if found["is_to_come"] or not found["series"]:
        console.print(f"\n  No value: {_why_none(found)}")
        return
    table = Table(box=None, header_style="bold", title="Values", title_justify="left", title_style="bold")
    for name in ("series", *(column.replace("_", " ") for column in COLUMNS), "complete", "flags"):
        table.add_column(name, justify="left" if name in ("series", "flags") else "right")
    for line in found["series"]:
        values = ("" if line[column] is None else number(line[column], unit) for column in COLUMNS)
        complete = {True: "yes", False: "no", None: ""}[line["is_complete"]]
        table.add_row(line["series"], *values, complete, ", ".join(line["flags"] or []))
    console.print("", table)
    if found["sides"]:
        metric, sides = found["metric"], found["sides"]
        above = f"{_side(metric, 'numerator')} {sides['numerator']:,.2f}"
        console.print(f"  = {above} / {_side(metric, 'denominator')} {sides['denominator']:,.2f}")


def _show_expected(found: dict, console: Console) -> None:
    console.print("\nExpected, by the weeks before", style="bold")
    unit = found["metric"]["unit"]
    for line in found["expected"]:
        ends = [f"{word} {number(line[name], unit)}" for word, name in BAND if line[name] is not None]
        band = f", {' and '.join(ends)}" if ends else ""
        reason = (line["reason"] or "as expected").replace("_", " ")
        odd = f"ANOMALY: {reason}" if line["reason"] else reason
        about = f"about {number(line['expected'], unit)}{band}"
        console.print(f"  {line['series']}: {odd}: {_value(line['value'], unit)} where {about}")
    if not found["expected"]:
        console.print("  not judged: it is not complete, has too little history or is a duration")


def _why_none(found: dict) -> str:
    if found["is_to_come"]:
        return f"this {found['grain']} is yet to come."
    if found["grain"] == "hour" and found["metric"]["day_from"] == "source":
        day = _local(found["start_at"])[:10]
        return f"its source reports it by day, and may have no hours; ask AT={day}"
    return "nothing was measured then; see below whether it was read."


def _show_streams(found: dict, console: Console) -> None:
    console.print("\nHow far it was read", style="bold")
    for stream in found["streams"] or []:
        read = f"last at {_local(stream['read_at'])}" if stream["read_at"] else "never"
        hours = f"{stream['hours_read']} of {stream['hours']} hours whole"
        console.print(f"  {stream['stream']}: {hours}, {read}; complete if read after {_local(stream['settled_at'])}")


def _show_reads(found: dict, console: Console) -> None:
    table = Table(box=None, header_style="bold", title="Reads that held it", title_justify="left", title_style="bold")
    for name in ("read", "stream", "of", "to", "started", "rows", "built"):
        table.add_column(name, justify="right" if name in ("read", "rows") else "left")
    for read in found["reads"]:
        times = (_local(read[name]) for name in ("period_start", "period_end", "started_at"))
        table.add_row(str(read["read_id"]), read["stream"], *times, f"{read['row_count'] or 0:,}", _built(read))
    if found["reads"]:
        console.print("", table)
    else:
        console.print("\nReads that held it", style="bold")
        console.print("  none")


def _built(read: dict) -> str:
    if read["is_closed"]:
        return "no: its hour was closed before (make prune)"
    return "yes" if read["is_built"] else "not yet"


def _show_revisions(found: dict, console: Console) -> None:
    console.print("\nRevisions", style="bold")
    for line in found["revisions"]:
        old, new = (_value(line[name], found["metric"]["unit"]) for name in ("old_value", "new_value"))
        console.print(f"  {_local(line['revised_at'])}  {line['series']}: {old} -> {new} ({line['reason']})")
    if not found["revisions"]:
        is_complete = any(line["is_complete"] for line in found["series"])
        console.print(f"  none{': it has not changed since it was complete' if is_complete else ''}")


def _value(value: float | None, unit: str) -> str:
    return "nothing" if value is None else number(value, unit)


def _side(metric: dict, side: str) -> str:
    labels = metric[f"{side}_labels"]
    return f"{metric[side]}{json.dumps(labels) if labels else ''}"


def _freshness(freshness: dict | None) -> str:
    if not freshness:
        return "freshness not known: its source is off, or the metric is retired"
    if freshness["age_minutes"] is None:
        return "never read"
    late = "fresh" if freshness["is_fresh"] else "LATE"
    return f"{late}: read {freshness['age_minutes']} min ago, promised every {freshness['fresh_minutes']}"


def _local(text: str) -> str:
    return f"{dt.datetime.fromisoformat(text).astimezone(business_timezone()):%Y-%m-%d %H:%M}"


def _unknown(metric: str, known: list[str]) -> str:
    close = difflib.get_close_matches(metric, known, n=1)
    hint = f"did you mean {close[0]}?" if close else "seeds/metrics.csv has them all"
    return f"there is no metric {metric!r}; {hint}"


if __name__ == "__main__":
    sys.exit(main())
