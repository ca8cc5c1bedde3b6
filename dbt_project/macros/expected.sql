{#
    What a value should be, from the same hour of the week (or weekday) in the weeks before: docs/anomalies.md.
    All of it is looked up by index, for just the periods that a reader asks for. No band is stored, so a restated
    hour changes those of later hours at once.

    The parts are lateral subqueries of one query. They read `periods` (by metric and hour or day), `series`, `coverage`
    and `holidays`. A subject is what is judged, by the kind of the metric: flow (counter, gauge, reported), stock, ratio.
#}

{# How the grains reckon. So many periods `beside` one tell how far its value moves: more of them of days. #}
{% macro grain_of(grain) %}
    {%- if grain == "hour" -%}
        {{- return({
            "period": "hour_at", "facts": ref("fct_metric_hourly"), "ratios": ref("int_ratio__hourly"),
            "one": "interval '1 hour'", "beside": 2,
        }) -}}
    {%- else -%}
        {{- return({
            "period": "date_day", "facts": ref("fct_metric_daily"), "ratios": ref("int_ratio__daily"),
            "one": "1", "beside": 3,
        }) -}}
    {%- endif -%}
{% endmacro %}

{# The same period some days before: of an hour the same hour of local time. #}
{% macro days_before(grain, period, days) -%}
    {%- if grain == "day" -%}
        ({{ period }} - {{ days }})
    {%- else -%}
        (
            ({{ period }} at time zone '{{ var("business_timezone") }}' - {{ days }} * interval '1 day')
            at time zone '{{ var("business_timezone") }}'
        )
    {%- endif -%}
{%- endmacro %}

{% macro is_holiday(grain, period) -%}
    exists (
        select
        from holidays
        where holidays.date_day = {{ period if grain == "day" else day_of(period) }}
    )
{%- endmacro %}

{# Whether a period of a metric is complete. #}
{% macro is_whole(grain, metric, period) -%}
    {%- if grain == "day" -%}
        (select covered.is_complete from ({{ covered_day(metric, period) }}) as covered)
    {%- else -%}
        exists (
            select
            from coverage
            where coverage.stream = {{ metric }}.stream
                and coverage.hour_at = {{ period }}
                and coverage.read_at >= {{ settled_at("coverage.hour_at", metric) }}
        )
    {%- endif -%}
{%- endmacro %}

{# The facts of a series at some periods. `offset 0`: else the view of ratios is worked out for all of history. #}
{% macro facts_at(grain, subject, periods) %}
    {%- set g = grain_of(grain) -%}
    select *
    {%- if subject == "ratio" %}
    from {{ g.ratios }} as ratios
    where ratios.metric = periods.metric and ratios.{{ g.period }} = any({{ periods }}) and ratios.is_complete
    {%- else %}
    from {{ g.facts }} as facts
    where facts.series_id = series.series_id and facts.{{ g.period }} = any({{ periods }})
    {%- endif %}
    offset 0
{% endmacro %}

{#
    The fact at a period, or none. Of ratios all that `among` asks for are worked out at once. `offset 0`: else PostgreSQL
    may join with all of the fact, where it can't tell how few periods are asked for.
#}
{% macro join_fact(grain, subject, name, period, among) %}
    {%- set g = grain_of(grain) -%}
    {%- if subject == "ratio" -%}
    left join lateral (
        {{ facts_at(grain, subject, among) }}
    ) as {{ name }} on {{ name }}.{{ g.period }} = {{ period }}
    {%- else -%}
    left join lateral (
        select
            facts.series_id,
            facts.value
        from {{ g.facts }} as facts
        where facts.series_id = series.series_id and facts.{{ g.period }} = {{ period }}
        offset 0
    ) as {{ name }} on true
    {%- endif -%}
{% endmacro %}

{# A fact's value; 0 where there is none and its period was read, from the series' first period on. #}
{% macro value_of(subject, fact, period) -%}
    {%- if subject == "flow" -%}
        coalesce({{ fact }}.value, case when periods.zero_fill and {{ period }} > first.period then 0 end)
    {%- else -%}
        {{ fact }}.value
    {%- endif -%}
{%- endmacro %}

{# The series of a metric, and their first periods. #}
{% macro join_series(grain, subject) %}
    {%- set g = grain_of(grain) -%}
    {%- if subject == "ratio" -%}
    cross join lateral (
        select
            {{ series_id("periods.metric", "'{}'::jsonb") }} as series_id,
            periods.metric as series
    ) as series
    {%- else -%}
    inner join series on series.metric = periods.metric
    cross join lateral (
        select facts.{{ g.period }} as period
        from {{ g.facts }} as facts
        where facts.series_id = series.series_id
        order by facts.{{ g.period }}
        limit 1
    ) as first
    {%- endif -%}
{% endmacro %}

{#
    The slots of a period, as arrays: it and those beside it (by steps) in each of the weeks before, where they are
    complete and no holiday; and its own, of step 0. They are found once for all series of a metric.
#}
{% macro slots(grain) %}
    {%- set g = grain_of(grain) %}
    select
        array_agg(slots.period) as periods,
        array_agg(slots.week) as weeks,
        array_agg(slots.step) as steps,
        array_agg(slots.period) filter (where slots.step = 0) as own_periods,
        array_agg(slots.week) filter (where slots.step = 0) as own_weeks,
        array_agg(slots.step) filter (where slots.step = 0) as own_steps
    from (
        {%- if grain == "day" %}
        select
            weeks.week,
            steps.step,
            periods.period - 7 * weeks.week + steps.step as period
        from generate_series(1, {{ var("anomaly_weeks") }}) as weeks (week)
        cross join generate_series(-{{ g.beside }}, {{ g.beside }}) as steps (step)
        where {{ is_whole(grain, "periods", "(periods.period - 7 * weeks.week + steps.step)") }}
        {%- else %}
        select
            weeks.week,
            (extract(epoch from read.hour_at - weeks.hour_at) / 3600)::int as step,
            read.hour_at as period
        from (
            select
                weeks.week,
                {{ days_before(grain, "periods.period", "7 * weeks.week") }} as hour_at
            from generate_series(1, {{ var("anomaly_weeks") }}) as weeks (week)
            offset 0
        ) as weeks
        cross join lateral (
            select coverage.hour_at
            from coverage
            where coverage.stream = periods.stream
                and coverage.hour_at >= weeks.hour_at - interval '{{ g.beside }} hours'
                and coverage.hour_at <= weeks.hour_at + interval '{{ g.beside }} hours'
                and coverage.read_at >= {{ settled_at("coverage.hour_at", "periods") }}
            offset 0
        ) as read
        {%- endif %}
    ) as slots
    where not {{ is_holiday(grain, "slots.period") }}
{% endmacro %}

{#
    What slots say: how many of them and of the weeks have a value, the middle of the weeks, and how far values move
    from one week to the next; with _before, of the step before.
#}
{% macro weeks_of(grain, subject, slots, is_change=false) %}
    {%- set g = grain_of(grain) -%}
    select
        {{ is_change }} as is_change,
        count(*) as measured,
        count(*) filter (where moves.step = 0) as weeks,
        percentile_cont(0.5) within group (order by moves.y) filter (where moves.step = 0) as middle,
        percentile_cont(0.5) within group (order by moves.y) filter (where moves.step = -1) as middle_before,
        {{ spread_of("moves.change", "moves.step = 0") }} as own_spread,
        {{ spread_of("moves.change", "moves.step = -1") }} as own_spread_before,
        {{ spread_of("moves.change") }} as shared_spread
    from (
        select
            valued.step,
            valued.y,
            abs(valued.y - lag(valued.y) over (partition by valued.step order by valued.week)) as change
        from (
            select
                slot.step,
                slot.week,
                {%- if is_change %}
                fact.value - fact_before.value as y
                {%- else %}
                {{ to_scale("periods.kind", value_of(subject, "fact", "slot.period")) }} as y
                {%- endif %}
            from unnest({{ slots }}periods, {{ slots }}weeks, {{ slots }}steps) as slot (period, week, step)
            {{ join_fact(grain, subject, "fact", "slot.period", slots ~ "periods") }}
            {%- if is_change %}
            {{ join_fact(grain, subject, "fact_before", "slot.period - " ~ g.one, none) }}
            {%- endif %}
        ) as valued
        where valued.y is not null
    ) as moves
{% endmacro %}

{# A stock is judged by its value or by its change, whichever moves less from week to week. #}
{% macro steadiest_weeks_of(grain, subject, slots) %}
    {%- if subject == "stock" %}
    select *
    from (
        {{ weeks_of(grain, subject, slots) }}
        union all
        {{ weeks_of(grain, subject, slots, is_change=true) }}
    ) as ways
    order by own_spread, is_change
    limit 1
    {%- else %}
    {{ weeks_of(grain, subject, slots) }}
    {%- endif %}
{% endmacro %}

{#
    What the last days say, the latest first: the value of each, times how this period stood to that of the day in the
    weeks before. Of the last four days those that are complete and no holiday; asked only where `condition`. So a new
    level is known after a day, also while some of the weeks before are of the old one.
#}
{% macro told_by_last_days(grain, subject, condition) %}
    select array_agg(told.y order by told.days) as by_days
    from (
        select
            paired.days,
            max(paired.y) filter (where paired.week = 0)
            * percentile_cont(0.5) within group (order by paired.y_here / paired.y) filter (where paired.week > 0) as y
        from (
            select
                valued.*,
                max(valued.y) filter (where valued.days = 0) over (partition by valued.week) as y_here
            from (
                select
                    slot.days,
                    slot.week,
                    {{ to_scale("periods.kind", value_of(subject, "fact", "slot.period")) }} as y
                from (
                    select
                        array_agg(recent.period) as periods,
                        array_agg(recent.days) as days,
                        array_agg(recent.week) as weeks
                    from (
                        select
                            days.days,
                            weeks.week,
                            {{ days_before(grain, "periods.period", "(days.days + 7 * weeks.week)") }} as period
                        from generate_series(0, 4) as days (days)
                        cross join generate_series(0, {{ var("anomaly_weeks") }}) as weeks (week)
                    ) as recent
                    where {{ condition }}
                        and not {{ is_holiday(grain, "recent.period") }}
                        and {{ is_whole(grain, "periods", "recent.period") }}
                ) as asked
                cross join lateral unnest(asked.periods, asked.days, asked.weeks) as slot (period, days, week)
                {{ join_fact(grain, subject, "fact", "slot.period", "asked.periods") }}
            ) as valued
        ) as paired
        where paired.days > 0 and paired.y > 0
        group by paired.days
    ) as told
    where told.y >= 0
{% endmacro %}

{#
    One row per series and complete period with enough history: its value, its band, and the reason where it is outside.
    Where `is_flagged_only`, a value that its own weeks explain is given up before its neighbours are asked.
#}
{% macro expected(grain, subject, is_flagged_only) %}
    {%- set g = grain_of(grain) %}
    {%- set period_before = "(periods.period - " ~ g.one ~ ")" %}
    {%- set size = "nullif(greatest(weeks.middle, 0), 0)" %}
    select
        periods.metric,
        series.series_id,
        series.series,
        periods.period,
        here.value,
        band.expected,
        case when not {{ is_holiday(grain, "periods.period") }} then band.lower end as lower,
        band.upper,
        weeks.weeks,
        case
            when here.value between yesterday.lower and yesterday.upper and outside.reason is not null then 'level_shift'
            else outside.reason
        end as reason
    from {{ subject }}_periods as periods
    cross join lateral (
        {{ slots(grain) }}
    ) as slots
    {{ join_series(grain, subject) }}
    {{ join_fact(grain, subject, "fact", "periods.period", "array[periods.period]") }}
    {{ join_fact(grain, subject, "fact_before", period_before, "array[" ~ period_before ~ "]") }}
    cross join lateral (
        select
            {{ value_of(subject, "fact", "periods.period") }} as value,
            {{ "fact.denominator" if subject == "ratio" else "null::float8" }} as denominator
        offset 0
    ) as here
    cross join lateral (
        select case when periods.is_after_whole then {{ value_of(subject, "fact_before", period_before) }} end as value
        offset 0
    ) as earlier
    {%- if is_flagged_only %}
    cross join lateral (
        {{ steadiest_weeks_of(grain, subject, "slots.own_") }}
    ) as own
    cross join lateral (
        {{ band(subject, "own", "1") }}
    ) as own_band
    {%- endif %}
    cross join lateral (
        {{ steadiest_weeks_of(grain, subject, "slots.") }}
    ) as weeks
    cross join lateral (
        {{ band(subject, "weeks", "1") }}
    ) as plain
    cross join lateral (
        {{ told_by_last_days(
            grain, subject, "not weeks.is_change and here.value not between plain.lower and plain.upper"
        ) }}
    ) as told
    cross join lateral (
        select
            {{ middle_of_1_and("told.by_days[1] / " ~ size, "told.by_days[2] / " ~ size) }} as level,
            coalesce(told.by_days[1] / {{ size }}, 1) as of_yesterday
        offset 0
    ) as levels
    cross join lateral (
        {{ band(subject, "weeks", "levels.level") }}
    ) as band
    cross join lateral (
        {{ band(subject, "weeks", "levels.level", "_before") }}
    ) as band_before
    cross join lateral (
        {{ band(subject, "weeks", "levels.of_yesterday") }}
    ) as yesterday
    cross join lateral (
        select
            here.value > band.far_upper
            or here.value > band.upper and earlier.value > band_before.upper and not weeks.is_change as is_high,
            here.value < band.far_lower
            or here.value < band.lower and earlier.value < band_before.lower and not weeks.is_change as is_low
    ) as judged
    cross join lateral (
        select
            case
                when judged.is_high then 'high'
                when judged.is_low and not {{ is_holiday(grain, "periods.period") }} then 'low'
            end as reason
        offset 0
    ) as outside
    where here.value is not null
        and weeks.weeks >= {{ var("anomaly_least_weeks") }}
        {%- if is_flagged_only %}
        and here.value not between own_band.lower and own_band.upper
        and outside.reason is not null
        {%- endif %}
{% endmacro %}

{# The CTEs that all of it reads. #}
{% macro expected_ctes(grain) %}
    {%- set g = grain_of(grain) %}
    {%- set period = "dates.date_day" if grain == "day" else "read.hour_at" %}
with metrics as (
    select * from {{ ref("dim_metric") }}
    where status = 'active'
),

series as (
    select * from {{ ref("dim_series") }}
),

coverage as not materialized (
    select * from {{ ref("fct_coverage_hourly") }}
),

dates as (
    select * from {{ ref("dim_date") }}
),

holidays as (
    select date_day
    from dates
    where holiday is not null
),

-- Complete periods of each metric. A ratio's are its denominator's, since it has no stream; its row says whether it is.
whole_periods as not materialized (
    select
        metrics.metric,
        metrics.kind,
        metrics.zero_fill,
        read_metrics.stream,
        read_metrics.settle_minutes,
        read_metrics.day_from,
        {{ period }} as period,
        earlier.is_whole as is_after_whole
    from metrics
    inner join metrics as read_metrics on read_metrics.metric = coalesce(metrics.denominator, metrics.metric)
    {%- if grain == "day" %}
    inner join dates
        on dates.date_day < {{ day_of(now()) }}
        and {{ is_whole(grain, "read_metrics", period) }}
    {%- else %}
    inner join coverage as read
        on read.stream = read_metrics.stream
        and read.read_at >= {{ settled_at("read.hour_at", "read_metrics") }}
    {%- endif %}
    cross join lateral (
        select {{ is_whole(grain, "read_metrics", period ~ " - " ~ g.one) }} as is_whole
        offset 0
    ) as earlier
),

flow_periods as not materialized (
    select * from whole_periods
    where kind in ('counter', 'gauge', 'reported')
),

stock_periods as not materialized (
    select * from whole_periods
    where kind = 'stock'
),

ratio_periods as not materialized (
    select * from whole_periods
    where kind = 'ratio'
)
{% endmacro %}

{# The same of all subjects: flows, stocks and ratios. #}
{% macro expected_of_all(grain, is_flagged_only) %}
    {%- for subject in ("flow", "stock", "ratio") %}
    {{ expected(grain, subject, is_flagged_only) }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
{% endmacro %}
