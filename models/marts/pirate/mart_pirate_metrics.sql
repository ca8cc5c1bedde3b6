{%- set monday = "date_trunc('week', date_day::timestamp)::date" -%}

with daily as (
    select * from {{ ref("mart_daily") }}
    where metric in ('objects.created', 'website.new_users')
        and (metric <> 'objects.created' or labels = jsonb_build_object('object', '{{ var("signup_object") }}'))
),

cohorts as (
    select * from {{ ref("mart_activation") }}
),

retention as (
    select * from {{ ref("mart_retention") }}
    where week_number = 1
),

targets as (
    select * from {{ ref("dim_target") }}
    where metric = 'website.new_users' and labels = '{}' and grain = 'day'
),

dates as (
    select * from {{ ref("dim_date") }}
    where date_day <= {{ day_of(now()) }}
),

weeks as (
    select distinct {{ monday }} as week
    from dates
),

stages (stage_number, stage, label, unit, why_missing) as (
    values
        (1, 'acquisition', 'New users', 'users', 'website.new_users was not read'),
        (
            2, 'activation', 'Sign-ups that activated', 'users',
            'the week was not read whole, its last sign-ups have not had 7 days, or nobody has ever activated'
        ),
        (
            3, 'retention', 'Users who came back', 'users',
            'the week or the one before was not read whole, or nobody was first active in that one'
        ),
        (4, 'referral', 'Referral', null, 'no source: nothing that is read says who brought whom'),
        (5, 'revenue', 'Revenue', null, 'no source: nothing that is read says what was paid')
),

by_week as (
    select
        metric,
        {{ monday }} as week,
        sum(value order by date_day, series_id) as value,
        count(distinct date_day) = 7 and bool_and(is_complete) as is_complete,
        {{ merged_flags("flags") }} as flags
    from daily
    group by metric, week
),

acquisition as (
    select * from by_week
    where metric = 'website.new_users'
),

activated as (
    select
        {{ monday }} as week,
        sum(activated_7_days)::float8 as value,
        bool_and(activated_7_days is not null) as is_grown_up
    from cohorts
    group by week
),

-- A week that was read whole, and in which nobody signed up, has no cohort.
activation as (
    select
        sign_ups.week,
        case
            when sign_ups.is_complete and coalesce(activated.is_grown_up, true) then coalesce(activated.value, 0)
        end as value,
        sign_ups.flags
    from by_week as sign_ups
    left join activated on activated.week = sign_ups.week
    where sign_ups.metric = 'objects.created'
),

measured as (
    select
        'acquisition' as stage,
        week,
        value,
        null::float8 as rate,
        is_complete,
        flags
    from acquisition
    union all
    select
        'activation' as stage,
        activation.week,
        activation.value,
        activation.value / nullif(acquisition.value, 0) as rate,
        activation.value is not null as is_complete,
        activation.flags
    from activation
    left join acquisition on acquisition.week = activation.week and acquisition.is_complete
    union all
    select
        'retention' as stage,
        cohort_week + 7 as week,
        active_users::float8 as value,
        share_active as rate,
        active_users is not null as is_complete,
        '{}' as flags
    from retention
),

compared as (
    select
        weeks.week,
        stages.*,
        measured.value,
        measured.rate,
        lag(case when measured.is_complete then measured.value end) over (
            partition by stages.stage_number order by weeks.week
        ) as value_week_before,
        coalesce(measured.is_complete, false) as is_complete,
        measured.flags
    from weeks
    cross join stages
    left join measured on measured.stage = stages.stage and measured.week = weeks.week
),

-- What the days of the week should make together.
week_targets as (
    select
        weeks.week,
        sum(targets.target) as target
    from weeks
    cross join generate_series(0, 6) as days (number)
    inner join targets
        on weeks.week + days.number >= targets.valid_from
        and weeks.week + days.number < targets.valid_until
    group by weeks.week
    having count(*) = 7
)

select
    {{ day_start("compared.week") }} as time,
    compared.week,
    compared.stage_number,
    compared.stage,
    compared.label,
    compared.value,
    compared.unit,
    compared.rate,
    compared.value_week_before,
    case when compared.is_complete then compared.value / nullif(compared.value_week_before, 0) - 1 end as change,
    week_targets.target,
    compared.is_complete,
    case
        when compared.is_complete then compared.flags
        when compared.flags is not null then array_prepend('open', array_remove(compared.flags, 'open'))
        else '{}'
    end as flags,
    case when compared.value is null then compared.why_missing end as note
from compared
left join week_targets on week_targets.week = compared.week and compared.stage = 'acquisition'
