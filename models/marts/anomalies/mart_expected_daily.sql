{{ expected_ctes("day") }},

judged as (
    {{ expected_of_all("day", is_flagged_only=false) }}
)

select
    {{ day_start("judged.period") }} as time,
    judged.period as date_day,
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
