with quota as (
    select * from {{ ref("stg_google_analytics__quota") }}
),

latest as (
    select distinct on (property_id, bucket) *
    from quota
    order by property_id, bucket, asked_at desc
),

least_of_week as (
    select
        latest.property_id,
        latest.bucket,
        min(quota.remaining) as remaining
    from latest
    inner join quota
        on quota.property_id = latest.property_id
        and quota.bucket = latest.bucket
        and quota.asked_at > latest.asked_at - interval '7 days'
    group by latest.property_id, latest.bucket
)

select
    latest.property_id,
    latest.bucket,
    latest.asked_at,
    latest.consumed,
    latest.remaining,
    least_of_week.remaining as least_of_week
from latest
inner join least_of_week
    on least_of_week.property_id = latest.property_id
    and least_of_week.bucket = latest.bucket
