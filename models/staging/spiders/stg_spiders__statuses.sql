select
    spider_id,
    spider,
    workers,
    reported_at
from {{ source("spiders", "spiders_statuses") }}
