{# Whether a value meets its target: at least it where up is good, at most it where down is. #}
{% macro is_on_target(value, target, direction) -%}
    case {{ direction }} when 'up' then {{ value }} >= {{ target }} when 'down' then {{ value }} <= {{ target }} end
{%- endmacro %}

{# The bounds of a target's window: its last days, up to this hour or up to today. #}
{% macro window_start(grain, days) -%}
    {{ hour_of(now()) ~ " - " ~ days ~ " * interval '24 hours'" if grain == "hour" else day_start("(" ~ day_of(now()) ~ " - " ~ days ~ ")") }}
{%- endmacro %}

{% macro window_end(grain) -%}
    {{ hour_of(now()) if grain == "hour" else day_start(day_of(now())) }}
{%- endmacro %}

{#
    The complete hours or days of targets that have a value: of the series that a target names, put together as the
    registry allows. Reads the CTEs `metrics` and `windows`: targets, each with its counted_from and window_end.
#}
{% macro target_periods(grain) %}
    {%- set values = ref("mart_hourly") if grain == "hour" else ref("mart_daily") %}
    {%- set ratios = ref("int_ratio__hourly") if grain == "hour" else ref("int_ratio__daily") %}
    {%- set durations = ref("mart_duration_hourly") if grain == "hour" else ref("mart_duration_daily") %}
    {%- set ratio_start = "ratios.hour_at" if grain == "hour" else day_start("ratios.date_day") %}
    select
        windows.series_id,
        windows.grain,
        windows.statistic,
        windows.valid_from,
        of_series.time,
        {{ across_labels("metrics.across_labels", "of_series.value", "of_series.series_id") }} as value,
        null::float8 as numerator,
        null::float8 as denominator
    from windows
    inner join metrics on metrics.metric = windows.metric and metrics.kind <> 'ratio'
    inner join {{ values }} as of_series
        on of_series.metric = windows.metric
        and of_series.time >= windows.counted_from
        and of_series.time < windows.window_end
        and {{ labels_match("of_series.labels", "windows.labels") }}
    where windows.grain = '{{ grain }}' and of_series.is_complete
    group by
        windows.series_id, windows.grain, windows.statistic, windows.valid_from, of_series.time, metrics.across_labels
    having {{ across_labels("metrics.across_labels", "of_series.value", "of_series.series_id") }} is not null
    union all
    select
        windows.series_id,
        windows.grain,
        windows.statistic,
        windows.valid_from,
        {{ ratio_start }} as time,
        ratios.value,
        ratios.numerator,
        ratios.denominator
    from windows
    inner join {{ ratios }} as ratios
        on ratios.metric = windows.metric
        and {{ ratio_start }} >= windows.counted_from
        and {{ ratio_start }} < windows.window_end
    where windows.grain = '{{ grain }}' and ratios.is_complete
    union all
    select
        windows.series_id,
        windows.grain,
        windows.statistic,
        windows.valid_from,
        durations.time,
        case windows.statistic
            when 'p50' then durations.p50
            when 'p95' then durations.p95
            when 'p99' then durations.p99
        end as value,
        null::float8 as numerator,
        null::float8 as denominator
    from windows
    inner join {{ durations }} as durations
        on durations.series_id = windows.series_id
        and durations.time >= windows.counted_from
        and durations.time < windows.window_end
    where windows.grain = '{{ grain }}' and durations.is_complete
{% endmacro %}

{# One row per target and complete hour or day that has a value: what it was, and whether that met the target. #}
{% macro targets_by_period(grain) %}
with metrics as (
    select * from {{ ref("dim_metric") }}
),

targets as (
    select * from {{ ref("dim_target") }}
    where grain = '{{ grain }}'
),

windows as (
    select
        targets.*,
        {{ day_start("targets.valid_from") }} as counted_from,
        {{ day_start("targets.valid_until") }} as window_end
    from targets
),

periods as (
    {{ target_periods(grain) }}
)

select
    periods.time,
    {%- if grain == "day" %}
    {{ day_of("periods.time") }} as date_day,
    {%- endif %}
    windows.metric,
    windows.series_id,
    windows.series,
    windows.statistic,
    periods.value,
    windows.target,
    {{ is_on_target("periods.value", "windows.target", "windows.direction") }} as is_on_target,
    windows.direction,
    metrics.unit,
    metrics.owner
from windows
inner join metrics on metrics.metric = windows.metric
inner join periods
    on periods.series_id = windows.series_id
    and periods.statistic is not distinct from windows.statistic
    and periods.valid_from = windows.valid_from
{% endmacro %}
