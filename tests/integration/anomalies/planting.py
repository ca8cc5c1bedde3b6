"""Lists of anomalies: the one that is committed, and others drawn by seed to hold out."""

import csv
import datetime as dt
from collections.abc import Callable
from random import Random

from tests.integration.anomalies.world import (
    FIRST_JUDGED,
    FOLDER,
    HOLIDAYS,
    LAST_DAY,
    PARIS,
    Planted,
    Series,
    read_series,
)

CLOCKS_CHANGE = dt.date(2026, 10, 25)
# Days between two anomalies of a series, so that each is on its own.
APART = 8
# A level or a drift stays: nothing comes after it.
STAYS = 60


def committed() -> list[Planted]:
    """Return the lines of planted.csv."""
    with (FOLDER / "planted.csv").open() as lines:
        return [
            Planted(
                row["series"],
                row["type"],
                dt.datetime.fromisoformat(row["starts_at"]),
                int(row["hours"]),
                float(row["size"]),
            )
            for row in csv.DictReader(lines)
        ]


def drawn(seed: str) -> list[Planted]:
    """Return a list of as many of each type, in other series, at other times, of other sizes."""
    return _Planting(seed).planted


class _Planting:
    def __init__(self, seed: str):
        self.random, self.planted, self.used = Random(f"planted/{seed}"), [], {}
        random, days = self.random, (LAST_DAY - FIRST_JUDGED).days
        of = {}
        for series in read_series():
            of.setdefault(series.kind, []).append(series)
        quiet = [each for each in of["counter"] if each.size >= 20 and each.noise < 0.2]
        measured = [*of["counter"][-10:], *of["gauge"], *of["pool"], of["stock"][0]]
        clocks = (CLOCKS_CHANGE - FIRST_JUDGED).days

        self._plant(6, "drift", [*quiet, of["gauge"][0], of["gauge"][3]], self._drift, range(5, days - 32))
        self._plant(8, "level", [*quiet, *of["gauge"], of["pool"][0]], self._level, range(8, days - 8))
        self._plant(1, "spike", quiet, self._spike, [clocks])
        self._plant(1, "drop", quiet, self._drop, [clocks])
        self._plant(15, "spike", [*of["counter"], *of["gauge"][:4]], self._spike, range(days))
        self._plant(12, "drop", [*quiet, *of["gauge"], *of["pool"]], self._drop, range(days))
        outages = [each for each in of["counter"] if each.size >= 10]
        self._plant(5, "outage", outages, lambda _: (random.randint(3, 10), 0), range(days))
        self._plant(8, "missing", measured, lambda _: (1, 0), range(days), range(24))
        self._plant(2, "unread", of["gauge"], lambda _: (1, 0), range(days), range(24))
        self._plant(4, "jump", of["stock"], self._jump, range(days))
        self._plant(6, "share", of["ratio"], self._share, range(days))
        self._plant(4, "day", of["days"], lambda _: (24, random.choice((0.2, 0.3, 2.5, 3))), range(days), range(1))

    def _plant(
        self,
        count: int,
        type_: str,
        series: list[Series],
        make: Callable[[Series], tuple[int, float]],
        days: range | list[int],
        hours: range = range(9, 20),
    ) -> None:
        for _ in range(count):
            while True:
                chosen = self.random.choice(series)
                day = FIRST_JUDGED + dt.timedelta(days=self.random.choice(days))
                length, size = make(chosen)
                last = day + dt.timedelta(days=STAYS if type_ in ("level", "drift") else length // 24)
                if day not in HOLIDAYS and self._is_free(chosen, day, last):
                    break
            self.used.setdefault(chosen.name, []).append((day, last))
            at = dt.datetime.combine(day, dt.time(self.random.choice(hours)), PARIS).astimezone(dt.timezone.utc)
            self.planted.append(Planted(chosen.name, type_, at, length, round(size, 3)))

    def _is_free(self, series: Series, first: dt.date, last: dt.date) -> bool:
        apart = dt.timedelta(days=APART)
        return all(last + apart <= start or end + apart <= first for start, end in self.used.get(series.name, []))

    def _drift(self, _: Series) -> tuple[int, float]:
        return 24 * self.random.randint(24, 30), self.random.choice((0.975, 0.98, 1.02, 1.025))

    def _level(self, _: Series) -> tuple[int, float]:
        return 72, self.random.choice((0.4, 0.5, 0.55, 1.8, 2, 2.5))

    def _spike(self, series: Series) -> tuple[int, float]:
        """Ten times what moves the series by itself, and half of it to three times it more."""
        chance = series.size**-0.5 if series.kind == "counter" else 0
        most = 3 if series.kind == "counter" else 1
        return self.random.randint(1, 3), 1 + 10 * (series.noise + chance) + self.random.uniform(0.5, most)

    def _drop(self, _: Series) -> tuple[int, float]:
        return self.random.randint(2, 6), self.random.uniform(0, 0.35)

    def _jump(self, series: Series) -> tuple[int, float]:
        return 1, round(series.size * self.random.choice((-25, -15, 15, 30)))

    def _share(self, series: Series) -> tuple[int, float]:
        size = self.random.uniform(0.3, 0.7) if series.share > 0.5 else 3 if series.share > 0.1 else None
        return self.random.randint(2, 6), size or self.random.uniform(2.5, 5)
