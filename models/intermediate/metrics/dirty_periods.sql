select
    metric,
    starts_at,
    ends_at
from pg_temp.dirty_periods
