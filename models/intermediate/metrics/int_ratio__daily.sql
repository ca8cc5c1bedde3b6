{{ config(materialized="view") }}

{{ ratios(ref("fct_metric_daily"), "date_day", covered_day) }}
