{%- set sources = [
    ref("int_events__hourly"), ref("int_google_analytics__hourly"), ref("int_pipeline__hourly"),
    ref("int_prometheus__hourly"), ref("int_spiders__hourly"), ref("int_website__hourly")
] -%}

with metrics as (
    select
        metric,
        kind
    from {{ ref("metrics") }}
),

unioned as (
    {%- for source in sources %}
    select * from {{ source }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

-- What the registry does not know is no metric; ops.unregistered_metrics names it.
registered as (
    select
        {{ series_id("unioned.metric", "unioned.labels") }} as series_id,
        {{ series_name("unioned.metric", "unioned.labels") }} as series,
        unioned.*
    from unioned
    inner join metrics on metrics.metric = unioned.metric
)

select * from registered
