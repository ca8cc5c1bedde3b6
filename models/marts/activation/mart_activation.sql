{%- set windows = {"1_day": 1, "7_days": 7, "30_days": 30} -%}

with objects as (
    select * from {{ ref("dim_object") }}
),

metrics as (
    select * from {{ ref("dim_metric") }}
    where metric = 'objects.created'
),

coverage as (
    select * from {{ ref("fct_coverage_hourly") }}
),

dates as (
    select * from {{ ref("dim_date") }}
),

sign_ups as (
    select
        user_id,
        created_at,
        {{ day_of("created_at") }} as date_day
    from objects
    where object = '{{ var("signup_object") }}'
),

activations as (
    select
        user_id,
        min(created_at) as activated_at
    from objects
    where object = '{{ var("activation_object") }}' and user_id is not null
    group by user_id
),

days as (
    select
        dates.date_day,
        covered.is_complete
    from metrics
    inner join dates on dates.date_day >= (select min(sign_ups.date_day) from sign_ups)
    cross join lateral (
        {{ covered_day("metrics", "dates.date_day") }}
    ) as covered
),

-- Who signs up at the end of the day has the whole last day of the window to activate.
windows as (
    select
        date_day,
        is_complete
        {%- for name, days in windows.items() %},
        bool_and(is_complete) over (
            order by date_day rows between current row and {{ days }} following
        ) as is_complete_{{ name }}
        {%- endfor %}
    from days
),

-- Who has no user_id can't be followed. Where no one has ever activated, the object may just not be read.
cohorts as (
    select
        sign_ups.date_day,
        count(*) as sign_ups,
        nullif(count(sign_ups.user_id), 0) as followed
        {%- for name, days in windows.items() %},
        count(*) filter (
            where activations.activated_at < sign_ups.created_at + interval '{{ days * 24 }} hours'
        ) as activated_{{ name }}
        {%- endfor %}
    from sign_ups
    left join activations on activations.user_id = sign_ups.user_id
    group by sign_ups.date_day
),

grown_up as (
    select
        cohorts.date_day,
        cohorts.sign_ups,
        cohorts.followed,
        windows.is_complete
        {%- for name in windows %},
        case when windows.is_complete_{{ name }} and cohorts.followed is not null and exists (select from activations)
            then cohorts.activated_{{ name }}
        end as activated_{{ name }}
        {%- endfor %}
    from cohorts
    inner join windows on windows.date_day = cohorts.date_day
),

shares as (
    select
        date_day,
        sign_ups,
        followed,
        is_complete
        {%- for name in windows %},
        activated_{{ name }},
        activated_{{ name }}::float8 / followed as share_{{ name }}
        {%- endfor %}
    from grown_up
)

select
    {{ day_start("date_day") }} as time,
    date_day,
    sign_ups,
    followed,
    {%- for name in windows %}
    share_{{ name }},
    {%- endfor %}
    {%- for name in windows %}
    share_{{ name }} / nullif(min(share_{{ name }}) over week_before, 0) - 1 as change_{{ name }},
    {%- endfor %}
    is_complete
    {%- for name in windows %},
    activated_{{ name }}
    {%- endfor %}
from shares
window week_before as (
    order by date_day range between interval '7 days' preceding and interval '7 days' preceding
)
