with reads as (
    select * from {{ ref("stg_ingest__reads") }}
),

dates as (
    select * from {{ ref("dim_date") }}
    where date_day between (select {{ day_of("min(started_at)") }} from reads) and {{ day_of(now()) }}
),

revisions as not materialized (
    select * from {{ ref("fct_metric_revision") }}
),

-- Day by day (`offset 0`), so that a range of days reads just its revisions, by the index on their time.
counted as (
    select
        dates.starts_at,
        dates.date_day,
        of_day.reason,
        count(*) as revision_count
    from dates
    cross join lateral (
        select revisions.reason
        from revisions
        where revisions.revised_at >= dates.starts_at
            and revisions.revised_at < {{ day_start("dates.date_day + 1") }}
        {{ fence() }}
    ) as of_day
    group by dates.starts_at, dates.date_day, of_day.reason
)

select
    dates.starts_at as time,
    dates.date_day,
    reasons.reason,
    coalesce(counted.revision_count, 0) as revisions
from dates
cross join (values ('late'), ('restated'), ('definition')) as reasons (reason)
left join counted
    on counted.starts_at = dates.starts_at
    and counted.date_day = dates.date_day
    and counted.reason = reasons.reason
