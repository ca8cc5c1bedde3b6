with daily as (
    select * from {{ ref("mart_daily") }}
    where metric = 'objects.created' and labels = jsonb_build_object('object', '{{ var("signup_object") }}')
)

select
    daily.time,
    daily.date_day,
    daily.value as sign_ups,
    week_before.value as sign_ups_week_before,
    case when daily.is_complete then daily.value / nullif(week_before.value, 0) - 1 end as change,
    daily.target,
    daily.is_complete,
    daily.flags
from daily
left join daily as week_before on week_before.date_day = daily.date_day - 7 and week_before.is_complete
