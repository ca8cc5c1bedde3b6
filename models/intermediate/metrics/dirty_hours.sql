select
    stream,
    metric,
    hour_at
from pg_temp.dirty_hours
