with revisions as (
    select * from {{ ref("fct_metric_revision") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
),

-- A zero that was never stored was shown as 0.
shown as (
    select
        revisions.metric,
        revisions.grain,
        revisions.reason,
        {{ week_of("revisions.revised_at") }} as week,
        coalesce(revisions.old_value, case when metrics.zero_fill then 0 end) as old_value,
        coalesce(revisions.new_value, case when metrics.zero_fill then 0 end) as new_value,
        revisions.revised_at - revisions.period_at as age
    from revisions
    left join metrics on metrics.metric = revisions.metric
)

select
    metric,
    grain,
    week,
    reason,
    count(*) as revision_count,
    avg(abs(new_value - old_value)) as mean_change,
    max(abs(new_value - old_value)) as largest_change,
    max(abs(new_value - old_value) / nullif(abs(old_value), 0)) as largest_relative_change,
    percentile_cont(0.5) within group (order by age) as median_age,
    max(age) as largest_age
from shown
group by metric, grain, week, reason
