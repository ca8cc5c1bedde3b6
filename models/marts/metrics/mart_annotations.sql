with annotations as (
    select * from {{ ref("dim_annotation") }}
)

select
    annotated_at as time,
    initcap(kind) || ': ' || text as text,
    kind as tags,
    metric
from annotations
