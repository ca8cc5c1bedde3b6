"""How does the service run?"""

from dashboards.panels import Dashboard, Panel, Unit
from dashboards.shared import (
    DAYS_RANGE,
    HAPPENED,
    HOURS_RANGE,
    by_series,
    closed_and_open,
    freshness,
    last,
    service_by_day,
)

SOURCES = ("events", "prometheus", "spiders")


def _tile(id: int, metric: str, unit: Unit, title: str, description: str) -> Panel:
    return Panel(
        id=id,
        title=title,
        question="How is it now?",
        description=f"{description} The last complete hour, and those of the 7 days before.",
        kind="stat",
        sql=f"""
select
    time,
    value,
    target
from marts.mart_quality_of_service_hourly
where metric = '{metric}' and is_complete and {last(7)}
order by time
""",
        unit=unit,
        grain="hour",
        direction="down",
        width=6,
        height=6,
    )


def _hourly(id: int, metric: str, unit: Unit, title: str, description: str, kind: str = "line") -> Panel:
    return Panel(
        id=id,
        title=title,
        question="What happened, hour by hour?",
        description=(
            f"{description} At most the last 31 days of the range; the hours that may still change are drawn apart, "
            "and one that was not measured is a gap."
        ),
        kind=kind,
        sql=f"""
select
    time,
    {closed_and_open("value")},
    target
from marts.mart_quality_of_service_hourly
where metric = '{metric}' and {HOURS_RANGE}
order by time
""",
        unit=unit,
        grain="hour",
        direction="down",
        restated=f"metric = '{metric}'",
        width=12,
        height=8,
    )


def _daily(id: int, metric: str, unit: Unit, title: str, description: str) -> Panel:
    return Panel(
        id=id,
        title=title,
        question="Is it getting better?",
        description=f"{description} Of the whole business day, and never a mean of its hours; today is drawn apart.",
        kind="line",
        sql=service_by_day(metric),
        unit=unit,
        grain="day",
        direction="down",
        restated=f"metric = '{metric}'",
        width=12,
        height=8,
    )


FAILED = (
    "Requests that the servers failed to answer over all requests. What never reached them is in neither; it is what "
    "they say of themselves."
)
ANSWERED = (
    "The time in which 95 % of requests were answered, as Prometheus estimates it from its buckets. It can't be added "
    "up or averaged."
)

QUALITY = Dashboard(
    uid="bd-quality",
    slug="quality-of-service",
    title="Quality of Service",
    question="How does the service run?",
    description=(
        "What the servers and the spiders say of themselves: requests, failures, durations and targets. It cannot say "
        "what a user saw."
    ),
    sources=SOURCES,
    default_days=7,
    panels=(
        _tile(1, "http.error_ratio", "share", "Share of requests that failed", FAILED),
        _tile(2, "http.request_duration", "seconds", "95 % of requests answered within", ANSWERED),
        Panel(
            id=3,
            title="Error budget left",
            question="How much may still fail?",
            description=(
                "Of each target of a ratio, which share of the failures that it allows in its window is left: the "
                "last days up to this hour, or up to today. Below 0 it is overspent. What was not measured of the "
                "window is taken to be like what was."
            ),
            kind="gauge",
            sql="""
select
    series || ', ' || window_days || ' days by ' || grain as label,
    budget_left as value
from marts.mart_targets
where budget_left is not null
order by series, grain
""",
            unit="share",
            direction="up",
            thresholds=((None, "bad"), (0, "warning"), (0.25, "good")),
            follows_range=False,
            width=12,
            height=6,
        ),
        _hourly(4, "http.error_ratio", "share", "Share of requests that failed, by hour", FAILED),
        _daily(5, "http.error_ratio", "share", "Share of requests that failed, by day", FAILED),
        _hourly(6, "http.request_duration", "seconds", "95 % of requests answered within, by hour", ANSWERED),
        _daily(7, "http.request_duration", "seconds", "95 % of requests answered within, by day", ANSWERED),
        Panel(
            id=8,
            title="Requests an hour, by status",
            question="How much is asked of it?",
            description=(
                "HTTP requests that were answered with each status, at most the last 31 days of the range. Prometheus "
                "extrapolates them, so they are no whole numbers. The hours that may still change are drawn apart."
            ),
            kind="stacked",
            sql=by_series("mart_hourly", f"metric = 'http.requests' and {HOURS_RANGE}", closed_and_open("value")),
            grain="hour",
            has_series=True,
            restated="metric = 'http.requests'",
            width=12,
            height=9,
        ),
        Panel(
            id=9,
            title="How long events take, by hour",
            question="Is the work getting slower?",
            description=(
                "Within which time 50, 95 and 99 % of all events that have a duration were done, at most the last 31 "
                "days of the range. Exact to 1 %; those without a duration are left out."
            ),
            kind="line",
            sql=f"""
select
    time,
    statistic as series,
    {closed_and_open("value")}
from marts.mart_quality_of_service_hourly
where metric = 'events.duration' and {HOURS_RANGE}
order by time, statistic
""",
            unit="milliseconds",
            grain="hour",
            has_series=True,
            direction="down",
            width=12,
            height=9,
        ),
        Panel(
            id=10,
            title="Workers of the spiders, active and idle",
            question="Do the spiders work?",
            description=(
                "How many workers had something to do and how many had not, in the last report of each spider before "
                "the hour's end, at most the last 31 days of the range. A spider that said nothing is not in it."
            ),
            kind="stacked",
            sql=f"""
select
    time,
    case metric when 'spiders.active' then 'active' else 'idle' end as series,
    {closed_and_open("value")}
from marts.mart_quality_of_service_hourly
where metric in ('spiders.active', 'spiders.idle') and {HOURS_RANGE}
order by time, metric
""",
            grain="hour",
            has_series=True,
            restated="metric in ('spiders.active', 'spiders.idle')",
            width=12,
            height=8,
        ),
        Panel(
            id=11,
            title="Other ratios by day",
            question="What else goes right or wrong?",
            description=(
                "Each other ratio of the registry: crawls that failed, cache requests that found their preview. "
                "Numerator over denominator of the whole business day; today is drawn apart."
            ),
            kind="line",
            sql=f"""
select
    time,
    series,
    {closed_and_open("value")},
    target
from marts.mart_daily
where metric in ('events.crawl_failure_ratio', 'cache.hit_ratio') and {DAYS_RANGE}
order by time, series
""",
            unit="share",
            grain="day",
            has_series=True,
            restated="metric in ('events.crawl_failure_ratio', 'cache.hit_ratio')",
            width=12,
            height=8,
        ),
        Panel(
            id=12,
            title="Targets and whether they are kept",
            question="Are the targets kept?",
            description=(
                "Each target of seeds/targets.csv over its window, as of now. On target is the share of complete "
                "hours or days that met it. Only ratios have a budget and a burn rate; above 1 it will not last the "
                "window."
            ),
            kind="table",
            sql="""
select
    series as "what",
    grain,
    statistic,
    case direction when 'up' then 'at least' else 'at most' end as "should be",
    target,
    unit,
    window_days as "window (days)",
    measured_share as measured,
    on_target_share as "on target",
    budget_left as "budget left",
    burn_rate as "burn rate",
    owner
from marts.mart_targets
order by on_target_share nulls last, series, grain
""",
            units={"measured": "share", "on target": "share", "budget left": "share"},
            in_unit=("target",),
            follows_range=False,
            width=24,
            height=9,
        ),
        Panel(
            id=14,
            title="Targets at the last complete hour or day",
            question="Which targets are missed now?",
            description=(
                "Each target's last complete hour (of 2 days) or day (of 7), and whether it was met. An alert is of a "
                "day that missed, or of three hours in a row; but not of hours of a ratio, whose error budget by day "
                "tells of them."
            ),
            kind="table",
            sql="""
select
    series as "what",
    grain,
    statistic,
    time as "when",
    value,
    target,
    is_on_target as "on target",
    is_alarming as alert,
    unit,
    owner
from marts.mart_targets_latest
order by is_on_target, series, grain
""",
            in_unit=("value", "target"),
            follows_range=False,
            width=24,
            height=9,
        ),
        Panel(
            id=15,
            title="Days that missed a target",
            question="When was a target missed?",
            description=(
                "Complete business days of the range whose value was worse than the target that held then, newest "
                "first; at most 200. A day that was not measured is neither met nor missed."
            ),
            kind="table",
            sql=f"""
select
    date_day::text as day,
    series as "what",
    statistic,
    value,
    target,
    unit,
    owner
from marts.mart_targets_daily
where not is_on_target and {DAYS_RANGE}
order by day desc, series
limit 200
""",
            in_unit=("value", "target"),
            width=24,
            height=9,
        ),
        freshness(13, SOURCES),
    ),
    annotations=(HAPPENED,),
)
