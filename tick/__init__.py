"""One tick: what happens once an hour, in one process; by hand, by cron, by `make schedule` and by Airflow alike."""
