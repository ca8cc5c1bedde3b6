{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        unique_key=["hour_at"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={"distribution": "reference"},
    )
}}

with streams as (
    select distinct stream
    from {{ ref("dim_metric") }}
    where stream is not null
),

-- Stream by stream, by the coverage's key: of five years 1 ms, and 100 by its table.
bounds as (
    select
        min(covered.first_hour) as first_hour,
        date_trunc('year', max(covered.last_hour) + interval '2 years', 'UTC') - interval '1 hour' as last_hour
    from streams
    cross join lateral (
        select
            min(coverage.hour_at) as first_hour,
            max(coverage.hour_at) as last_hour
        from {{ ref("fct_coverage_hourly") }} as coverage
        where coverage.stream = streams.stream
    ) as covered
),

hours as (
    select
        hour_at,
        hour_at at time zone '{{ var("business_timezone") }}' as local_at
    from bounds
    cross join lateral generate_series(first_hour, last_hour, interval '1 hour') as spine (hour_at)
)

select
    hour_at,
    local_at::date as date_day,
    extract(hour from local_at)::smallint as local_hour,
    extract(isodow from local_at)::smallint as iso_weekday,
    coalesce(local_at = lag(local_at) over (order by hour_at), false) as is_repeated_hour
from hours
