"""The first screen: is the business well, and may these numbers be believed?"""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import (
    HAPPENED,
    anomalies,
    freshness,
    last,
    last_days,
    service_by_day,
    sign_ups_a_day,
    sign_ups_of_last_day,
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
        sign_ups_of_last_day(
            id=1,
            question="Is the one metric that matters on target?",
            description=(
                "How many signed up on the last complete business day, the change to the same weekday a week before, "
                "and the target of seeds/targets.csv. Those deleted since the first read are counted, earlier ones "
                "can't be; today is not."
            ),
            width=9,
            height=7,
        ),
        Panel(
            id=7,
            title="Acquisition: visitors of a day",
            question="Do they come?",
            description=(
                "Users that were active on the website, as Google Analytics tells, on the last day that is complete: "
                "Google goes on counting for up to 72 hours."
            ),
            kind="stat",
            sql=f"""
select
    time,
    visitors as value,
    visitors_change as change
from marts.mart_acquisition
where is_visits_complete and visitors is not null and {last_days(31)}
order by time
""",
            grain="day",
            direction="up",
            width=5,
            height=7,
        ),
        Panel(
            id=2,
            title="Activation: first API key within 7 days",
            question="Do those who come get going?",
            description=(
                "Share of those who signed up on a day who made their first API key within 7 times 24 hours. The last "
                "day that is old enough; younger ones are left out, not taken for 0."
            ),
            kind="stat",
            sql=f"""
select
    time,
    share_7_days as value,
    change_7_days as change
from marts.mart_activation
where share_7_days is not null and {last(31)}
order by time
""",
            unit="share",
            grain="day",
            direction="up",
            width=5,
            height=7,
        ),
        Panel(
            id=3,
            title="Retention: back in the week after the first",
            question="Do they come back?",
            description=(
                "Share of the users whose first active week it was who were active in the next week too. The last "
                "cohort whose next week is complete. Users without an id can't be followed."
            ),
            kind="stat",
            sql=f"""
select
    time,
    share_active as value,
    change
from marts.mart_retention
where week_number = 1
    and share_active is not null
    and {last(92)}
order by time
""",
            unit="share",
            grain="week",
            direction="up",
            width=5,
            height=7,
        ),
        sign_ups_a_day(id=4, width=12),
        Panel(
            id=5,
            title="Share of requests that failed, by day",
            question="Is the service well?",
            description=(
                "Requests that the servers failed to answer over all requests of the business day, beside the target. "
                "It is what the servers say of themselves: a request that never arrived is in neither."
            ),
            kind="line",
            sql=service_by_day("http.error_ratio"),
            unit="share",
            grain="day",
            direction="down",
            restated="metric = 'http.error_ratio'",
            width=12,
            height=8,
        ),
        Panel(
            id=8,
            title="Not as expected in the last 7 days",
            question="Which numbers should somebody look at?",
            description=(
                "Complete hours and days, of any metric, whose value lies outside the band of the same hours of the "
                "weeks before, is missing or drifts (docs/anomalies.md). A question, not a fault: a deploy or a "
                "campaign may explain it. Nothing is said where there is too little history, nor of durations."
            ),
            kind="table",
            sql=f"""
select
    time as "when",
    grain,
    series as "what",
    reason,
    value,
    expected,
    "at least",
    "at most",
    unit,
    owner
from (
{anomalies(last(7), last_days(7)).strip()}
) as found
order by "when" desc, "what"
limit 200
""",
            in_unit=("value", "expected", "at least", "at most"),
            width=24,
            height=8,
        ),
        freshness(6, SOURCES),
    ),
    annotations=(HAPPENED,),
)
