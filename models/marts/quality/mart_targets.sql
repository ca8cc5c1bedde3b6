with metrics as (
    select * from {{ ref("dim_metric") }}
),

targets as (
    select * from {{ ref("dim_target") }}
    where {{ day_of(now()) }} >= valid_from and {{ day_of(now()) }} < valid_until
),

-- A window ends with this hour or with yesterday; what is before valid_from is not asked.
windows as (
    {%- for grain in ("hour", "day") %}
    select
        targets.*,
        {{ window_start(grain, "targets.window_days") }} as window_start,
        {{ window_end(grain) }} as window_end,
        greatest(
            {{ window_start(grain, "targets.window_days") }},
            {{ day_start("targets.valid_from") }}
        ) as counted_from,
        -- What is reported merges with no other: visitors of two days are not the days' visitors added up.
        not exists (
            select
            from metrics
            inner join metrics as sides on sides.metric in (metrics.numerator, metrics.denominator)
            where metrics.metric = targets.metric and sides.kind = 'reported'
        ) as adds_up
    from targets
    where targets.grain = '{{ grain }}'
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

periods as (
    {{ target_periods("hour", is_by_window=true) }}
    union all
    {{ target_periods("day", is_by_window=true) }}
),

measured as (
    select
        windows.series_id,
        windows.grain,
        windows.statistic,
        count(periods.time) as complete_periods,
        count(*) filter (
            where {{ is_on_target("periods.value", "windows.target", "windows.direction") }}
        ) as periods_on_target,
        case when windows.adds_up then sum(periods.numerator order by periods.time) end as numerator,
        case when windows.adds_up then sum(periods.denominator order by periods.time) end as denominator
    from windows
    left join periods
        on periods.series_id = windows.series_id
        and periods.grain = windows.grain
        and periods.statistic is not distinct from windows.statistic
    group by windows.series_id, windows.grain, windows.statistic, windows.adds_up
),

-- The budget is of the whole window: what was not measured of it is taken to be like what was.
shares as (
    select
        windows.*,
        measured.complete_periods,
        measured.periods_on_target::float8 / nullif(measured.complete_periods, 0) as on_target_share,
        measured.complete_periods / case windows.grain
            when 'day' then windows.window_days
            else extract(epoch from windows.window_end - windows.window_start)::float8 / 3600
        end as measured_share,
        measured.numerator / nullif(measured.denominator, 0) as ratio,
        case windows.direction
            when 'up' then measured.denominator - measured.numerator
            else measured.numerator
        end as failures,
        measured.denominator * case windows.direction
            when 'up' then 1 - windows.target
            else windows.target
        end as failures_allowed
    from windows
    inner join measured
        on measured.series_id = windows.series_id
        and measured.grain = windows.grain
        and measured.statistic is not distinct from windows.statistic
)

select
    shares.metric,
    shares.series_id,
    shares.series,
    shares.grain,
    shares.statistic,
    shares.target,
    shares.direction,
    metrics.unit,
    metrics.owner,
    shares.window_days,
    shares.window_start,
    shares.window_end,
    shares.complete_periods,
    shares.measured_share,
    shares.on_target_share,
    shares.ratio,
    shares.failures_allowed / nullif(shares.measured_share, 0) as error_budget,
    1 - shares.failures * shares.measured_share / nullif(shares.failures_allowed, 0) as budget_left,
    shares.failures / nullif(shares.failures_allowed, 0) as burn_rate
from shares
inner join metrics on metrics.metric = shares.metric
