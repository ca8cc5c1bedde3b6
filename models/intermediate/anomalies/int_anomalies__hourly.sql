{{ config(materialized="view") }}

{{ expected_ctes("hour") }},

unmeasured_periods as not materialized (
    {{ unmeasured_periods("hour") }}
),

outside as (
    {{ expected_of_all("hour", is_flagged_only=true) }}
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
    {{ missing("hour") }}
)

select
    flagged.period as time,
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
