"""What the world may see: of mart_public, and of nothing else.

No variables and no annotations: Grafana refuses both in a dashboard that is shared with everybody.
"""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import DAYS_RANGE, last_days

PUBLIC = Dashboard(
    uid="bd-public",
    slug="public",
    title="Public",
    question="How large are we?",
    description=(
        "The metrics that the registry calls public, by complete business day. Today is not in it, and no number says "
        "who."
    ),
    sources=(),
    default_days=90,
    is_public=True,
    panels=(
        Panel(
            id=1,
            title="Users that there are",
            question="How many use it?",
            description="The last count of the last complete business day. Deleted ones are not in it.",
            kind="stat",
            sql=f"""
select
    time,
    value
from marts.mart_public
where metric = 'objects.count' and series = 'objects.count{{object=users}}'
    and {last_days(92)}
order by time
""",
            grain="day",
            direction="up",
            width=12,
            height=6,
        ),
        Panel(
            id=2,
            title="Pages crawled on the last complete day",
            question="How much does it do?",
            description="Pages that the spiders crawled on the last complete business day, and the days before.",
            kind="stat",
            sql=f"""
select
    time,
    value
from marts.mart_public
where metric = 'crawler.pages'
    and {last_days(31)}
order by time
""",
            grain="day",
            direction="up",
            width=12,
            height=6,
        ),
        Panel(
            id=3,
            title="Objects that there are, by kind",
            question="Does it grow?",
            description=(
                "The last count of each complete business day. Deleted ones are not in it. Days before the first "
                "count are worked out from what was left, a lower bound, and marked."
            ),
            kind="line",
            sql=f"""
select
    time,
    series,
    value,
    case when 'estimated' = any(flags) then value end as estimated
from marts.mart_public
where metric = 'objects.count' and {DAYS_RANGE}
order by time, series
""",
            grain="day",
            has_series=True,
            direction="up",
            width=12,
            height=9,
        ),
        Panel(
            id=4,
            title="Pages crawled a day",
            question="How much does it do?",
            description="Pages that the spiders crawled on each complete business day.",
            kind="bars",
            sql=f"""
select
    time,
    value
from marts.mart_public
where metric = 'crawler.pages' and {DAYS_RANGE}
order by time
""",
            grain="day",
            direction="up",
            width=12,
            height=9,
        ),
        Panel(
            id=5,
            title="All public numbers, last complete day of each",
            question="How fresh is it?",
            description=(
                "Each public metric with its last complete business day: it is as fresh as that. A series of which no "
                "day was complete in the last 92 days of the range is left out."
            ),
            kind="table",
            sql=f"""
select distinct on (label, series)
    label as metric,
    series,
    date_day::text as day,
    value,
    unit,
    array_to_string(flags, ', ') as flags
from marts.mart_public
where {last_days(92)}
order by label, series, date_day desc
""",
            in_unit=("value",),
            width=24,
            height=7,
        ),
    ),
)
