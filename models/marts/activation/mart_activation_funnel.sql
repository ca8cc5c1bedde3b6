with old_enough as (
    select * from {{ ref("mart_activation") }}
    where share_30_days is not null
),

last_cohorts as (
    select *
    from old_enough
    where date_day > (select max(date_day) from old_enough) - 30
),

totals as (
    select
        sum(followed)::float8 as followed,
        sum(followed * share_1_day order by date_day) as within_1_day,
        sum(followed * share_7_days order by date_day) as within_7_days,
        sum(followed * share_30_days order by date_day) as within_30_days,
        min(date_day) as first_day,
        max(date_day) as last_day
    from last_cohorts
)

select
    steps.step_number,
    steps.step,
    steps.users,
    steps.users / totals.followed as share,
    totals.first_day,
    totals.last_day
from totals
cross join lateral (
    values
    (1, 'Signed up', totals.followed),
    (2, 'Activated within 1 day', totals.within_1_day),
    (3, 'Activated within 7 days', totals.within_7_days),
    (4, 'Activated within 30 days', totals.within_30_days)
) as steps (step_number, step, users)
where totals.followed is not null
