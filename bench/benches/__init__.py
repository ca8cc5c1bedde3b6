"""The benches, each one idea: `run(scale)` yields its comparisons, and the first line of its docstring says what of."""

from bench.benches import first_load, first_load_20m, google_analytics, prometheus

BENCHES = {
    "first_load": first_load,
    "first_load_20m": first_load_20m,
    "prometheus": prometheus,
    "google_analytics": google_analytics,
}
# Only with --full, or by name.
LONG = frozenset({"first_load_20m"})
