{#
    Write a revision for each changed value that was complete by what this fact had built before this run. The reads
    of this run are marked later, so ops.built_reads is what had been built before.
#}
{% macro write_revisions() %}
    {%- set is_daily = config.get("meta").period == "date_day" %}
    {%- set period_at = day_start("changed.date_day") if is_daily else "changed.hour_at" %}
    insert into {{ ref("fct_metric_revision") }} (
        series_id, grain, period_at, revised_at, metric, old_value, new_value, reason
    )
    select
        changed.series_id,
        '{{ "day" if is_daily else "hour" }}',
        {{ period_at }},
        now(),
        changed.metric,
        changed.old_value,
        changed.new_value,
        case
            when taken.subject is not null then 'definition'
            when changed.is_late then 'late'
            else 'restated'
        end
    from changed
    left join taken_definitions as taken on taken.subject = changed.metric
    left join {{ ref("metrics") }} as metrics on metrics.metric = changed.metric
    where changed.old_value is distinct from changed.new_value
        -- A metric that left the registry was complete as far as anybody could see.
        and (
            metrics.metric is null
            or {{ was_complete_day("changed.date_day") if is_daily else was_complete_hour("changed.hour_at") }}
        );
{% endmacro %}

{# Whether a read that this fact had built before started late enough after the hour, and held it whole. #}
{% macro was_complete_hour(hour_at) -%}
    exists (
        select
        from {{ source("ingest", "reads") }} as reads
        inner join ops.built_reads as built on built.read_id = reads.read_id and built.fact = '{{ this.name }}'
        where reads.stream = metrics.stream
            and tstzrange(reads.period_start, reads.period_end)
            @> tstzrange({{ hour_at }}, {{ hour_at }} + interval '1 hour')
            and reads.started_at >= {{ settled_at(hour_at, "metrics") }}
    )
{%- endmacro %}

{# Whether all hours of a day were; where its source reports it, whether one such read held the day once it was over. #}
{% macro was_complete_day(date_day) -%}
    case metrics.day_from
        when 'source' then exists (
            select
            from {{ source("ingest", "reads") }} as reads
            inner join ops.built_reads as built on built.read_id = reads.read_id and built.fact = '{{ this.name }}'
            where reads.stream = metrics.stream
                and tstzrange(reads.period_start, reads.period_end)
                @> tstzrange({{ day_start(date_day) }}, {{ day_start(date_day ~ " + 1") }})
                and reads.started_at >= {{ day_settled_at(date_day, "metrics") }}
        )
        else not exists (
            select
            from {{ hours_of_day(date_day) }} as hours (hour_at)
            where not {{ was_complete_hour("hours.hour_at") }}
        )
    end
{%- endmacro %}
