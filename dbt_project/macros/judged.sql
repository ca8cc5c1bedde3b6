{#
    Anomalies are stored as they were judged (docs/anomalies.md). What a read touched is judged again, and so is what is
    judged by it: the hours of the weeks after it, and ratios of its metrics. The mechanism is that of the facts, with
    periods for hours:

        pre_hook="{{ take_judged('hour') }}", incremental_strategy="replace_where", post_hook="{{ mark_built() }}"
#}

{# How many days after an hour are judged by it: the weeks, the days that tell a level, and a week of drifts. #}
{% macro days_judged_by() -%}
    {{ return(7 * (var("anomaly_weeks") | int + 2)) }}
{%- endmacro %}

{# Freeze what has to be judged into temporary tables: taken_reads, taken_definitions, dirty_periods. #}
{% macro take_judged(grain) %}
    {#- Outside the `if`: dbt has to see them when it parses. #}
    {%- set registry, holidays, reads = ref("metrics"), ref("holidays"), source("ingest", "reads") %}
    {%- set coverage, series, facts = ref("fct_coverage_hourly"), ref("dim_series"), grain_of(grain).facts %}
    {%- if execute %}
        {%- set exists = (load_cached_relation(this) or this).is_table %}
        {%- set follows = facts_of(model) %}
        set transaction isolation level repeatable read;
        lock table {{ registry }}, {{ holidays }} in access share mode;
        {%- if exists %}
            lock table {{ this }} in share row exclusive mode;
        {%- else %}
            {{ forget_built() }}
        {%- endif %}
        {{ await_definitions(registry, follows) }}
        {{ take_reads(reads, follows) }}
        {{ take_rules(registry, holidays) }}
        {{ take_periods(grain, registry, coverage, series, facts, exists) }}
    {%- endif %}
{% endmacro %}

{# Metrics that are judged by another rule than before: their line or that of a side of theirs, the vars, the holidays. #}
{% macro take_rules(registry, holidays) %}
    {%- set vars = ["anomaly_weeks", "anomaly_least_weeks", "anomaly_width", "anomaly_smallest_change"] %}
    {%- call take_changed() %}
        select
            metrics.metric as subject,
            coalesce(below.stream, metrics.stream) as stream,
            md5(
                concat_ws(
                    '|', metrics, above, below, '{{ var("business_timezone") }}'
                    {%- for name in vars %}, '{{ var(name) }}'{% endfor %},
                    (select string_agg(holidays.date_day::text, ',' order by holidays.date_day) from {{ holidays }} as holidays)
                )
            ) as definition
        from {{ registry }} as metrics
        left join {{ registry }} as above on above.metric = metrics.numerator
        left join {{ registry }} as below on below.metric = metrics.denominator
        where coalesce(below.stream, metrics.stream) is not null
    {%- endcall %}
{% endmacro %}

{#
    From the last hour that was read before a read on, since only a later one tells that it is missing, to the last day
    that is judged by it. Where a series begins in it, the zeros up to its next row came or went with it. By another rule
    all is judged, and what stands is, however old.
#}
{% macro take_periods(grain, registry, coverage, series, facts, exists) %}
    {%- set after = "interval '" ~ days_judged_by() ~ " days'" %}
    {%- set period = grain_of(grain).period %}
    {%- set at = day_of("reads.period_end") if grain == "day" else "reads.period_end" %}
    {%- set before = day_of("reads.period_start") if grain == "day" else "reads.period_start" %}
    create temporary table dirty_periods on commit drop as
    with judged as (
        select
            metrics.metric,
            coalesce(below.stream, metrics.stream) as stream,
            parts.metric as part,
            parts.stream as part_stream,
            parts.zero_fill
        from {{ registry }} as metrics
        left join {{ registry }} as below on below.metric = metrics.denominator
        inner join {{ registry }} as parts on parts.metric in (metrics.metric, metrics.numerator, metrics.denominator)
    ),

    touched as (
        select
            judged.metric,
            judged.stream,
            judged.part,
            judged.zero_fill,
            reads.stream as part_stream,
            reads.period_start,
            reads.period_end
        from taken_reads as reads
        inner join judged on judged.part_stream = reads.stream
        where not exists (
            select from taken_definitions as taken
            where taken.subject = judged.metric
        )
    ),

    asked as (
        select
            reads.metric,
            reads.stream,
            coalesce(earlier.hour_at, reads.period_start) as starts_at,
            reads.period_end + {{ after }} as ends_at
        from touched as reads
        left join lateral (
            select coverage.hour_at
            from {{ coverage }} as coverage
            where coverage.stream = reads.part_stream and coverage.hour_at < reads.period_start
            order by coverage.hour_at desc
            limit 1
        ) as earlier on true
        union all
        select
            reads.metric,
            reads.stream,
            reads.period_start,
            later.starts_at + {{ after }}
        from touched as reads
        inner join {{ series }} as series on series.metric = reads.part
        cross join lateral (
            select {{ day_start("facts.date_day") if grain == "day" else "facts.hour_at" }} as starts_at
            from {{ facts }} as facts
            where facts.series_id = series.series_id and facts.{{ period }} >= {{ at }}
            order by facts.{{ period }}
            limit 1
        ) as later
        where reads.zero_fill
            and not exists (
                select from {{ facts }} as facts
                where facts.series_id = series.series_id and facts.{{ period }} < {{ before }}
            )
        union all
        select
            subject,
            stream,
            '-infinity',
            'infinity'
        from taken_definitions
        where definition is not null
    ),

    bounded as (
        select
            asked.metric,
            greatest(asked.starts_at, {{ now() }} - interval '{{ var("anomaly_days") }} days') as starts_at,
            least(asked.ends_at, last_read.hour_at + interval '1 hour') as ends_at
        from asked
        cross join lateral (
            select coverage.hour_at
            from {{ coverage }} as coverage
            where coverage.stream = asked.stream
            order by coverage.hour_at desc
            limit 1
        ) as last_read
        {%- if exists %}
        union all
        select
            rows.metric,
            rows.time,
            rows.time + interval '1 hour'
        from taken_definitions as taken
        inner join {{ this }} as rows on rows.metric = taken.subject
        {%- endif %}
    ),

    islands as (
        select
            metric,
            {%- if grain == "day" %}
            unnest(
                range_agg(
                    tstzrange(
                        {{ day_start(day_of("starts_at")) }},
                        {{ day_start(day_of("(ends_at - interval '1 microsecond')") ~ " + 1") }}
                    )
                )
            ) as island
            {%- else %}
            unnest(range_agg(tstzrange(starts_at, ends_at))) as island
            {%- endif %}
        from bounded
        where starts_at < ends_at
        group by metric
    )

    select
        metric,
        lower(island) as starts_at,
        upper(island) as ends_at
    from islands;
    analyze dirty_periods;
{% endmacro %}
