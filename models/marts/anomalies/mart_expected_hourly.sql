{{ expected_ctes("hour") }},

judged as (
    {{ expected_of_all("hour", is_flagged_only=false) }}
)

select
    judged.period as time,
    judged.metric,
    judged.series_id,
    judged.series,
    judged.value,
    judged.expected,
    judged.lower,
    judged.upper,
    judged.weeks,
    judged.reason,
    metrics.unit
from judged
inner join metrics on metrics.metric = judged.metric
