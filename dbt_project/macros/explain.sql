{# The query that lists the raw rows of a metric in a period: what a person who doubts a number wants to see. #}
{% macro raw_rows(metric, period) -%}
    case split_part({{ metric }}.stream, '.', 1)
        when 'events' then {{ rows_between(period, "raw.events_events", "occurred_at") }}
        when 'spiders' then {{ rows_between(period, "raw.spiders_statuses", "reported_at") }}
        when 'prometheus' then
            case
                when explain.grain = 'day' and {{ metric }}.day_from = 'source'
                    then {{ rows_between(period, "raw.prometheus_days", "day_at", metric) }}
                else {{ rows_between(period, "raw.prometheus_samples", "hour_at", metric) }}
            end
        when 'pipeline' then {{ rows_between(period, "raw.pipeline_samples", "hour_at", metric) }}
        when 'google_analytics' then
            case {{ metric }}.day_from
                when 'source' then
                    format(
                        'select * from raw.google_analytics_days where stream = %L and metric = %L and date_day = %L',
                        {{ metric }}.stream, {{ metric }}.metric, {{ period }}.date_day
                    )
                else {{ rows_between(period, "raw.google_analytics_hours", "hour_at", metric) }}
            end
        when 'website' then
            case {{ metric }}.stream
                when 'website.counts' then {{ rows_between(period, "raw.website_object_counts", "counted_at") }}
                else {{ rows_between(period, "raw.website_objects", "created_at") }}
            end
    end
{%- endmacro %}

{# Raw is indexed by the hour in which a row lies; a table of many streams by the stream before it. #}
{% macro rows_between(period, table, time, metric=none) -%}
    format(
        $q$select * from {{ table }} where {% if metric %}stream = %L and metric = %L and {% endif -%}
        {{ hour_of(time) }} >= %L and {{ hour_of(time) }} < %L order by {{ time }}$q$,
        {%- if metric %} {{ metric }}.stream, {{ metric }}.metric, {% endif %}
        {{ period }}.start_at, {{ period }}.end_at
    )
{%- endmacro %}
