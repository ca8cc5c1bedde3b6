{# Fails for each row of a model that should have none. #}
{% test is_empty(model) %}
    select * from {{ model }}
{% endtest %}

{# Fails for each line of the registry that means nothing, with the reason. #}
{% test registry_is_sound(model) %}
    with metrics as (
        select * from {{ model }}
    ),

    problems as (
        select
            metrics.metric,
            case
                when metrics.kind = 'ratio' and metrics.stream is not null then 'a ratio has no stream'
                when metrics.kind = 'ratio' and above.metric is null then 'numerator: no metric that is no ratio'
                when metrics.kind = 'ratio' and below.metric is null then 'denominator: no metric that is no ratio'
                when metrics.kind <> 'ratio' and metrics.stream is null then 'stream is empty'
                when metrics.kind <> 'ratio' and metrics.numerator is not null then 'only a ratio has a numerator'
                when metrics.zero_fill and metrics.kind <> 'counter' then 'only a counter can be filled with zeros'
                when metrics.day_from is null or metrics.day_from not in ('hours', 'source')
                    then 'day_from is hours or source'
                when metrics.settle_minutes is null or metrics.settle_minutes < 0 then 'settle_minutes is not set'
                when metrics.version is null then 'version is not set'
                when metrics.zero_fill is null then 'zero_fill is not set'
            end as problem
        from metrics
        left join metrics as above on above.metric = metrics.numerator and above.kind <> 'ratio'
        left join metrics as below on below.metric = metrics.denominator and below.kind <> 'ratio'
    )

    select *
    from problems
    where problem is not null
{% endtest %}
