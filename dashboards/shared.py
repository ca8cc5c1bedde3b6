"""What several dashboards have: conditions, statements and panels, the state of their sources, what happened."""

from collections import defaultdict
from dataclasses import replace

from dashboards.panels import Annotation, Dashboard, Grain, Panel

# A day's time is reckoned from its date, so the facts' indexes know the date alone; a day more on both sides holds the
# business days of any zone.
DAYS_RANGE = "$__timeFilter(time) and date_day between $__timeFrom()::date - 1 and $__timeTo()::date + 1"
# At most the last 31 days of the range: a year of hours is 8,760 points a series, which no screen can show.
HOURS_RANGE = "$__timeFilter(time) and time > $__timeTo()::timestamptz - interval '31 days'"

HAPPENED = Annotation(
    name="What happened",
    sql="""
select time, text, tags
from marts.mart_annotations
where $__timeFilter(time)
order by time
""",
)


def marked(dashboard: Dashboard) -> Dashboard:
    """Return a dashboard with a mark on each panel for each day of which it draws a value that was restated."""
    groups = defaultdict(list)
    for panel in dashboard.panels:
        if panel.restated:
            groups[panel.restated, panel.grain].append(panel)
    marks = tuple(_restated(condition, grain, panels) for (condition, grain), panels in groups.items())
    return replace(dashboard, annotations=(*dashboard.annotations, *marks))


def _restated(condition: str, grain: Grain, panels: list[Panel]) -> Annotation:
    return Annotation(
        name=f"Restated: {panels[0].title}",
        sql=f"""
select time, text, tags
from marts.mart_restated
where ({condition}) and grain = '{grain}' and $__timeFilter(time)
order by time
""",
        panels=tuple(panel.id for panel in panels),
    )


def last(days: int) -> str:
    """Return the condition for the last days before the range's end, however short the range: a tile has a number."""
    return f"time between $__timeTo()::timestamptz - interval '{days} days' and $__timeTo()::timestamptz"


def last_days(days: int) -> str:
    """Return the same for a mart of days, whose date its indexes know."""
    return f"{last(days)} and date_day > $__timeTo()::date - {days + 2}"


def closed_and_open(value: str) -> str:
    """Return the columns of a value that may still grow: closed periods, and the open one apart."""
    return f"""case when is_complete then {value} end as value,
    case when not is_complete then {value} end as open"""


def closed_open_estimated(value: str) -> str:
    """Return the same, and again the values that were worked out later from what was left."""
    return f"""{closed_and_open(value)},
    case when 'estimated' = any(flags) then {value} end as estimated"""


def by_series(mart: str, condition: str, columns: str) -> str:
    """Return the statement for a panel over time with several series: `columns` of a mart, under a condition."""
    return f"""
select
    time,
    series,
    {columns}
from marts.{mart}
where {condition}
order by time, series
"""


def anomalies(of_hours: str, of_days: str) -> str:
    """Return the statement for what is not as expected, of both grains, each under its condition."""
    found = """
select
    time,
    '{grain}' as grain,
    series,
    reason,
    value,
    expected,
    lower as "at least",
    upper as "at most",
    unit,
    owner
from marts.{mart}
where {condition}
"""
    hours = found.format(grain="hour", mart="mart_anomalies_hourly", condition=of_hours)
    days = found.format(grain="day", mart="mart_anomalies_daily", condition=of_days)
    return f"{hours}union all{days}"


def service_by_day(metric: str) -> str:
    """Return the statement for a measure of how the service ran, by business day, beside its target."""
    return f"""
select
    time,
    {closed_and_open("value")},
    target
from marts.mart_quality_of_service_daily
where metric = '{metric}' and {DAYS_RANGE}
order by time
"""


def sign_ups_of_last_day(id: int, question: str, description: str, width: int, height: int) -> Panel:
    """Return the tile of the one metric that matters."""
    return Panel(
        id=id,
        title="Sign-ups of the last complete day",
        question=question,
        description=description,
        kind="stat",
        sql=f"""
select
    time,
    sign_ups as value,
    change,
    target
from marts.mart_acquisition
where is_complete and {last_days(31)}
order by time
""",
        grain="day",
        direction="up",
        width=width,
        height=height,
    )


def sign_ups_a_day(id: int, width: int) -> Panel:
    """Return the bars of the one metric that matters."""
    return Panel(
        id=id,
        title="Sign-ups a day",
        question="How many come, and is it more than the week before?",
        description=(
            "How many signed up on each business day, beside the same weekday of the week before and the target. "
            "Today is drawn paler: it is not over. Days before the first read are worked out from the rows that were "
            "left, a lower bound, and marked."
        ),
        kind="bars",
        sql=f"""
select
    time,
    {closed_open_estimated("sign_ups")},
    sign_ups_week_before as before,
    target
from marts.mart_acquisition
where {DAYS_RANGE}
order by time
""",
        grain="day",
        direction="up",
        restated="metric = 'objects.created'",
        width=width,
        height=8,
    )


def freshness(id: int, sources: tuple[str, ...]) -> Panel:
    """Return the panel that says how fresh the sources of a dashboard are."""
    names = ", ".join(f"'{source}'" for source in sources)
    return Panel(
        id=id,
        title="Sources behind these numbers",
        question="May I believe the last hours?",
        description=(
            "How each source stands now: fresh, late (its latest read is older than its metrics may be), failed (its "
            "latest run did), never read or off. It says whether the source was read, not whether it had anything."
        ),
        kind="state",
        sql=f"""
select
    source as label,
    state,
    complete_until,
    age_minutes
from ops.sources
where source in ({names})
order by source
""",
        unit="minutes",
        follows_range=False,
        width=24,
        height=3,
    )
