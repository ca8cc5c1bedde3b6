"""The benches, each one idea: `run(scale)` yields its comparisons, and the first line of its docstring says what of."""

from bench.benches import (
    backfill,
    bloat,
    dirty_day,
    empty_tick_cold,
    first_load,
    first_load_20m,
    google_analytics,
    history,
    history_5y,
    job_2018,
    job_2018_1000x,
    panels,
    prometheus,
    tick,
)

BENCHES = {
    "first_load": first_load,
    "first_load_20m": first_load_20m,
    "prometheus": prometheus,
    "google_analytics": google_analytics,
    "job_2018": job_2018,
    "job_2018_1000x": job_2018_1000x,
    "empty_tick_cold": empty_tick_cold,
    "tick": tick,
    "history": history,
    "history_5y": history_5y,
    "dirty_day": dirty_day,
    "backfill": backfill,
    "panels": panels,
    "bloat": bloat,
}
# Only with --full, or by name.
LONG = frozenset({"first_load_20m", "history_5y", "job_2018_1000x", "bloat"})
