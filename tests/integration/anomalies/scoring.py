"""How many of the planted anomalies are found, and how many alarms are about nothing."""

import datetime as dt
from collections import Counter
from dataclasses import dataclass

from tests.integration.anomalies.world import FIRST_JUDGED, HOUR, Planted, midnight

FLAGGED = """
    select 'hour', series, time, time + interval '1 hour', reason
    from intermediate.int_anomalies__hourly
    where time >= %(since)s
    union all
    select 'day', series, time, (date_day + 1)::timestamp at time zone 'Europe/Paris', reason
    from intermediate.int_anomalies__daily
    where time >= %(since)s
    order by 1, 2, 3
"""
# Flags of one series that follow each other so closely are one alarm.
PAUSE = {"hour": 3 * HOUR, "day": dt.timedelta(days=1)}
# A drift is told while the median of a week moves.
AFTERWARDS = {"drift": dt.timedelta(days=7)}
REASONS = {
    "spike": {"high"},
    "drop": {"low"},
    "outage": {"low"},
    "level": {"high", "low", "level_shift"},
    "drift": {"drift"},
    "missing": {"missing"},
    "unread": {"missing"},
    "jump": {"high", "low"},
    "share": {"high", "low"},
    "day": {"high", "low"},
}


@dataclass
class Alarm:
    """Flags of one series that follow each other."""

    grain: str
    series: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    reasons: set[str]


@dataclass(frozen=True)
class Score:
    """Planted anomalies by whether they were found, and alarms by whether they are of one."""

    found: list[Planted]
    missed: list[Planted]
    well_reasoned: int
    true_alarms: list[Alarm]
    false_alarms: list[Alarm]

    @property
    def precision(self) -> float:
        """The share of alarms that are of a planted anomaly."""
        return len(self.true_alarms) / (len(self.true_alarms) + len(self.false_alarms))

    @property
    def recall(self) -> float:
        """The share of planted anomalies that were found."""
        return len(self.found) / (len(self.found) + len(self.missed))

    def table(self) -> str:
        """Return a table: type, planted, found; then the false alarms by grain and reason."""
        found, missed = Counter(each.type for each in self.found), Counter(each.type for each in self.missed)
        lines = [f"{'type':<14}{'planted':>8}{'found':>8}"]
        lines += [f"{type_:<14}{found[type_] + missed[type_]:>8}{found[type_]:>8}" for type_ in sorted(found | missed)]
        total = len(self.found) + len(self.missed)
        lines += [f"{'all':<14}{total:>8}{len(self.found):>8}", ""]
        false = Counter((alarm.grain, *sorted(alarm.reasons)) for alarm in self.false_alarms)
        lines += [f"false alarm by {' '.join(what)}: {count}" for what, count in sorted(false.items())]
        lines += [
            f"{len(self.true_alarms)} alarms of {len(self.found)} anomalies, {len(self.false_alarms)} of none; "
            f"{self.well_reasoned} found with the right reason",
            f"precision {self.precision:.3f}, recall {self.recall:.3f}",
        ]
        return "\n".join(lines)


def score(connection, planted: list[Planted]) -> Score:
    """Ask the marts for the judged weeks; returns how they did."""
    with connection, connection.cursor() as cursor:
        cursor.execute(FLAGGED, {"since": midnight(FIRST_JUDGED)})
        alarms = _alarms(cursor.fetchall())
    of = {id(each): [alarm for alarm in alarms if _is_of(alarm, each)] for each in planted}
    true = {id(alarm) for found in of.values() for alarm in found}
    return Score(
        found=[each for each in planted if of[id(each)]],
        missed=[each for each in planted if not of[id(each)]],
        well_reasoned=sum(any(alarm.reasons & REASONS[each.type] for alarm in of[id(each)]) for each in planted),
        true_alarms=[alarm for alarm in alarms if id(alarm) in true],
        false_alarms=[alarm for alarm in alarms if id(alarm) not in true],
    )


def _alarms(flags: list[tuple]) -> list[Alarm]:
    alarms: list[Alarm] = []
    for grain, series, starts_at, ends_at, reason in flags:
        last = alarms[-1] if alarms else None
        if last and (last.grain, last.series) == (grain, series) and starts_at - last.ends_at < PAUSE[grain]:
            last.ends_at = ends_at
            last.reasons.add(reason)
        else:
            alarms.append(Alarm(grain, series, starts_at, ends_at, {reason}))
    return alarms


def _is_of(alarm: Alarm, planted: Planted) -> bool:
    """Whether an alarm is of an anomaly: of its series (a side of its ratio; its stream if unread), while it lasts."""
    name, target = (alarm.series.split(" ")[0], planted.series)
    if planted.type == "unread":
        name, target = name.split(".")[0], target.split(".")[0]
    ends_at = planted.starts_at + planted.hours * HOUR + AFTERWARDS.get(planted.type, dt.timedelta())
    return name == target and alarm.starts_at < ends_at and planted.starts_at < alarm.ends_at
