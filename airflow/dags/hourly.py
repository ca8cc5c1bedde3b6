"""Every hour: each source is read in a task of its own, then come the other steps of `python -m tick`.

A source that fails stops no other, and stops no build. Every run reads all that was not read, so a
missed hour needs no catch-up. To read a range again, trigger a run with the params from and to, or make a backfill.
"""

import datetime as dt

from airflow.sdk import DAG, CronDataIntervalTimetable
from business_dashboards import RANGE, TASKS, done_within, pipeline, steps_of_a_tick

with DAG(
    "hourly",
    schedule=CronDataIntervalTimetable("5 * * * *", "UTC"),
    start_date=dt.datetime(2018, 1, 1, tzinfo=dt.timezone.utc),
    catchup=False,
    max_active_runs=1,
    params=RANGE,
    deadline=done_within(minutes=50),
    default_args=TASKS,
    tags=["business-dashboards"],
    doc_md=__doc__,
):
    pipeline(steps_of_a_tick())
