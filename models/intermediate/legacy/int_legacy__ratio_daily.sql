{{ config(materialized="view") }}

{{ ratios(ref("int_legacy__daily"), "utc_day", covered_utc_day) }}
