{#
    Refuse a registry that means nothing, with the line and the reason. A post-hook of the seed, in its transaction:
    what is refused never lands, and the facts stay as they are.
#}
{% macro check_registry() %}
    {%- if execute %}
        {%- set problems = run_query(registry_problems(this)).rows %}
        {%- if problems %}
            {%- set lines = [] %}
            {%- for metric, problem in problems %}
                {%- do lines.append("seeds/metrics.csv: " ~ metric ~ ": " ~ problem) %}
            {%- endfor %}
            {{- exceptions.raise_compiler_error(lines | join("\n")) }}
        {%- endif %}
    {%- endif %}
{% endmacro %}

{% macro registry_problems(registry) %}
    with metrics as (
        select
            *,
            count(*) over (partition by metric) as line_count
        from {{ registry }}
    ),

    problems as (
        select
            coalesce(metrics.metric, '(no name)') as metric,
            case
                when metrics.metric is null then 'metric is empty'
                when metrics.line_count > 1 then 'stands ' || metrics.line_count || ' times'
                when metrics.kind is null
                    or metrics.kind not in ('counter', 'stock', 'gauge', 'reported', 'ratio', 'duration')
                    then 'kind is none of counter, stock, gauge, reported, ratio, duration'
                when metrics.kind = 'ratio' and metrics.stream is not null then 'a ratio has no stream'
                when metrics.kind = 'ratio' and above.metric is null
                    then 'numerator is no metric of the registry that is not itself a ratio'
                when metrics.kind = 'ratio' and below.metric is null
                    then 'denominator is no metric of the registry that is not itself a ratio'
                when metrics.kind <> 'ratio' and metrics.stream is null then 'stream is empty'
                when metrics.kind <> 'ratio' and metrics.numerator is not null then 'only a ratio has a numerator'
                when metrics.zero_fill is null then 'zero_fill is empty'
                when metrics.zero_fill and metrics.kind <> 'counter' then 'only a counter can be filled with zeros'
                when metrics.day_from is null or metrics.day_from not in ('hours', 'source')
                    then 'day_from is neither hours nor source'
                when metrics.kind = 'reported' and metrics.day_from <> 'source'
                    then 'what is reported merges with no other: day_from is source'
                when metrics.settle_minutes is null or metrics.settle_minutes < 0 then 'settle_minutes is not 0 or more'
                when metrics.version is null then 'version is empty'
                when built.stream is not null and reads.stream is null
                    then 'has values of stream ' || built.stream || ', and none was ever read of ' || metrics.stream
                        || ', so they would all go: put it back, or `make ingest` first, where a source brings it'
            end as problem
        from metrics
        left join metrics as above on above.metric = metrics.numerator and above.kind <> 'ratio'
        left join metrics as below on below.metric = metrics.denominator and below.kind <> 'ratio'
        left join ops.built_definitions as built
            on built.fact in ('fct_metric_hourly', 'fct_metric_daily', 'fct_duration_hourly')
            and built.subject = metrics.metric
            and built.stream <> metrics.stream
        left join (select distinct stream from raw.reads where finished_at is not null) as reads
            on reads.stream = metrics.stream
    )

    select distinct
        metric,
        problem
    from problems
    where problem is not null
    order by metric
{% endmacro %}
