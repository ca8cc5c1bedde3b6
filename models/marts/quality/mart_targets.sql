{%- set grains = {
    "hour": [ref("mart_hourly"), ref("int_ratio__hourly"), ref("mart_duration_hourly"), "hour_at"],
    "day": [ref("mart_daily"), ref("int_ratio__daily"), ref("mart_duration_daily"), "date_day"],
} -%}

with metrics as (
    select * from {{ ref("dim_metric") }}
),

targets as (
    select * from {{ ref("dim_target") }}
    where {{ day_of(now()) }} >= valid_from and {{ day_of(now()) }} < valid_until
),

-- A window ends with this hour or with yesterday; what is before valid_from is not asked.
windows as (
    {%- for grain in grains %}
    select
        targets.*,
        {{ window_start(grain, "targets.window_days") }} as window_start,
        {{ window_end(grain) }} as window_end,
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

{%- for grain, (values, ratios, durations, period) in grains.items() %}
{%- set period_start = "measured.hour_at" if grain == "hour" else day_start("measured.date_day") %}

-- The series that a target names, put together as the registry allows. Each window is asked for by itself: `offset 0`
-- hands its bounds down to the facts' indexes (3 million rows: 184 ms, against more than 15 s as a join).
values_by_{{ grain }} as (
    select
        windows.series_id,
        windows.grain,
        windows.statistic,
        of_series.time,
        {{ across_labels("metrics.across_labels", "of_series.value", "of_series.series_id") }} as value,
        null::float8 as numerator,
        null::float8 as denominator
    from windows
    inner join metrics on metrics.metric = windows.metric and metrics.kind <> 'ratio'
    cross join lateral (
        select
            measured.time,
            measured.series_id,
            measured.value
        from {{ values }} as measured
        where measured.metric = windows.metric
            and measured.time >= greatest(windows.window_start, {{ day_start("windows.valid_from") }})
            and measured.time < windows.window_end
            and {{ labels_match("measured.labels", "windows.labels") }}
            and measured.is_complete
        offset 0
    ) as of_series
    where windows.grain = '{{ grain }}'
    group by windows.series_id, windows.grain, windows.statistic, of_series.time, metrics.across_labels
),

ratios_by_{{ grain }} as (
    select
        windows.series_id,
        windows.grain,
        windows.statistic,
        ratios.time,
        ratios.value,
        case when windows.adds_up then ratios.numerator end as numerator,
        case when windows.adds_up then ratios.denominator end as denominator
    from windows
    cross join lateral (
        select
            {{ period_start }} as time,
            measured.value,
            measured.numerator,
            measured.denominator
        from {{ ratios }} as measured
        where measured.metric = windows.metric
            and {{ period_start }} >= greatest(windows.window_start, {{ day_start("windows.valid_from") }})
            and {{ period_start }} < windows.window_end
            and measured.is_complete
        offset 0
    ) as ratios
    where windows.grain = '{{ grain }}'
),

durations_by_{{ grain }} as (
    select
        windows.series_id,
        windows.grain,
        windows.statistic,
        durations.time,
        case windows.statistic
            when 'p50' then durations.p50
            when 'p95' then durations.p95
            when 'p99' then durations.p99
        end as value,
        null::float8 as numerator,
        null::float8 as denominator
    from windows
    cross join lateral (
        select
            measured.time,
            measured.p50,
            measured.p95,
            measured.p99
        from {{ durations }} as measured
        where measured.series_id = windows.series_id
            and measured.metric = windows.metric
            and measured.time >= greatest(windows.window_start, {{ day_start("windows.valid_from") }})
            and measured.time < windows.window_end
            {%- if grain == "day" %}
            and measured.date_day >= {{ day_of("windows.window_start") }}
            {%- endif %}
            and measured.is_complete
        offset 0
    ) as durations
    where windows.grain = '{{ grain }}' and windows.statistic is not null
),
{%- endfor %}

periods as (
    {%- for grain in grains %}
    select * from values_by_{{ grain }}
    where value is not null
    union all
    select * from ratios_by_{{ grain }}
    union all
    select * from durations_by_{{ grain }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
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
        sum(periods.numerator order by periods.time) as numerator,
        sum(periods.denominator order by periods.time) as denominator
    from windows
    left join periods
        on periods.series_id = windows.series_id
        and periods.grain = windows.grain
        and periods.statistic is not distinct from windows.statistic
    group by windows.series_id, windows.grain, windows.statistic
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
