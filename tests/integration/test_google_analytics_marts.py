"""The marts of Google Analytics against hand-written SQL over raw: two weeks whose Sundays have 23 and 25 hours."""

import datetime as dt
from collections import Counter

from tests.conftest import EVENTS, WEBSITE

UTC = dt.timezone.utc
NOW = dt.datetime(2026, 10, 27, 12, tzinfo=UTC)
# From Monday to Sunday; what Google says of a day has settled 72 hours after its end: up to Friday of the second.
WEEKS = ("2026-03-23", "2026-10-19")
RAW = """
    insert into raw.google_analytics_days (stream, metric, labels, date_day, value, is_estimated)
    select 'google_analytics.channels', metric, jsonb_build_object('channel', channel), monday + day,
        (hashtext(metric || channel || (monday + day)::text) & 1023) / 8.0, channel = '(other)' and day = 3
    from unnest(%(weeks)s::date[]) as weeks (monday), generate_series(0, 6) as days (day),
        unnest(array['Direct', 'Organic Search', '(other)']) with ordinality as channels (channel, number),
        unnest(array[
            'website.sessions', 'website.new_users', 'website.page_views', 'website.key_events',
            'website.channel_active_users'
        ]) as metrics (metric)
    where mod(day, number) = 0;

    insert into raw.google_analytics_days (stream, metric, labels, date_day, value, is_estimated)
    select 'google_analytics.users', metric, '{}', monday + day, 10 + day, false
    from unnest(%(weeks)s::date[]) as weeks (monday), generate_series(0, 6) as days (day),
        unnest(array['website.active_users', 'website.active_users_7_days', 'website.unknown']) as metrics (metric);

    insert into raw.google_analytics_hours (stream, metric, labels, hour_at, value, is_estimated)
    select 'google_analytics.hours', metric, '{}', hour_at, (hashtext(hour_at::text) & 1023) / 7.0, false
    from unnest(%(weeks)s::date[]) as weeks (monday),
        generate_series(
            monday::timestamp at time zone 'Europe/Paris',
            (monday + 7)::timestamp at time zone 'Europe/Paris' - interval '1 hour',
            '1 hour'
        ) as hours (hour_at),
        unnest(array['website.hourly_sessions', 'website.hourly_page_views', 'website.odd']) as metrics (metric)
    where extract(hour from hour_at) <> 3 or metric = 'website.hourly_sessions';
"""
READS = """
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at)
    select 'google_analytics', 'google_analytics.' || report, monday::timestamp at time zone 'Europe/Paris',
        (monday + 7)::timestamp at time zone 'Europe/Paris', %(now)s, clock_timestamp()
    from unnest(%(weeks)s::date[]) as weeks (monday), unnest(array['channels', 'users', 'hours']) as reports (report)
"""
# Values change, a channel's day goes, a day goes whole; not all of it had settled.
RESTATED = """
    update raw.google_analytics_days set value = value + 1 where date_day in ('2026-03-24', '2026-10-25');
    delete from raw.google_analytics_days
    where (date_day = '2026-03-29' and labels ->> 'channel' = 'Direct') or date_day = '2026-10-21';
    update raw.google_analytics_hours set value = 0.5 where hour_at = '2026-10-25 00:00+00';
"""
DAYS_READ = """
    select monday + day as date_day
    from unnest(%(weeks)s::date[]) as weeks (monday), generate_series(0, 6) as days (day)
"""
HAS_SETTLED = "(date_day + 1)::timestamp at time zone 'Europe/Paris' + interval '72 hours' <= %(now)s"
# What a mart shows, and what plain SQL says of raw: a channel has no row before its first day, and zeros after it.
PLAIN = {
    """
        select date_day, channel, sessions, new_users, page_views, key_events, is_complete,
            'no_rows' = any(flags), 'estimated' = any(flags)
        from marts.mart_acquisition_channels
    """: f"""
        with days as ({DAYS_READ}),
        channels as (
            select labels ->> 'channel' as channel, min(date_day) as first_day
            from raw.google_analytics_days where labels ? 'channel' group by channel
        )
        select date_day, channel,
            coalesce(sum(value) filter (where metric = 'website.sessions'), 0),
            coalesce(sum(value) filter (where metric = 'website.new_users'), 0),
            coalesce(sum(value) filter (where metric = 'website.page_views'), 0),
            coalesce(sum(value) filter (where metric = 'website.key_events'), 0),
            {HAS_SETTLED}, count(value) = 0, coalesce(bool_or(is_estimated), false)
        from days
        inner join channels on date_day >= first_day
        left join (select *, labels ->> 'channel' as channel from raw.google_analytics_days) as rows
            using (date_day, channel)
        group by date_day, channel
    """,
    """
        select date_day, round(sum(sessions_share)::numeric, 12) from marts.mart_acquisition_channels group by date_day
    """: f"""
        select date_day, case when exists (
            select from raw.google_analytics_days as rows where rows.date_day = days.date_day
        ) then 1 end
        from ({DAYS_READ}) as days
    """,
    """
        select date_day, sessions, new_users, visitors, is_visits_complete
        from marts.mart_acquisition where sessions is not null
    """: f"""
        select date_day,
            coalesce(sum(value) filter (where metric = 'website.sessions'), 0),
            coalesce(sum(value) filter (where metric = 'website.new_users'), 0),
            max(value) filter (where metric = 'website.active_users'),
            {HAS_SETTLED}
        from ({DAYS_READ}) as days
        left join raw.google_analytics_days using (date_day)
        group by date_day
    """,
    """
        select date_day, metric, labels ->> 'channel', value, is_complete
        from marts.mart_daily where metric like 'website.%%active_users%%'
    """: f"""
        select date_day, metric, labels ->> 'channel', value, {HAS_SETTLED}
        from raw.google_analytics_days where metric like 'website.%%active_users%%'
    """,
    """
        select date_day, metric, value, hours_observed, hours_expected
        from core.fct_metric_daily where metric like 'website.hourly_%%'
    """: """
        select (hour_at at time zone 'Europe/Paris')::date as date_day, metric, sum(value order by hour_at), count(*),
            case (hour_at at time zone 'Europe/Paris')::date
                when '2026-03-29' then 23
                when '2026-10-25' then 25
                else 24
            end
        from raw.google_analytics_hours
        where metric like 'website.hourly_%%'
        group by date_day, metric
    """,
    "select week, value from marts.mart_pirate_metrics where stage = 'acquisition' and value is not null": """
        select date_trunc('week', date_day::timestamp)::date as week, sum(value)
        from raw.google_analytics_days
        where metric = 'website.new_users'
        group by week
    """,
    "select metric, date, value from marts.daily_value where metric like 'analytics.%%'": f"""
        select 'analytics.new_sessions', date_day, coalesce(sum(value), 0)
        from ({DAYS_READ}) as days
        left join raw.google_analytics_days as rows using (date_day)
        where coalesce(metric, 'website.new_users') = 'website.new_users' and {HAS_SETTLED}
        group by date_day
        union all
        select 'analytics.users', date_day, value
        from raw.google_analytics_days where metric = 'website.active_users' and {HAS_SETTLED}
    """,
}
PARAMETERS = {"weeks": list(WEEKS), "now": NOW}


def check_against_plain_sql(company) -> None:
    """Every number of the marts, to the digit."""
    for mart, plain in PLAIN.items():
        shown, reckoned = Counter(company.rows(mart, PARAMETERS)), Counter(company.rows(plain, PARAMETERS))
        assert len(shown) > 1
        assert shown == reckoned, mart


def test_the_marts_are_what_plain_sql_says_of_raw(company):
    """Built once, and once more after Google has restated; what had settled leaves its revision."""
    company.now = NOW
    company.set(SOURCES__EVENTS__START_AT="2026-03-22T23:00Z")
    signed_up = (
        "2026-03-20 08:00Z",
        "2026-03-25 08:00Z",
        "2026-03-25 22:59Z",
        "2026-03-29 21:59Z",
        "2026-10-25 22:30Z",
    )
    for number, at in enumerate(signed_up):
        company.execute("insert into apercite_account_user (id, created_at) values (%s, %s)", (number, at), WEBSITE)
    key = "insert into apercite_account_apikey (id, user_id, created_at) values (%s, %s, %s)"
    company.execute(key, (1, 1, "2026-04-01"), WEBSITE)
    login = "insert into event (id, kind, occurred_at, user_id) values (%s, 'login', %s, %s)"
    for row in ((1, "2026-03-24", 7), (2, "2026-03-31", 7), (3, "2026-03-25", 8)):
        company.execute(login, row, EVENTS)
    company.read()
    company.execute(RAW, PARAMETERS)
    company.execute(READS, PARAMETERS)
    company.build()
    check_against_plain_sql(company)
    assert company.rows("select metric, stream, hours from ops.unregistered_metrics order by 1") == [
        ("website.odd", "google_analytics.hours", 14 * 23),
        ("website.unknown", "google_analytics.users", 2 * 168),
    ]
    ratios = company.rows(
        "select date_day::text, visitor_to_sign_up from marts.mart_acquisition where visitor_to_sign_up > 0 order by 1"
    )
    assert ratios == [("2026-03-25", 2 / 12), ("2026-03-29", 1 / 16), ("2026-10-25", 1 / 16)]
    assert ratios == company.rows(
        "select date_day::text, value from marts.mart_daily where metric = 'acquisition.visitor_to_sign_up' "
        "and value > 0 order by 1"
    )

    new_users = company.value(
        "select sum(value) from raw.google_analytics_days "
        "where metric = 'website.new_users' and date_day < '2026-04-01'"
    )
    assert company.rows(
        "select week::text, stage, value, rate, is_complete from marts.mart_pirate_metrics "
        "where week in ('2026-03-23', '2026-03-30') and stage_number <= 3 order by week, stage_number"
    ) == [
        ("2026-03-23", "acquisition", new_users, None, True),
        ("2026-03-23", "activation", 1, 1 / new_users, True),
        ("2026-03-23", "retention", None, None, False),
        ("2026-03-30", "acquisition", None, None, False),
        ("2026-03-30", "activation", 0, None, True),
        ("2026-03-30", "retention", 1, 0.5, True),
    ]

    company.execute(RESTATED)
    company.execute(READS, PARAMETERS)
    company.build()
    check_against_plain_sql(company)
    revisions = company.rows(
        "select (period_at at time zone 'Europe/Paris')::date::text, grain, reason, count(*), count(new_value) "
        "from core.fct_metric_revision group by 1, 2, 3 order by 1"
    )
    assert revisions == [
        ("2026-03-24", "day", "restated", 7, 7),
        ("2026-03-29", "day", "restated", 5, 0),
        ("2026-10-21", "day", "restated", 12, 0),
    ]
