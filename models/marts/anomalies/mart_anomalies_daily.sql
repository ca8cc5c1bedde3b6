{{
    config(
        materialized="incremental",
        incremental_strategy="replace_where",
        unique_key=["series_id", "time", "reason"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={
            "subject": "metric",
            "dirty": "exists (select from dirty_periods as dirty where dirty.metric = rows.metric"
            " and rows.time >= dirty.starts_at and rows.time < dirty.ends_at)",
        },
        indexes=[{"columns": ["metric", "time"]}, {"columns": ["time"]}],
        pre_hook="{{ take_judged('day') }}",
        post_hook="{{ mark_built() }}",
    )
}}

-- Each period by itself: `offset 0` hands its bounds down, as where a reader asks for one metric.
with dirty_periods as (
    select * from {{ ref("dirty_periods") }}
)

select
    found.time,
    found.date_day,
    found.metric,
    found.series_id,
    found.series,
    found.reason,
    found.value,
    found.expected,
    found.lower,
    found.upper,
    found.unit,
    found.owner
from dirty_periods as dirty
cross join lateral (
    select anomalies.*
    from {{ ref("int_anomalies__daily") }} as anomalies
    where anomalies.metric = dirty.metric
        and anomalies.date_day >= {{ day_of("dirty.starts_at") }}
        and anomalies.date_day < {{ day_of("dirty.ends_at") }}
    offset 0
) as found
