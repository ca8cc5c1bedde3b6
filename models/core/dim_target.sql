{{ config(materialized="view", pre_hook="{{ check_targets() }}") }}

with targets as (
    select * from {{ ref("targets") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
),

labelled as (
    select
        metric,
        coalesce(labels, '{}'::jsonb) as labels,
        grain,
        statistic,
        target,
        window_days,
        valid_from
    from targets
)

select
    labelled.metric,
    labelled.labels,
    {{ series_id("labelled.metric", "labelled.labels") }} as series_id,
    {{ series_name("labelled.metric", "labelled.labels") }} as series,
    labelled.grain,
    labelled.statistic,
    labelled.target,
    metrics.direction,
    labelled.window_days,
    labelled.valid_from,
    lead(labelled.valid_from, 1, 'infinity'::date) over (
        partition by labelled.metric, labelled.labels, labelled.grain, labelled.statistic
        order by labelled.valid_from
    ) as valid_until
from labelled
inner join metrics on metrics.metric = labelled.metric
