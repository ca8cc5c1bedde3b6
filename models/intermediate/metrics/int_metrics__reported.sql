{%- set sources = [ref("int_google_analytics__daily"), ref("int_prometheus__daily")] -%}

with metrics as (
    select metric
    from {{ ref("metrics") }}
    where day_from = 'source'
),

unioned as (
    {%- for source in sources %}
    select * from {{ source }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

registered as (
    select
        {{ series_id("unioned.metric", "unioned.labels") }} as series_id,
        {{ series_name("unioned.metric", "unioned.labels") }} as series,
        unioned.*
    from unioned
    inner join metrics on metrics.metric = unioned.metric
)

select * from registered
