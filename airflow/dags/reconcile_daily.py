"""Every night: the last 7 days and whole lists of objects are read again, and dbt builds with all its tests.

What a source deleted, moved or committed late is found here.
"""

import datetime as dt

from airflow.sdk import DAG
from business_dashboards import TASKS, build_with_all_tests, done_within, pipeline

with DAG(
    "reconcile_daily",
    schedule="35 2 * * *",
    start_date=dt.datetime(2018, 1, 1, tzinfo=dt.timezone.utc),
    catchup=False,
    max_active_runs=1,
    deadline=done_within(minutes=180),
    default_args=TASKS,
    tags=["business-dashboards"],
    doc_md=__doc__,
):
    pipeline([build_with_all_tests()], "--reconcile")
