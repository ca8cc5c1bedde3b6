"""python -m dashboards.latest: the last complete hour of every series, and its change to the week before."""

import sys

from rich.console import Console
from rich.table import Table

from ingest import warehouse
from ingest.errors import SetupError
from ingest.hours import business_timezone

# What the pipeline measures of itself is on Pipeline health.
QUERY = """
select series, time, value, unit, change, flags
from marts.mart_latest
where metric not like 'pipeline.%'
order by metric, series
"""


def main() -> int:
    """Print the table; returns the exit code."""
    try:
        with warehouse.connect() as connection, connection.cursor() as cursor:
            cursor.execute(QUERY)
            rows = cursor.fetchall()
    except SetupError as error:
        print(f"latest: {error}", file=sys.stderr)
        return 2
    # What stands in brackets is a series' own, and no markup.
    Console(width=None if sys.stdout.isatty() else 110, markup=False).print("", table(rows))
    return 0


def table(rows: list[tuple]) -> Table:
    """Return rows of QUERY as a table for a terminal; times in the business zone."""
    zone = business_timezone()
    found = Table(box=None, header_style="bold", title=f"Last complete hours ({zone.key})", title_justify="left")
    found.add_column("metric", no_wrap=True)
    for name in ("hour", "value"):
        found.add_column(name, justify="right", no_wrap=True)
    found.add_column("unit", no_wrap=True)
    found.add_column("week on week", justify="right", no_wrap=True)
    found.add_column("", no_wrap=True)
    for series, at, value, unit, change, flags in rows:
        found.add_row(
            series,
            f"{at.astimezone(zone):%Y-%m-%d %H:%M}",
            number(value, unit),
            "" if unit == "ratio" else unit,
            "" if change is None else f"{change:+.1%}",
            ", ".join(flag for flag in flags if flag in ("estimated", "no_rows")),
        )
    return found


def number(value: float, unit: str) -> str:
    """Return a value as people write it: ratios in percent, counts with thousands."""
    if unit == "ratio":
        return f"{value:.1%}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"


if __name__ == "__main__":
    sys.exit(main())
