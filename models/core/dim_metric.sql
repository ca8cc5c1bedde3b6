{{ config(materialized="view") }}

select
    metric,
    label,
    description,
    unit,
    kind,
    stream,
    stage,
    direction,
    owner,
    status,
    is_public,
    zero_fill,
    day_from,
    across_labels,
    settle_minutes,
    fresh_minutes,
    numerator,
    numerator_labels,
    denominator,
    denominator_labels,
    legacy_name,
    version
from {{ ref("metrics") }}
