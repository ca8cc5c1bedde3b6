{#
    What a band can't tell: a value that is missing, and one that drifts (docs/anomalies.md). Lateral subqueries over the
    CTEs of expected_ctes, as the bands are.
#}

{#
    Hours or days before the last one read that have no value where one could be: never read, or read whole and without
    a row of a metric that is not filled with zeros.
#}
{% macro unmeasured_periods(grain) %}
    select
        metrics.metric,
        metrics.kind,
        metrics.zero_fill,
        metrics.stream,
        metrics.settle_minutes,
        metrics.day_from,
        {{ "dates.date_day" if grain == "day" else "hours.hour_at" }} as period
    from metrics
    cross join lateral (
        select coverage.hour_at
        from coverage
        where coverage.stream = metrics.stream
        order by coverage.hour_at desc
        limit 1
    ) as last_read
    {%- if grain == "day" %}
    inner join dates on dates.date_day < {{ day_of("last_read.hour_at") }}
    cross join lateral (
        {{ covered_day("metrics", "dates.date_day") }}
    ) as covered
    {%- else %}
    inner join {{ ref("dim_hour") }} as hours on hours.hour_at < last_read.hour_at
    cross join lateral (
        {{ covered_hour("metrics", "hours.hour_at") }}
    ) as covered
    {%- endif %}
    where metrics.kind <> 'ratio'
        and (covered.hours = 0 or covered.is_complete and not metrics.zero_fill)
{% endmacro %}

{#
    One row per series and period that has no value and nearly always had one: in 9 of 10 slots of the weeks before, and
    in this hour of one of the two days before (or on one of them), so that what ended is told for two days.
#}
{% macro missing(grain) %}
    {%- set g = grain_of(grain) %}
    select
        periods.metric,
        series.series_id,
        series.series,
        periods.period,
        null::float8 as value,
        {{ from_scale("periods.kind", "weeks.middle") }} as expected,
        null::float8 as lower,
        null::float8 as upper,
        'missing' as reason
    from unmeasured_periods as periods
    cross join lateral (
        {{ slots(grain) }}
    ) as slots
    {{ join_series(grain, "flow") }}
    cross join lateral (
        {{ weeks_of(grain, "flow", "slots.") }}
    ) as weeks
    where not exists ({{ facts_at(grain, "flow", "array[periods.period]") }})
        and weeks.weeks >= {{ var("anomaly_least_weeks") }}
        and weeks.measured >= 0.9 * cardinality(slots.periods)
        and exists (
            select
            from generate_series(1, 2) as days (days)
            {{ join_fact(grain, "flow", "fact_before", days_before(grain, "periods.period", "days.days"), none) }}
            where fact_before.series_id is not null
                or periods.zero_fill and {{ is_whole(grain, "periods", days_before(grain, "periods.period", "days.days")) }}
        )
{% endmacro %}

{#
    One row per series and complete day at the end of two weeks in which it drifted. A week's drift is the median of how
    its days (as logarithms) stand to those a week before, less what is usual in the weeks before. It drifts where both
    weeks go the same way, neither of them less than a quarter of it, and no quarter of their days three quarters: that
    is a level shift. 0.67: how far two medians of 7 move by themselves, by how far one day does. Not asked of stocks:
    what only grows grows by less of itself each week.
#}
{% macro drift(subject) %}
    select
        periods.metric,
        series.series_id,
        series.series,
        periods.period,
        here.value,
        here.value / exp(drift.total) as expected,
        null::float8 as lower,
        null::float8 as upper,
        'drift' as reason
    from {{ subject }}_periods as periods
    cross join lateral (
        select array_agg(days.period) as periods
        from (
            select periods.period - days.days as period
            from generate_series(0, {{ 7 * var("anomaly_weeks") + 6 }}) as days (days)
        ) as days
        where {{ is_whole("day", "periods", "days.period") }} and not {{ is_holiday("day", "days.period") }}
    ) as days
    {{ join_series("day", subject) }}
    cross join lateral (
        {{ facts_at("day", subject, "array[periods.period]") }}
    ) as here
    cross join lateral (
        select
            percentile_cont(0.5) within group (order by moves.change) filter (where moves.age < 7) as last_week,
            count(*) filter (where moves.age < 7) as last_days,
            percentile_cont(0.5) within group (order by moves.change)
                filter (where moves.age between 7 and 13) as week_before,
            count(*) filter (where moves.age between 7 and 13) as days_before,
            percentile_cont(array[0.25, 0.75]) within group (order by moves.change) filter (where moves.age < 14) as lately,
            percentile_cont(array[0.25, 0.5, 0.75]) within group (order by moves.change)
                filter (where moves.age >= 14) as usual,
            count(*) filter (where moves.age >= 14) as usual_days
        from (
            select
                periods.period - facts.date_day as age,
                ln(facts.value) - max(ln(facts.value)) over (
                    order by facts.date_day
                    range between interval '7 days' preceding and interval '7 days' preceding
                ) as change
            from (
                {{ facts_at("day", subject, "days.periods") }}
            ) as facts
            where facts.value > 0
        ) as moves
        where moves.change is not null
    ) as weekly
    cross join lateral (
        select
            weekly.last_week - weekly.usual[2] as last_week,
            weekly.week_before - weekly.usual[2] as week_before,
            weekly.last_week + weekly.week_before - 2 * weekly.usual[2] as total
    ) as drift
    where weekly.last_days >= 4
        and weekly.days_before >= 4
        and weekly.usual_days >= {{ 7 * (var("anomaly_least_weeks") - 1) }}
        and abs(drift.total) > {{ var("anomaly_smallest_change") }}
        and abs(drift.total) > {{ var("anomaly_width") }} * 0.67 * (weekly.usual[3] - weekly.usual[1]) / 1.349
        and sign(drift.last_week) = sign(drift.week_before)
        and least(abs(drift.last_week), abs(drift.week_before)) >= 0.25 * abs(drift.total)
        and greatest(abs(weekly.lately[1] - weekly.usual[2]), abs(weekly.lately[2] - weekly.usual[2]))
        <= 0.75 * abs(drift.total)
        and here.value > 0
{% endmacro %}
