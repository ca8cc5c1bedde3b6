"""How many come."""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import (
    DAYS_RANGE,
    HAPPENED,
    HOURS_RANGE,
    RESTATED,
    closed_and_open,
    closed_open_estimated,
    freshness,
    last_days,
)

SOURCES = ("website",)

ACQUISITION = Dashboard(
    uid="bd-acquisition",
    slug="acquisition",
    title="Acquisition",
    question="How many come, and is it more than the week before?",
    description=(
        "Sign-ups, and everything else that the website's database counts. It cannot say where they came from, nor "
        "how many visitors did not sign up."
    ),
    sources=SOURCES,
    default_days=90,
    panels=(
        Panel(
            id=1,
            title="Sign-ups of the last complete day",
            question="How many came?",
            description=(
                "How many signed up on the last complete business day, the change to the same weekday a week before, "
                "and the target. Those deleted since are counted; today is not."
            ),
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
            width=8,
            height=8,
        ),
        Panel(
            id=2,
            title="Sign-ups a day",
            question="How many come, and is it more than the week before?",
            description=(
                "How many signed up on each business day, beside the same weekday of the week before and the target. "
                "Today is drawn paler: it is not over. Days before the first read are worked out from the rows that "
                "were left, a lower bound, and marked."
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
            width=16,
            height=8,
        ),
        Panel(
            id=3,
            title="Change of sign-ups to the week before",
            question="Is it getting better?",
            description=(
                "Each complete business day over the same weekday a week before, less one. Single days swing; days "
                "that are open, or whose week before is not complete, have none."
            ),
            kind="bars",
            sql=f"""
select
    time,
    change as value
from marts.mart_acquisition
where change is not null and {DAYS_RANGE}
order by time
""",
            unit="share",
            grain="day",
            direction="up",
            width=12,
            height=8,
        ),
        Panel(
            id=4,
            title="New objects a day, by kind",
            question="What else is made?",
            description=(
                "How many of each counted object of the website were made on each business day, those deleted since "
                "included. Days before the first read are a lower bound, and marked."
            ),
            kind="line",
            sql=f"""
select
    time,
    series,
    {closed_open_estimated("value")}
from marts.mart_daily
where metric = 'objects.created' and {DAYS_RANGE}
order by time, series
""",
            grain="day",
            has_series=True,
            direction="up",
            width=12,
            height=8,
        ),
        Panel(
            id=5,
            title="Objects that there are, by kind",
            question="How many have stayed?",
            description=(
                "The last count of each business day of each counted object of the website. Deleted ones are not in "
                "it. Days before the first read are a lower bound, and marked."
            ),
            kind="line",
            sql=f"""
select
    time,
    series,
    {closed_open_estimated("value")}
from marts.mart_daily
where metric = 'objects.count' and {DAYS_RANGE}
order by time, series
""",
            grain="day",
            has_series=True,
            direction="up",
            width=12,
            height=8,
        ),
        Panel(
            id=6,
            title="New objects an hour, by kind",
            question="When do they come?",
            description=(
                "How many of each counted object were made in each hour, at most the last 31 days of the range. An "
                "hour that was read and had none is 0; one that was not read is a gap."
            ),
            kind="line",
            sql=f"""
select
    time,
    series,
    {closed_and_open("value")}
from marts.mart_hourly
where metric = 'objects.created'
    and {HOURS_RANGE}
order by time, series
""",
            grain="hour",
            has_series=True,
            direction="up",
            width=12,
            height=8,
        ),
        freshness(7, SOURCES),
    ),
    annotations=(HAPPENED, RESTATED),
)
