"""Who comes back?"""

from dashboards.panels import Dashboard, Grain, Panel
from dashboards.shared import HAPPENED, closed_and_open, freshness, last

SOURCES = ("events",)
WEEKS = range(13)

COHORTS = "".join(f',\n    max(share_active) filter (where week_number = {week}) as "{week}"' for week in WEEKS)


def _active_users(grain: Grain) -> str:
    return f"""
select
    time,
    {closed_and_open("active_users")}
from marts.mart_active_users
where grain = '{grain}' and stream = 'events.events' and $__timeFilter(time)
order by time
"""


def _active_tile(id: int, grain: Grain, days: int) -> Panel:
    return Panel(
        id=id,
        title=f"Users active in the last complete {grain}",
        question="How many are there?",
        description=(
            f"Users who did something in the {grain}, each counted once, and the {grain}s before it. Events without a "
            "user count nobody."
        ),
        kind="stat",
        sql=f"""
select
    time,
    active_users as value
from marts.mart_active_users
where grain = '{grain}'
    and stream = 'events.events'
    and is_complete
    and {last(days)}
order by time
""",
        grain=grain,
        direction="up",
        width=8,
        height=5,
    )


RETENTION = Dashboard(
    uid="bd-retention",
    slug="retention",
    title="Retention",
    question="Who comes back?",
    description=(
        "Users by the week of their first event, and which of them were active in the weeks after. It cannot say who "
        "came before the first event that was read: the first cohort holds them too."
    ),
    sources=SOURCES,
    default_days=90,
    panels=(
        _active_tile(1, "day", 31),
        _active_tile(2, "week", 92),
        _active_tile(7, "month", 366),
        Panel(
            id=8,
            title="Users active a day",
            question="Are there more?",
            description=(
                "Users who did something on each business day, each counted once: days don't add up to weeks. Today "
                "is drawn apart: it is not over. Events without a user count nobody."
            ),
            kind="line",
            sql=_active_users("day"),
            grain="day",
            direction="up",
            width=12,
            height=8,
        ),
        Panel(
            id=9,
            title="Users active a week",
            question="Are there more?",
            description=(
                "Users who did something in each week from Monday to Sunday, each counted once. This week, and one of "
                "which a day was not read whole, are drawn paler."
            ),
            kind="bars",
            sql=_active_users("week"),
            grain="week",
            direction="up",
            width=12,
            height=8,
        ),
        Panel(
            id=3,
            title="Share of each week's new users who were active in the weeks after",
            question="Do they come back, week by week?",
            description=(
                "A row is the users whose first active week it was; a column is how many weeks later; a cell their "
                "share who were active then, however often. Week 0 is their first, in which all are. Empty cells are "
                "weeks that are not complete: too young is not low."
            ),
            kind="cohorts",
            sql=f"""
select
    time as cohort,
    max(cohort_users) as users{COHORTS}
from marts.mart_retention
where $__timeFilter(time)
group by time
having count(share_active) > 0
order by time
""",
            unit="share",
            units={"users": "count"},
            grain="week",
            direction="up",
            width=24,
            height=13,
        ),
        Panel(
            id=4,
            title="Share of users active after 0 to 12 weeks",
            question="How fast do they stop?",
            description=(
                "Users of all cohorts that are old enough, whatever range is looked at: how many of them were active "
                "that many weeks after their first. Later weeks are of fewer cohorts."
            ),
            kind="gauge",
            sql="""
select
    'week ' || week_number as label,
    share_active as value
from marts.mart_retention_curve
order by week_number
""",
            unit="share",
            follows_range=False,
            width=12,
            height=10,
        ),
        Panel(
            id=5,
            title="Share back after 1 and after 4 weeks, by week of the first event",
            question="Is it getting better?",
            description=(
                "Of the users of each cohort, the share who were active 1 week and 4 weeks after their first. A line "
                "ends where its cohorts are too young."
            ),
            kind="line",
            sql="""
select
    time,
    'after ' || week_number || case week_number when 1 then ' week' else ' weeks' end as series,
    share_active as value
from marts.mart_retention
where week_number in (1, 4) and share_active is not null and $__timeFilter(time)
order by time, week_number
""",
            unit="share",
            grain="week",
            has_series=True,
            direction="up",
            width=12,
            height=10,
        ),
        freshness(6, SOURCES),
    ),
    annotations=(HAPPENED,),
)
