{#
    Refuse targets that mean nothing, with the line and the reason, before a view shows them. A pre-hook of dim_target
    and not of the seed, since dbt does not order seeds and it needs the registry.
#}
{% macro check_targets() %}
    {%- set targets, registry = ref("targets"), ref("metrics") %}
    {%- if execute %}
        {%- set problems = run_query(target_problems(targets, registry)).rows %}
        {%- if problems %}
            {%- set lines = [] %}
            {%- for target, problem in problems %}
                {%- do lines.append("seeds/targets.csv: " ~ target ~ ": " ~ problem) %}
            {%- endfor %}
            {{- exceptions.raise_compiler_error(lines | join("\n")) }}
        {%- endif %}
    {%- endif %}
{% endmacro %}

{% macro target_problems(targets, registry) %}
    with targets as (
        select
            *,
            count(*) over (partition by metric, labels, grain, statistic, valid_from) as line_count
        from {{ targets }}
    ),

    problems as (
        select
            concat_ws(' ', coalesce(targets.metric, '(no metric)'), targets.labels, targets.grain) as target,
            case
                when metrics.metric is null then 'metric is none of the registry'
                when metrics.direction is null or metrics.direction not in ('up', 'down')
                    then 'the registry does not say in direction whether up or down is good'
                when targets.grain is null or targets.grain not in ('hour', 'day') then 'grain is neither hour nor day'
                when targets.target is null or targets.target in ('NaN', 'Infinity', '-Infinity')
                    then 'target is no number'
                when targets.window_days is null or targets.window_days not between 1 and 366
                    then 'window_days is not 1 to 366'
                when targets.valid_from is null then 'valid_from is empty'
                when jsonb_typeof(targets.labels) <> 'object' then 'labels is no JSON object'
                when metrics.kind = 'ratio' and targets.labels is not null then 'a ratio has no labels'
                when metrics.kind = 'ratio' and targets.target not between 0 and 1
                    then 'the target of a ratio is 0 to 1'
                when metrics.kind = 'duration' and (targets.statistic is null or targets.statistic not in ('p50', 'p95', 'p99'))
                    then 'the statistic of a duration is p50, p95 or p99'
                when metrics.kind <> 'duration' and targets.statistic is not null then 'only a duration has a statistic'
                when targets.line_count > 1 then 'stands ' || targets.line_count || ' times'
            end as problem
        from targets
        left join {{ registry }} as metrics on metrics.metric = targets.metric
    )

    select distinct
        target,
        problem
    from problems
    where problem is not null
    order by target
{% endmacro %}
