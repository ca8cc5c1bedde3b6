with period as (
    select
        case explain.grain
            when 'day' then {{ day_start(day_of("explain.at")) }}
            else {{ hour_of("explain.at") }}
        end as start_at,
        case explain.grain
            when 'day' then {{ day_start(day_of("explain.at") ~ " + 1") }}
            else {{ hour_of("explain.at") }} + interval '1 hour'
        end as end_at,
        {{ day_of("explain.at") }} as date_day
),

asked as (
    select * from {{ ref("dim_metric") }}
    where metric = explain.metric
),

-- A ratio is its two sides.
parts as (
    select parts.*
    from {{ ref("dim_metric") }} as parts
    inner join asked
        on parts.metric = asked.metric and asked.kind <> 'ratio'
        or parts.metric in (asked.numerator, asked.denominator)
),

-- The period, its neighbours and the week before, so that an odd value shows as one.
neighbours as (
    select
        names.name,
        case explain.grain
            when 'day' then {{ day_start("period.date_day + names.days") }}
            else names.hour_at
        end as start_at,
        period.date_day + names.days as date_day
    from period
    cross join lateral (
        values
        ('value', period.start_at, 0),
        ('before', period.start_at - interval '1 hour', -1),
        ('after', period.end_at, 1),
        ('week_before', {{ week_before("period.start_at") }}, -7)
    ) as names (name, hour_at, days)
),

shown as (
    {%- for mart, grain, period, neighbour in [
        (ref("mart_hourly"), "hour", "time", "start_at"), (ref("mart_daily"), "day", "date_day", "date_day")
    ] %}
    select
        marts.time,
        marts.series,
        marts.value,
        marts.target,
        marts.is_complete,
        marts.flags,
        marts.built_at
    from {{ mart }} as marts
    where explain.grain = '{{ grain }}'
        and marts.metric = explain.metric
        and marts.{{ period }} in (select {{ neighbour }} from neighbours)
    union all
    {%- endfor %}
    {%- for mart, grain, period, neighbour in [
        (ref("mart_duration_hourly"), "hour", "time", "start_at"),
        (ref("mart_duration_daily"), "day", "date_day", "date_day"),
    ] %}
    select
        marts.time,
        marts.series,
        marts.p95 as value,
        null::float8 as target,
        marts.is_complete,
        array['p95'] as flags,
        marts.built_at
    from {{ mart }} as marts
    where explain.grain = '{{ grain }}'
        and marts.metric = explain.metric
        and marts.{{ period }} in (select {{ neighbour }} from neighbours)
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

by_series as (
    select
        shown.series,
        jsonb_build_object(
            'series', shown.series,
            'value', max(shown.value) filter (where neighbours.name = 'value'),
            'target', max(shown.target) filter (where neighbours.name = 'value'),
            'is_complete', bool_or(shown.is_complete) filter (where neighbours.name = 'value'),
            'flags', jsonb_agg(to_jsonb(shown.flags)) filter (where neighbours.name = 'value') -> 0,
            'built_at', max(shown.built_at) filter (where neighbours.name = 'value'),
            'before', max(shown.value) filter (where neighbours.name = 'before'),
            'after', max(shown.value) filter (where neighbours.name = 'after'),
            'week_before', max(shown.value) filter (where neighbours.name = 'week_before')
        ) as line
    from shown
    inner join neighbours on neighbours.start_at = shown.time
    group by shown.series
),

-- The band of each value, and why it is an anomaly; then those that have no band: what is missing, or drifts.
judged as (
    {%- for grain, expected, anomalies, period, asked in [
        ("hour", ref("mart_expected_hourly"), ref("mart_anomalies_hourly"), "time", "start_at"),
        ("day", ref("mart_expected_daily"), ref("mart_anomalies_daily"), "date_day", "date_day"),
    ] %}
    {%- for mart, condition in [(expected, "true"), (anomalies, "marts.reason in ('missing', 'drift')")] %}
    select
        marts.series,
        marts.reason,
        marts.value,
        marts.expected,
        marts.lower,
        marts.upper
    from {{ mart }} as marts
    where explain.grain = '{{ grain }}'
        and marts.metric = explain.metric
        and marts.{{ period }} = (select {{ asked }} from period)
        and {{ condition }}
    {{ "union all" if not loop.last }}
    {%- endfor %}
    {{ "union all" if not loop.last }}
    {%- endfor %}
),

sides as (
    select
        numerator,
        denominator
    from {{ ref("int_ratio__hourly") }}
    where explain.grain = 'hour' and metric = explain.metric and hour_at = (select start_at from period)
    union all
    select
        numerator,
        denominator
    from {{ ref("int_ratio__daily") }}
    where explain.grain = 'day' and metric = explain.metric and date_day = (select date_day from period)
),

revisions as (
    select
        series.series,
        revisions.revised_at,
        revisions.old_value,
        revisions.new_value,
        revisions.reason
    from {{ ref("fct_metric_revision") }} as revisions
    inner join parts on parts.metric = revisions.metric
    left join {{ ref("dim_series") }} as series on series.series_id = revisions.series_id
    where revisions.grain = explain.grain and revisions.period_at = (select start_at from period)
),

reads as (
    select
        reads.read_id,
        reads.stream,
        reads.period_start,
        reads.period_end,
        reads.started_at,
        reads.finished_at,
        reads.row_count,
        exists (
            select from ops.built_reads as built
            where built.fact = 'fct_metric_hourly' and built.read_id = reads.read_id
        ) as is_built,
        exists (
            select from ops.closed
            cross join period
            where closed.stream = reads.stream
                and closed.until > period.start_at
                and closed.last_read_id < reads.read_id
        ) as is_closed
    from {{ ref("stg_ingest__reads") }} as reads
    where reads.stream in (select stream from parts)
        and tstzrange(reads.period_start, reads.period_end)
        && (select tstzrange(start_at, end_at) from period)
    order by reads.started_at desc, reads.read_id desc
    limit 20
),

complete as (
    select
        parts.stream,
        count(coverage.hour_at) as hours_read,
        (extract(epoch from period.end_at - period.start_at) / 3600)::int as hours,
        min(coverage.read_at) as read_at,
        period.end_at + max(parts.settle_minutes) * interval '1 minute' as settled_at
    from parts
    cross join period
    left join {{ ref("fct_coverage_hourly") }} as coverage
        on coverage.stream = parts.stream
        and coverage.hour_at >= period.start_at
        and coverage.hour_at < period.end_at
    group by parts.stream, period.start_at, period.end_at
)

select jsonb_build_object(
    'metric', (select to_jsonb(asked) from asked),
    'grain', explain.grain,
    'start_at', (select start_at from period),
    'end_at', (select end_at from period),
    'closed_until', (
        select max(closed.until) from ops.closed
        where closed.stream in (select stream from parts) and closed.until > (select start_at from period)
    ),
    'is_to_come', (select start_at >= {{ now() }} from period),
    'timezone', '{{ var("business_timezone") }}',
    'series', (select coalesce(jsonb_agg(line order by series), '[]') from by_series),
    'expected', (
        select coalesce(jsonb_agg(to_jsonb(judged) order by series, reason is null, reason), '[]')
        from judged
    ),
    'sides', (select to_jsonb(sides) from sides),
    'streams', (select jsonb_agg(to_jsonb(complete) order by stream) from complete),
    'reads', (select coalesce(jsonb_agg(to_jsonb(reads) order by started_at desc, read_id desc), '[]') from reads),
    'revisions', (select coalesce(jsonb_agg(to_jsonb(revisions) order by revised_at desc), '[]') from revisions),
    'freshness', (select to_jsonb(freshness) from {{ ref("freshness") }} as freshness where freshness.metric = explain.metric),
    'raw_rows', (
        select jsonb_agg({{ raw_rows("parts", "period") }} order by parts.metric)
        from parts
        cross join period
    )
)
where exists (select from asked)
