"""How many come."""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import (
    DAYS_RANGE,
    HAPPENED,
    HOURS_RANGE,
    by_series,
    closed_and_open,
    closed_open_estimated,
    freshness,
    sign_ups_a_day,
    sign_ups_of_last_day,
)

SOURCES = ("google_analytics", "website")

ACQUISITION = Dashboard(
    uid="bd-acquisition",
    slug="acquisition",
    title="Acquisition",
    question="How many come, and is it more than the week before?",
    description=(
        "Visitors and sessions as Google Analytics tells, sign-ups and everything else that the website's database "
        "counts. It cannot say by which channel those who signed up had come: the two sources know no user in common."
    ),
    sources=SOURCES,
    default_days=90,
    panels=(
        sign_ups_of_last_day(
            id=1,
            question="How many came?",
            description=(
                "How many signed up on the last complete business day, the change to the same weekday a week before, "
                "and the target. Those deleted since the first read are counted, earlier ones can't be; today is not."
            ),
            width=8,
            height=8,
        ),
        sign_ups_a_day(id=2, width=16),
        Panel(
            id=8,
            title="Visitors and sessions a day",
            question="How many come to the website?",
            description=(
                "Users that were active on the website on each day, and their sessions, as Google Analytics tells. "
                "Google goes on counting for up to 72 hours: the last three days are drawn apart, and still grow. A "
                "visitor who comes on two days is in both, so days don't add up."
            ),
            kind="line",
            sql=f"""
select
    mart_acquisition.time,
    of_day.series,
    case when mart_acquisition.is_visits_complete then of_day.amount end as value,
    case when not mart_acquisition.is_visits_complete then of_day.amount end as open
from marts.mart_acquisition
cross join lateral (
    values
    ('sessions', mart_acquisition.sessions),
    ('visitors', mart_acquisition.visitors)
) as of_day (series, amount)
where of_day.amount is not null and {DAYS_RANGE}
order by mart_acquisition.time, of_day.series
""",
            grain="day",
            has_series=True,
            direction="up",
            restated="metric in ('website.active_users', 'website.sessions')",
            width=12,
            height=8,
        ),
        Panel(
            id=9,
            title="Sessions a day, by channel",
            question="Where do they come from?",
            description=(
                "Sessions of each day by Google's default channel group. The last three days still move: what is "
                "Unassigned at first finds its channel. Users can't be added up over channels, so they are not here."
            ),
            kind="stacked",
            sql=f"""
select
    time,
    channel as series,
    {closed_and_open("sessions")}
from marts.mart_acquisition_channels
where sessions is not null and {DAYS_RANGE}
order by time, channel
""",
            grain="day",
            has_series=True,
            direction="up",
            restated="metric = 'website.sessions'",
            width=12,
            height=8,
        ),
        Panel(
            id=10,
            title="Share of visitors who signed up, by day",
            question="Is the website convincing?",
            description=(
                "Sign-ups over the visitors of the same day. While Google still counts visitors, the share falls: "
                "those days are drawn apart, and today is left out. Who visits on one day and signs up on another is a "
                "visitor of both."
            ),
            kind="line",
            sql=f"""
select
    time,
    case when is_visits_complete then visitor_to_sign_up end as value,
    case when not is_visits_complete then visitor_to_sign_up end as open
from marts.mart_acquisition
where is_complete and visitor_to_sign_up is not null and {DAYS_RANGE}
order by time
""",
            unit="share",
            grain="day",
            direction="up",
            restated="metric = 'acquisition.visitor_to_sign_up'",
            width=12,
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
            restated="metric = 'objects.created'",
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
            sql=by_series("mart_daily", f"metric = 'objects.created' and {DAYS_RANGE}", closed_open_estimated("value")),
            grain="day",
            has_series=True,
            direction="up",
            restated="metric = 'objects.created'",
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
            sql=by_series("mart_daily", f"metric = 'objects.count' and {DAYS_RANGE}", closed_open_estimated("value")),
            grain="day",
            has_series=True,
            direction="up",
            restated="metric = 'objects.count'",
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
            restated="metric = 'objects.created'",
            width=24,
            height=8,
        ),
        freshness(7, SOURCES),
    ),
    annotations=(HAPPENED,),
)
