"""The benches, each one idea: `run(scale)` yields its comparisons, and the first line of its docstring says what of."""

from bench.benches import first_load

BENCHES = {
    "first_load": first_load,
}
# Only with --full, or by name.
LONG: frozenset[str] = frozenset()
