"""What the warehouse says: everything that a rebuild, a rerun or a kill must not change."""

STATE = {
    "series": """
        select series_id, metric, labels::text, series from core.dim_series
        where exists (select from core.fct_metric_hourly f where f.series_id = dim_series.series_id)
            or exists (select from core.fct_metric_daily f where f.series_id = dim_series.series_id)
            or exists (select from core.fct_duration_hourly f where f.series_id = dim_series.series_id)
    """,
    "hourly": """
        select series_id, hour_at, metric, value, sample_count, origin, is_estimated from core.fct_metric_hourly
    """,
    "daily": """
        select series_id, date_day, metric, value, origin, hours_observed, hours_expected, is_estimated
        from core.fct_metric_daily
    """,
    "durations": """
        select series_id, hour_at, metric, count, sum, min, max, buckets, counts from core.fct_duration_hourly
    """,
    "activity": "select user_id, date_day, type, stream, event_count from core.fct_user_activity_daily",
    "coverage": "select stream, hour_at, read_at from core.fct_coverage_hourly",
    "mart_hourly": "select time, series_id, series, value, is_complete, flags from marts.mart_hourly",
    "mart_daily": "select time, series_id, series, value, is_complete, flags from marts.mart_daily",
}
MARTS = ("mart_hourly", "mart_daily")
FACTS = (
    "dim_series",
    "fct_metric_hourly",
    "fct_metric_daily",
    "fct_duration_hourly",
    "fct_coverage_hourly",
    "fct_user_activity_daily",
)
# A row's place and the transaction that wrote it: they change with every write, also with one that changes nothing.
WRITES = " union all ".join(f"select '{fact}', ctid::text, xmin::text from core.{fact}" for fact in FACTS)


def state(company, names=tuple(STATE)) -> dict[str, list[tuple]]:
    """Return the facts and marts, or some of them, sorted."""
    return {name: sorted(company.rows(STATE[name]), key=repr) for name in names}


def writes(company) -> list[tuple]:
    """Return which rows of the facts were written by which transaction."""
    return sorted(company.rows(WRITES))


def drop(company) -> None:
    """Lose all facts."""
    company.execute(f"drop table {', '.join(f'core.{fact}' for fact in FACTS)} cascade")


def rebuild(company) -> None:
    """Build all facts anew from raw."""
    drop(company)
    company.build_facts()
