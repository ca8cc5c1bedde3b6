with daily as not materialized (
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
-- Day by day: a reader's condition on the day does not reach the week before, of which all history would be read.
left join lateral (
    select before.value
    from daily as before
    where before.date_day = daily.date_day - 7 and before.is_complete
    limit 1
) as week_before on true
