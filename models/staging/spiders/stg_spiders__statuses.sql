-- Without CTEs: PostgreSQL does not merge a view that has some into the query that reads it, and a join by hour would
-- read all of raw (38,000 reports: 120 ms against 1) for want of its index.
select
    spider_id,
    spider,
    workers,
    reported_at
from {{ source("spiders", "spiders_statuses") }}
