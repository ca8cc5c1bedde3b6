{{ config(materialized="view") }}

select
    annotated_at,
    kind,
    text,
    metric
from {{ ref("annotations") }}
