{#
    Numerator over denominator in each period, never an average of ratios. No row where the denominator has no value
    or is 0, or where the numerator is missing; nor where a side has several series that its `across_labels` forbids to
    put together (users of channels don't add up). `covered` is the macro that writes the subquery for how far a period
    of a metric was read.
#}
{% macro ratios(facts, period, covered) %}
{%- set merged = "sum(facts.value order by facts.series_id) as value, count(*) as series_count, "
    ~ "bool_or(facts.is_estimated) as is_estimated, max(facts.built_at) as built_at" %}
{%- set series_count = "coalesce(numerator.series_count, 0)" if facts_are_distributed() else "numerator.series_count" %}
with metrics as (
    select * from {{ ref("dim_metric") }}
),

-- A few rows, read for each period: matched anew for each, the band of a ratio's 30 days takes 1.4 s of CPU, not 0.6.
ratio_series as materialized (
    select * from {{ ref("int_ratio__series") }}
),

coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

{%- for side in ("denominator", "numerator") if side == "denominator" or facts_are_distributed() %}

{{ side }}s as (
    select
        ratio_series.metric,
        facts.{{ period }},
        {{ merged }}
    from ratio_series
    inner join {{ facts }} as facts on facts.series_id = ratio_series.series_id
    where ratio_series.side = '{{ side }}'
    group by ratio_series.metric, facts.{{ period }}
),
{%- endfor %}

sides as (
    select
        denominators.{{ period }},
        denominators.metric,
        {{ series_id("denominators.metric", "'{}'::jsonb") }} as series_id,
        coalesce(
            numerator.value,
            case when above.zero_fill and above_covered.hours > 0 then 0 end
        ) as numerator,
        denominators.value as denominator,
        {{ is_one_number("above", series_count) }}
        and {{ is_one_number("below", "denominators.series_count") }} as is_one_number,
        denominators.is_estimated or coalesce(numerator.is_estimated, false) as is_estimated,
        above_covered.is_complete and below_covered.is_complete as is_complete,
        greatest(denominators.built_at, numerator.built_at) as built_at
    from denominators
    inner join metrics on metrics.metric = denominators.metric
    inner join metrics as above on above.metric = metrics.numerator
    inner join metrics as below on below.metric = metrics.denominator
    {%- if facts_are_distributed() %}
    left join numerators as numerator
        on numerator.metric = denominators.metric
        and numerator.{{ period }} = denominators.{{ period }}
    {%- else %}
    cross join lateral (
        select
            {{ merged }}
        from ratio_series
        inner join {{ facts }} as facts on facts.series_id = ratio_series.series_id
        where ratio_series.side = 'numerator'
            and ratio_series.metric = denominators.metric
            and facts.{{ period }} = denominators.{{ period }}
    ) as numerator
    {%- endif %}
    cross join lateral (
        {{ covered("above", "denominators." ~ period) }}
    ) as above_covered
    cross join lateral (
        {{ covered("below", "denominators." ~ period) }}
    ) as below_covered
)

select
    {{ period }},
    metric,
    series_id,
    numerator / nullif(denominator, 0) as value,
    is_estimated,
    is_complete,
    built_at,
    numerator,
    denominator
from sides
where numerator is not null and denominator <> 0 and is_one_number
{% endmacro %}
