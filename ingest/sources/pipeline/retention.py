"""What the pipeline wrote of itself is kept for a set time. The reads are not among it: the facts hang on them."""

import datetime as dt

# Table -> the column of its time.
KEPT = {
    "ops.runs": "started_at",
    "ops.steps": "started_at",
    "ops.nodes": "started_at",
    "ops.found": "found_at",
    "ops.google_analytics_quota": "asked_at",
}
# What a source said last is what is known of it, however long ago.
BUT_THE_LATEST = """
    and exists (select from ops.runs later where later.source = runs.source and later.run_id > runs.run_id)
"""


def prune(cursor, now: dt.datetime, keeps: dt.timedelta) -> None:
    """Drop the rows that are older than `keeps`, by the clock of the run and by the one on the wall."""
    for table, time in KEPT.items():
        latest = BUT_THE_LATEST if table == "ops.runs" else ""
        cursor.execute(
            f"delete from {table} where {time} < least(%s, clock_timestamp()) - %s {latest}",
            (now, keeps),
        )
