select
    stream,
    metric,
    date_day
from pg_temp.dirty_days
