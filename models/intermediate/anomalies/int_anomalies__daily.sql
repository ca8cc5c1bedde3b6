{{ config(materialized="view") }}

{{ expected_ctes("day") }},

unmeasured_periods as not materialized (
    {{ unmeasured_periods("day") }}
),

outside as (
    {{ expected_of_all("day", is_flagged_only=true) }}
),

flagged as (
    select
        metric,
        series_id,
        series,
        period,
        value,
        expected,
        lower,
        upper,
        reason
    from outside
    union all
    {{ missing("day") }}
    union all
    {{ drift("flow") }}
    union all
    {{ drift("ratio") }}
)

select
    {{ day_start("flagged.period") }} as time,
    flagged.period as date_day,
    flagged.metric,
    flagged.series_id,
    flagged.series,
    flagged.reason,
    flagged.value,
    flagged.expected,
    flagged.lower,
    flagged.upper,
    metrics.unit,
    metrics.owner
from flagged
inner join metrics on metrics.metric = flagged.metric
