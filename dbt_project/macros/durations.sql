{#
    Buckets of durations: bucket b holds 1.02^b to 1.02^(b+1) ms, and stands for their geometric middle, so the
    relative error is at most sqrt(1.02) - 1 = 0.995 %. Below 1 ms is bucket -1, which stands for 0.
#}
{% macro duration_bucket(milliseconds) -%}
    case
        when {{ milliseconds }} < 1 then -1
        else floor(ln({{ milliseconds }}::float8) / ln(1.02::float8))
    end::smallint
{%- endmacro %}

{% macro duration_of_bucket(bucket) -%}
    case when {{ bucket }} < 0 then 0 else power(1.02::float8, {{ bucket }} + 0.5) end
{%- endmacro %}

{#
    Count, mean and percentiles of merged buckets by `keys`, from rows with those, sum, min, max, buckets and counts.
    Percentiles are those of all durations of the group, never a mean of percentiles. One chain without a join, so
    that a reader's condition on a key reaches the fact's index.
#}
{% macro duration_statistics(durations, keys) %}
    {%- set by = keys | join(", ") %}
    select
        {{ by }},
        sum(bucket_count)::bigint as count,
        sum(total)::float8 / sum(bucket_count)::float8 as mean,
        {%- for percentile in (50, 95, 99) %}
        least(
            greatest(
                {{ duration_of_bucket("min(bucket) filter (where reached >= group_count * 0." ~ percentile ~ ")") }},
                min(shortest)
            ),
            max(longest)
        ) as p{{ percentile }},
        {%- endfor %}
        min(shortest)::float8 as min,
        max(longest)::float8 as max,
        bool_and(is_complete) as is_complete,
        max(built_at) as built_at
    from (
        select
            merged.*,
            sum(bucket_count) over (partition by {{ by }} order by bucket) as reached,
            sum(bucket_count) over (partition by {{ by }}) as group_count
        from (
            select
                {{ by }},
                unnested.bucket,
                sum(unnested.bucket_count) as bucket_count,
                sum(durations.sum) filter (where unnested.number = 1) as total,
                min(durations.min) as shortest,
                max(durations.max) as longest,
                bool_and(durations.is_complete) as is_complete,
                max(durations.built_at) as built_at
            from {{ durations }} as durations
            cross join lateral unnest(durations.buckets, durations.counts)
                with ordinality as unnested (bucket, bucket_count, number)
            group by {{ by }}, unnested.bucket
        ) as merged
    ) as ranked
    group by {{ by }}
{%- endmacro %}
