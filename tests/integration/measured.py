"""Hours and days put into the facts of a company, as if they had been read and built."""

SERIES = """
    insert into core.dim_series (series_id, metric, labels, series)
    values (1, 'spiders.active.mean', '{"spider": "ant"}', 'spiders.active.mean{spider=ant}'),
        (2, 'objects.created', '{"object": "users"}', 'objects.created{object=users}')
    on conflict do nothing
"""
WORKERS = """
    insert into core.fct_coverage_hourly (stream, hour_at, read_at)
    select 'spiders.statuses', at, at + interval '65 minutes'
    from generate_series(timestamptz %(first)s, %(last)s, interval '1 hour') as hours (at);
    insert into core.fct_metric_hourly (series_id, hour_at, metric, value, sample_count, origin, is_estimated, built_at)
    select 1, at, 'spiders.active.mean', %(workers)s, 1, 'observed', false, now()
    from generate_series(timestamptz %(first)s, %(last)s, interval '1 hour') as hours (at)
"""
SIGN_UPS = """
    insert into core.fct_coverage_hourly (stream, hour_at, read_at)
    select 'website.objects', at, at + interval '65 minutes'
    from generate_series(
        %(day)s::timestamp at time zone 'Europe/Paris',
        (%(day)s::timestamp + interval '23 hours') at time zone 'Europe/Paris',
        interval '1 hour'
    ) as hours (at);
    insert into core.fct_metric_daily (series_id, date_day, metric, value, origin, is_estimated, built_at)
    values (2, %(day)s, 'objects.created', %(sign_ups)s, 'derived', false, now())
"""
JUDGE = """
    truncate marts.mart_anomalies_hourly, marts.mart_anomalies_daily;
    insert into marts.mart_anomalies_hourly
    select * from intermediate.int_anomalies__hourly where metric = 'spiders.active.mean'
"""


def add_workers(company, first: str, last: str, workers: int) -> None:
    """Add hours of a spider's workers, from the first to the last."""
    company.execute(SERIES)
    company.execute(WORKERS, {"first": first, "last": last, "workers": workers})
    company.execute(JUDGE)


def add_sign_ups(company, day: str, sign_ups: int) -> None:
    """Add a business day of sign-ups."""
    company.execute(SERIES)
    company.execute(SIGN_UPS, {"day": day, "sign_ups": sign_ups})
