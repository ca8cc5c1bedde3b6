"""The first screen: is the business well, and may these numbers be believed?"""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import (
    DAYS_RANGE,
    HAPPENED,
    RESTATED,
    closed_and_open,
    closed_open_estimated,
    freshness,
    last_days,
)

SOURCES = ("events", "google_analytics", "prometheus", "website")

OVERVIEW = Dashboard(
    uid="bd-overview",
    slug="overview",
    title="Overview",
    question="Is the business well?",
    description=(
        "The one metric that matters beside its target, one tile for each pirate metric that has a source, and how "
        "fresh the sources are. Revenue and referral have none here, so they have no tile."
    ),
    sources=SOURCES,
    default_days=30,
    panels=(
        Panel(
            id=1,
            title="Sign-ups of the last complete day",
            question="Is the one metric that matters on target?",
            description=(
                "How many signed up on the last complete business day, the change to the same weekday a week before, "
                "and the target of seeds/targets.csv. Those deleted since are counted; today is not."
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
            width=9,
            height=7,
        ),
        Panel(
            id=7,
            title="Acquisition: new users of a week",
            question="Do they come?",
            description=(
                "Users that Google Analytics saw for the first time, in the last week that is complete: Google goes on "
                "counting for up to 72 hours. The change to the week before, and the days' targets added up."
            ),
            kind="stat",
            sql="""
select
    time,
    value,
    change,
    target
from marts.mart_pirate_metrics
where stage = 'acquisition'
    and value is not null
    and is_complete
    and time between $__timeTo()::timestamptz - interval '92 days' and $__timeTo()::timestamptz
order by time
""",
            grain="week",
            direction="up",
            width=5,
            height=7,
        ),
        Panel(
            id=2,
            title="Activation: sign-ups that activated",
            question="Do those who come get going?",
            description=(
                "How many of those who signed up in a week made their first API key within 7 times 24 hours. The last "
                "week whose sign-ups have all had that long; younger ones are left out, not taken for 0."
            ),
            kind="stat",
            sql="""
select
    time,
    value,
    change,
    target
from marts.mart_pirate_metrics
where stage = 'activation'
    and value is not null
    and is_complete
    and time between $__timeTo()::timestamptz - interval '92 days' and $__timeTo()::timestamptz
order by time
""",
            grain="week",
            direction="up",
            width=5,
            height=7,
        ),
        Panel(
            id=3,
            title="Retention: users who came back",
            question="Do they come back?",
            description=(
                "How many of the users whose first active week was the one before were active in this week. The last "
                "complete week. Users without an id can't be followed."
            ),
            kind="stat",
            sql="""
select
    time,
    value,
    change,
    target
from marts.mart_pirate_metrics
where stage = 'retention'
    and value is not null
    and is_complete
    and time between $__timeTo()::timestamptz - interval '92 days' and $__timeTo()::timestamptz
order by time
""",
            grain="week",
            direction="up",
            width=5,
            height=7,
        ),
        Panel(
            id=4,
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
            width=12,
            height=8,
        ),
        Panel(
            id=5,
            title="Share of requests that failed, by day",
            question="Is the service well?",
            description=(
                "Requests that the servers failed to answer over all requests of the business day, beside the target. "
                "It is what the servers say of themselves: a request that never arrived is in neither."
            ),
            kind="line",
            sql=f"""
select
    time,
    {closed_and_open("value")},
    target
from marts.mart_quality_of_service_daily
where metric = 'http.error_ratio' and {DAYS_RANGE}
order by time
""",
            unit="share",
            grain="day",
            direction="down",
            width=12,
            height=8,
        ),
        freshness(6, SOURCES),
    ),
    annotations=(HAPPENED, RESTATED),
)
