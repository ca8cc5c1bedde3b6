with cells as (
    select * from {{ ref("mart_retention") }}
    where active_users is not null
)

-- Users are added up and not shares: a cohort of three says less than one of three hundred.
select
    week_number,
    count(*) as cohorts,
    sum(cohort_users)::bigint as cohort_users,
    sum(active_users)::bigint as active_users,
    sum(active_users)::float8 / sum(cohort_users)::float8 as share_active
from cells
group by week_number
