"""What the pipeline measures of itself: a query a metric, over what it wrote of itself, by hour."""

from typing import NamedTuple

from ingest.hours import hour_of


class Measure(NamedTuple):
    """A metric, and the query that gives its labels, hour_at, value and sample_count for [start, end).

    `table` is the log that it reads.
    """

    metric: str
    table: str
    query: str


def _by(*columns: str) -> str:
    """Return the SQL for labels that are columns of the same names."""
    pairs = ", ".join(f"'{column}', {column}" for column in columns)
    return f"jsonb_build_object({pairs})"


def _within(time: str) -> str:
    return f"{time} >= %(start)s and {time} < %(end)s"


# A run without an outcome died, or still runs: the next read of its hour says how it ended.
RUNS = Measure(
    "pipeline.runs",
    "ops.runs",
    f"""
    select {_by("source", "outcome")} as labels, hour_at, count(*) as value, count(*) as sample_count
    from (
        select source, coalesce(outcome, 'open') as outcome, {hour_of("started_at")} as hour_at
        from ops.runs
        where {_within("started_at")}
    ) runs
    where outcome <> 'off'
    group by source, outcome, hour_at
    """,
)
RUN_SECONDS = Measure(
    "pipeline.run_seconds",
    "ops.runs",
    f"""
    select {_by("source")} as labels, hour_at, sum(seconds order by seconds) as value, count(*) as sample_count
    from (
        select source, {hour_of("started_at")} as hour_at,
            extract(epoch from finished_at - started_at)::float8 as seconds
        from ops.runs
        where {_within("started_at")} and outcome <> 'off'
    ) runs
    group by source, hour_at
    """,
)
READ_BYTES = Measure(
    "pipeline.read_bytes",
    "ops.runs",
    f"""
    select {_by("source")} as labels, hour_at, sum(byte_count) as value, count(*) as sample_count
    from (
        select source, {hour_of("started_at")} as hour_at, byte_count
        from ops.runs
        where {_within("started_at")} and outcome <> 'off' and byte_count is not null
    ) runs
    group by source, hour_at
    """,
)
READ_ROWS = Measure(
    "pipeline.read_rows",
    "raw.reads",
    f"""
    select {_by("stream")} as labels, hour_at, sum(row_count) as value, count(*) as sample_count
    from (
        select stream, {hour_of("started_at")} as hour_at, row_count
        from raw.reads
        where {_within("started_at")} and finished_at is not null and row_count is not null
    ) reads
    group by stream, hour_at
    """,
)
# From an hour's end to the start of the first run that held it whole, in ms, by the hour of that run. What a stream's
# first run brought of the past did not lag; nor has a stream that was not read for a month anything to be late for.
LANDING_LAG = Measure(
    "pipeline.landing_lag",
    "raw.reads",
    f"""
    select {_by("stream")} as labels, hour_at, lag_ms as value, count(*) as sample_count
    from (
        select stream, {hour_of("started_at")} as hour_at,
            round(extract(epoch from started_at - landed_at) * 1000) as lag_ms
        from (
            select stream, started_at, max({hour_of("period_end")}) as held_until,
                max(max({hour_of("period_end")})) over (
                    partition by stream order by started_at rows between unbounded preceding and 1 preceding
                ) as held_before
            from raw.reads
            where started_at >= %(start)s - interval '31 days' and started_at < %(end)s and finished_at is not null
            group by stream, started_at
        ) reads
        cross join lateral generate_series(held_before + interval '1 hour', held_until, interval '1 hour')
            as hours (landed_at)
        where started_at >= %(start)s
    ) landed
    group by stream, hour_at, lag_ms
    """,
)
NODES = Measure(
    "pipeline.dbt_nodes",
    "ops.nodes",
    f"""
    select {_by("resource_type", "status")} as labels, hour_at, count(*) as value, count(*) as sample_count
    from (
        select resource_type, status, {hour_of("started_at")} as hour_at
        from ops.nodes
        where {_within("started_at")}
    ) nodes
    group by resource_type, status, hour_at
    """,
)
NODE_SECONDS = Measure(
    "pipeline.dbt_seconds",
    "ops.nodes",
    f"""
    select {_by("resource_type")} as labels, hour_at, sum(seconds order by seconds) as value, count(*) as sample_count
    from (
        select resource_type, seconds, {hour_of("started_at")} as hour_at
        from ops.nodes
        where {_within("started_at")}
    ) nodes
    group by resource_type, hour_at
    """,
)
FINDINGS = Measure(
    "pipeline.findings",
    "ops.found",
    f"""
    select {_by("finding")} as labels, hour_at, (array_agg(found order by found_at desc))[1] as value,
        count(*) as sample_count
    from (
        select finding, found_at, found, {hour_of("found_at")} as hour_at
        from ops.found
        where {_within("found_at")}
    ) found
    group by finding, hour_at
    """,
)
QUOTA_LEFT = Measure(
    "pipeline.quota_left",
    "ops.google_analytics_quota",
    f"""
    select {_by("property_id", "bucket")} as labels, hour_at, (array_agg(remaining order by asked_at desc))[1] as value,
        count(*) as sample_count
    from (
        select property_id, bucket, asked_at, remaining, {hour_of("asked_at")} as hour_at
        from ops.google_analytics_quota
        where {_within("asked_at")}
    ) quota
    group by property_id, bucket, hour_at
    """,
)
# dbt's facts keep the log of their own changes; before the first build there is none.
REVISIONS = Measure(
    "pipeline.revisions",
    "core.fct_metric_revision",
    f"""
    select {_by("grain", "reason")} as labels, hour_at, count(*) as value, count(*) as sample_count
    from (
        select grain, reason, {hour_of("revised_at")} as hour_at
        from core.fct_metric_revision
        where {_within("revised_at")}
    ) revisions
    group by grain, reason, hour_at
    """,
)
LOGGED = (
    RUNS,
    RUN_SECONDS,
    READ_BYTES,
    READ_ROWS,
    LANDING_LAG,
    NODES,
    NODE_SECONDS,
    FINDINGS,
    QUOTA_LEFT,
    REVISIONS,
)

# The past can't be asked how large it was: sampled at an instant. Partitions are their table; dlt's own tables come and
# go with its loads.
TABLE_BYTES = Measure(
    "pipeline.table_bytes",
    "pg_catalog.pg_class",
    f"""
    select jsonb_build_object('table', pg_namespace.nspname || '.' || pg_class.relname) as labels,
        {hour_of("%(at)s")} as hour_at, sum(pg_total_relation_size(parts.oid)) as value, 1 as sample_count
    from pg_class as parts
    inner join pg_class on pg_class.oid = coalesce(pg_partition_root(parts.oid), parts.oid)
    inner join pg_namespace on pg_namespace.oid = pg_class.relnamespace
    where pg_namespace.nspname in ('raw', 'core', 'marts', 'ops')
        and parts.relkind in ('r', 'm')
        and not starts_with(pg_class.relname, '_dlt')
    group by pg_namespace.nspname, pg_class.relname
    """,
)
