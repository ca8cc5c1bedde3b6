"""Numbers as people write them: 1,234; 12.3 k; 3.4 %; 1.3 GB; 420 ms. `assets/numbers.js` is the same for a browser."""

import math
from decimal import ROUND_HALF_UP, Decimal

from dashboards.panels import Unit

# What the registry calls a unit, and how it is written; of any other things are counted.
UNITS: dict[str, Unit] = {"ratio": "share", "ms": "milliseconds", "s": "seconds", "bytes": "bytes"}
SPACE = "\u202f"  # narrow and unbreakable: a number and its unit stay on one line
MINUS = "\u2212"
THOUSANDS = (("", 1), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12))
BYTES = (("B", 1), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12))
SECONDS = (("ms", 0.001), ("s", 1), ("min", 60), ("h", 3600), ("d", 86400))
IN_SECONDS = {"milliseconds": 0.001, "seconds": 1, "minutes": 60}
NOTHING = {"bytes": f"0{SPACE}B", "milliseconds": f"0{SPACE}ms", "seconds": f"0{SPACE}s", "minutes": f"0{SPACE}min"}
WRITTEN_OUT = 10_000  # below it a count has all its digits: 9,982 users say more than 10 k
ROUNDED_UP = 0.9995  # 999,960 is 1.0 M, not 1,000 k


def short(value: float, unit: Unit) -> str:
    """Return a value for a tile or an axis: few digits, and its unit where that is a measure."""
    if unit == "share":
        return percent(value)
    if value == 0:
        return NOTHING.get(unit, "0")
    if unit == "bytes":
        return _scaled(value, BYTES)
    if unit in IN_SECONDS:
        return _scaled(value * IN_SECONDS[unit], SECONDS)
    return long(value, unit) if abs(value) < WRITTEN_OUT else _scaled(value, THOUSANDS)


def long(value: float, unit: Unit) -> str:
    """Return a value for a table: a count with all its digits, a measure as `short` has it."""
    if unit in ("share", "bytes") or unit in IN_SECONDS:
        return short(value, unit)
    decimals = 0 if _is_whole(value) or abs(value) >= 1000 else 2 if abs(value) < 10 else 1
    return _sign(value) + _fixed(value, decimals)


def percent(value: float) -> str:
    """Return a share in percent: 3.4 %, and 1.04 % where one decimal would hide which side of 1 % it is."""
    hundred = abs(value) * 100
    decimals = 0 if hundred in (0, 100) else 2 if hundred < 1.995 else 1
    return f"{_sign(value)}{_fixed(hundred, decimals)}{SPACE}%"


def change(value: float) -> str:
    """Return a relative change with its sign: +3.4 %."""
    return ("+" if value > 0 else "") + percent(value)


def _scaled(value: float, steps: tuple[tuple[str, float], ...]) -> str:
    """Return a value in the largest step of which it is at least one."""
    name, size = next((step for step in reversed(steps) if abs(value) >= step[1] * ROUNDED_UP), steps[0])
    number = abs(value) / size
    text = _sign(value) + _fixed(number, 0 if _is_whole(number) or number >= 100 else 1)
    return f"{text}{SPACE}{name}" if name else text


def _fixed(value: float, decimals: int) -> str:
    """Return a magnitude with thousands; a half is rounded up, as browsers do."""
    return f"{Decimal(abs(value)).quantize(Decimal(1).scaleb(-decimals), ROUND_HALF_UP):,}"


def _is_whole(value: float) -> bool:
    return math.isclose(value, round(value), rel_tol=1e-9, abs_tol=1e-9)


def _sign(value: float) -> str:
    return MINUS if value < 0 else ""
