{{
    config(
        materialized="incremental",
        incremental_strategy="replace_changed",
        unique_key=["date_day"],
        full_refresh=false,
        on_schema_change="append_new_columns",
        meta={"distribution": "reference"},
    )
}}

with hours as (
    select * from {{ ref("dim_hour") }}
),

holidays as (
    select * from {{ ref("holidays") }}
),

days as (
    select date_day
    from hours
    group by date_day
)

select
    days.date_day,
    {{ day_start("days.date_day") }} as starts_at,
    {{ hours_in_day("days.date_day") }} as hours_in_day,
    extract(isoyear from days.date_day)::smallint as iso_year,
    extract(week from days.date_day)::smallint as iso_week,
    extract(isodow from days.date_day)::smallint as iso_weekday,
    holidays.holiday
from days
left join holidays on holidays.date_day = days.date_day
