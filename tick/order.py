"""The order of a tick's steps. The DAGs of Airflow read this file by its path, so it imports nothing."""

STEPS = ("ingest", "build", "freshness", "site", "notify")
