{#
    How well the service ran, by hour or day: one row per measure. `values` and `durations` are the long marts of the
    grain. Series of a metric are put together as the registry allows; those of durations are in the mart already.
#}
{% macro quality_of_service(grain, values, durations) %}
    {%- set period = {"hour": ["time"], "day": ["time", "date_day"]}[grain] %}
    {%- set metrics = [
        "http.requests", "http.error_ratio", "http.request_duration", "spiders.active", "spiders.idle", "spiders.total"
    ] %}
with metrics as (
    select * from {{ ref("dim_metric") }}
),

targets as (
    select * from {{ ref("dim_target") }}
    where grain = '{{ grain }}' and labels = '{}'
),

values_of_series as (
    select * from {{ values }}
    where metric in ('{{ metrics | join("', '") }}')
),

durations as (
    select * from {{ durations }}
    where metric = 'events.duration' and series = 'events.duration'
),

over_labels as (
    select
        {%- for column in period %}
        values_of_series.{{ column }},
        {%- endfor %}
        metrics.metric,
        null::text as statistic,
        {{ across_labels("metrics.across_labels", "values_of_series.value", "values_of_series.series_id") }} as value,
        bool_and(values_of_series.is_complete) as is_complete
    from values_of_series
    inner join metrics on metrics.metric = values_of_series.metric
    group by {% for column in period %}values_of_series.{{ column }}, {% endfor %}metrics.metric, metrics.across_labels
),

percentiles as (
    select
        {%- for column in period %}
        durations.{{ column }},
        {%- endfor %}
        durations.metric,
        percentile.statistic,
        percentile.value,
        durations.is_complete
    from durations
    cross join lateral (
        values ('p50', durations.p50), ('p95', durations.p95), ('p99', durations.p99)
    ) as percentile (statistic, value)
),

measures as (
    select * from over_labels
    where value is not null
    union all
    select * from percentiles
)

select
    {%- for column in period %}
    measures.{{ column }},
    {%- endfor %}
    measures.metric,
    measures.statistic,
    measures.value,
    metrics.unit,
    targets.target,
    {{ is_on_target("measures.value", "targets.target", "metrics.direction") }} as is_on_target,
    measures.is_complete
from measures
inner join metrics on metrics.metric = measures.metric
left join targets
    on targets.metric = measures.metric
    and targets.statistic is not distinct from measures.statistic
    and {{ "measures.date_day" if grain == "day" else day_of("measures.time") }} >= targets.valid_from
    and {{ "measures.date_day" if grain == "day" else day_of("measures.time") }} < targets.valid_until
{% endmacro %}
