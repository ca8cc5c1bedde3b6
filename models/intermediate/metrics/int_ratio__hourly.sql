{{ config(materialized="view") }}

{{ ratios(ref("fct_metric_hourly"), "hour_at", covered_hour) }}
