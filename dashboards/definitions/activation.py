"""Do those who come get going?"""

from dashboards.panels import Dashboard, Panel
from dashboards.shared import (
    DAYS_RANGE,
    HAPPENED,
    by_series,
    closed_and_open,
    freshness,
    last,
)

SOURCES = ("events", "website")
WINDOWS = {"1_day": "1 day", "7_days": "7 days", "30_days": "30 days"}


def _tile(id: int, window: str) -> Panel:
    within = WINDOWS[window]
    return Panel(
        id=id,
        title=f"Activated within {within}",
        question="Do those who come get going?",
        description=(
            f"Share of those who signed up on a day who made their first API key within {within} of 24 hours. The last "
            "day of sign-ups that is old enough; younger ones are left out, not taken for 0. The line is the days "
            "before."
        ),
        kind="stat",
        sql=f"""
select
    time,
    share_{window} as value,
    change_{window} as change,
    max(date_day) over ()::text as day
from marts.mart_activation
where share_{window} is not null
    and {last(62)}
order by time
""",
        unit="share",
        grain="day",
        has_day=True,
        direction="up",
        width=6,
        height=5,
    )


ACTIVATION = Dashboard(
    uid="bd-activation",
    slug="activation",
    title="Activation",
    question="Do those who come get going?",
    description=(
        "What share of the sign-ups of a day make their first API key (the var activation_object) within 1, 7 and 30 "
        "days. It cannot say whether they went on, nor does it know those who were deleted before the first read."
    ),
    sources=SOURCES,
    default_days=90,
    panels=(
        _tile(1, "1_day"),
        _tile(2, "7_days"),
        _tile(3, "30_days"),
        Panel(
            id=4,
            title="Sign-ups of the last complete day",
            question="How many came?",
            description="How many signed up on the last complete business day, and the days before it.",
            kind="stat",
            sql=f"""
select
    time,
    sign_ups as value
from marts.mart_activation
where is_complete and {last(31)}
order by time
""",
            grain="day",
            direction="up",
            width=6,
            height=5,
        ),
        Panel(
            id=5,
            title="Share activated within 1, 7 and 30 days, by day of sign-up",
            question="Is it getting better?",
            description=(
                "Of those who signed up on each business day, the share who made their first API key within 1, 7 and "
                "30 times 24 hours. A line ends where its days are too young: too young is not low. Sign-ups without "
                "a user_id can't be followed, and are in neither side."
            ),
            kind="line",
            sql="""
select
    activation.time,
    shares.series,
    shares.value
from marts.mart_activation as activation
cross join lateral (
    values
    ('within 1 day', activation.share_1_day),
    ('within 7 days', activation.share_7_days),
    ('within 30 days', activation.share_30_days)
) as shares (series, value)
where shares.value is not null and $__timeFilter(activation.time)
order by activation.time, shares.series
""",
            unit="share",
            grain="day",
            has_series=True,
            direction="up",
            width=16,
            height=9,
        ),
        Panel(
            id=6,
            title="From sign-up to first API key",
            question="Where are they lost?",
            description=(
                "How many of those who signed up made their first API key within 1, 7 and 30 days: the last 30 days "
                "of sign-ups that are old enough for all three, whatever range is looked at."
            ),
            kind="gauge",
            sql="""
select
    step as label,
    users as value
from marts.mart_activation_funnel
order by step_number
""",
            follows_range=False,
            width=8,
            height=9,
        ),
        Panel(
            id=7,
            title="Events a day, by type",
            question="What do they do?",
            description=(
                "How many events of each type occurred on each business day, of all users, new or not. Those without "
                "a type are not named. Today is drawn apart: it is not over."
            ),
            kind="stacked",
            sql=by_series("mart_daily", f"metric = 'events.count' and {DAYS_RANGE}", closed_and_open("value")),
            grain="day",
            has_series=True,
            direction="up",
            restated="metric = 'events.count'",
            width=24,
            height=8,
        ),
        freshness(8, SOURCES),
    ),
    annotations=(HAPPENED,),
)
