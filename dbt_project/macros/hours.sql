{#
    The instant from which hours are counted: 1970-01-01 00:MM UTC, MM by the business zone (India: 30). A zone that
    moves its clocks by half an hour (Lord Howe) is refused: an hour of its summer is two half hours of its winter.
#}
{% macro hour_origin() %}
    {%- if var("business_timezone") not in modules.pytz.all_timezones_set -%}
        {{- exceptions.raise_compiler_error(
            "dbt_project.yml: business_timezone " ~ var("business_timezone") ~ " is no time zone; write one such as "
            ~ "Europe/Paris"
        ) -}}
    {%- endif -%}
    {%- set zone = modules.pytz.timezone(var("business_timezone")) -%}
    {%- set minutes = [] -%}
    {%- for month in (1, 7) -%}
        {%- set offset = zone.utcoffset(modules.datetime.datetime(run_started_at.year, month, 1)) -%}
        {%- do minutes.append(-((offset.total_seconds() // 60) | int) % 60) -%}
    {%- endfor -%}
    {%- if minutes[0] != minutes[1] -%}
        {{- exceptions.raise_compiler_error(
            "dbt_project.yml: business_timezone " ~ var("business_timezone") ~ " moves its clocks by part of an hour, "
            ~ "so its hours can't be told apart; choose another zone"
        ) -}}
    {%- endif -%}
    {{- return("1970-01-01 00:%02d+00" | format(minutes[0])) -}}
{% endmacro %}

{# The hour in which an instant lies; the text of ingest.hours.hour_of, which raw's indexes hold. #}
{% macro hour_of(instant) -%}
    date_bin('1 hour', {{ instant }}, timestamptz '{{ hour_origin() }}')
{%- endmacro %}

{# The hours that a read may have changed: also those that it read in part. #}
{% macro hours_of(read) -%}
    generate_series({{ read }}.period_start, {{ read }}.period_end - interval '1 microsecond', interval '1 hour')
{%- endmacro %}

{# The business day in which an instant lies. #}
{% macro day_of(instant) -%}
    ({{ instant }} at time zone '{{ var("business_timezone") }}')::date
{%- endmacro %}

{# The instant at which a business day starts: its local midnight. #}
{% macro day_start(date_day) -%}
    (({{ date_day }})::timestamp at time zone '{{ var("business_timezone") }}')
{%- endmacro %}

{# The hours of a business day. The limit is for the planner, which takes a series for 1,000 rows. #}
{% macro hours_of_day(date_day) -%}
    (
        select
            generate_series(
                {{ day_start(date_day) }},
                {{ day_start(date_day ~ " + 1") }} - interval '1 microsecond',
                interval '1 hour'
            )
        limit 25
    )
{%- endmacro %}

{# How many hours a business day has: 23, 24 or 25. #}
{% macro hours_in_day(date_day) -%}
    (extract(epoch from {{ day_start(date_day ~ " + 1") }} - {{ day_start(date_day) }}) / 3600)::int
{%- endmacro %}

{# The same hour of local time a week before: 167 or 169 hours where the clocks changed between. #}
{% macro week_before(hour_at) -%}
    (
        ({{ hour_at }} at time zone '{{ var("business_timezone") }}' - interval '7 days')
        at time zone '{{ var("business_timezone") }}'
    )
{%- endmacro %}

{# The clock of views: the var `now`, else WAREHOUSE_NOW as in ingest, else the database's. #}
{% macro now() -%}
    {%- set fixed = var("now", env_var("WAREHOUSE_NOW", "")) -%}
    {{ "timestamptz '" ~ fixed ~ "'" if fixed else "now()" }}
{%- endmacro %}

{# The instant from which on a read of an hour shows it whole: its end, and the time that its metric settles. #}
{% macro settled_at(hour_at, metric) -%}
    {{ hour_at }} + interval '1 hour' + {{ metric }}.settle_minutes * interval '1 minute'
{%- endmacro %}

{# The same for a business day that its source reports as one. #}
{% macro day_settled_at(date_day, metric) -%}
    {{ day_start(date_day ~ " + 1") }} + {{ metric }}.settle_minutes * interval '1 minute'
{%- endmacro %}

{# The Monday of the business week in which an instant lies. #}
{% macro week_of(instant) -%}
    date_trunc('week', {{ instant }} at time zone '{{ var("business_timezone") }}')::date
{%- endmacro %}
