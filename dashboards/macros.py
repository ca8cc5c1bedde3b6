"""What Grafana makes of a panel's SQL before PostgreSQL sees it: the macros of its data source, and its variables.

Grafana fills in the variables first, so that a value that is written like a macro breaks its statement there; here it
stays a value. The rules are those of the plugin grafana-postgresql-datasource, read in its source: so a macro's
argument can't hold a closing parenthesis, days of $__timeGroup are days of UTC, and any other $name( is an error.
"""

import datetime as dt
import re
from collections.abc import Callable, Mapping, Sequence

MACRO = re.compile(r"\$([_a-zA-Z0-9]+)\(([^)]*)\)")
VARIABLE = re.compile(r"\$\{(\w+)(?::(\w+))?\}")
DURATION = re.compile(r"'?(\d+)(ms|s|m|h|d|w|M|y)'?")
SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}
# Of a bucket on a screen of some 1,000 points, never below the data source's timeInterval.
SHORTEST_INTERVAL = 3600


class MacroError(Exception):
    """Grafana, or PostgreSQL after it, would refuse the statement; the message says what is wrong with it."""


def expand(sql: str, start: dt.datetime, end: dt.datetime, variables: Mapping[str, Sequence[str]] | None = None) -> str:
    """Return the statement that PostgreSQL gets for a time range, with the values chosen of each variable.

    Raises MacroError for an unknown macro or variable, or where a $ is left.
    """
    _refuse_what_is_left(sql)
    interval = max(int((end - start).total_seconds() / 1000), SHORTEST_INTERVAL)
    for name, text in {
        "$__interval_ms": str(interval * 1000),
        "$__interval": f"{interval}s",
        "$__unixEpochFrom()": str(int(start.timestamp())),
        "$__unixEpochTo()": str(int(end.timestamp())),
    }.items():
        sql = sql.replace(name, text)
    return _filled(MACRO.sub(lambda found: _expanded(found, sql, start, end), sql), variables or {})


def choose(sql: str, variables: Mapping[str, Sequence[str]]) -> str:
    """Return the statement that Grafana's browser sends: with the values chosen of each variable, and its macros.

    Raises MacroError for an unknown variable, or where a $ is left.
    """
    _refuse_what_is_left(sql)
    return _filled(sql, variables)


def _filled(sql: str, variables: Mapping[str, Sequence[str]]) -> str:
    return VARIABLE.sub(lambda found: _chosen(found, variables), sql)


def _refuse_what_is_left(sql: str) -> None:
    """Look for a $ that nothing replaces; in the statement as it is written, since values may hold one."""
    left = re.search(r"\$\S{0,30}", re.sub(r"\$__interval(_ms)?\b", "", MACRO.sub("", VARIABLE.sub("", sql))))
    if left:
        raise MacroError(f"{left[0]} is no macro and no variable")


def _chosen(found: re.Match, variables: Mapping[str, Sequence[str]]) -> str:
    name, form = found.groups()
    if name not in variables:
        raise MacroError(f"there is no variable {name}")
    if form == "sqlstring":
        return ",".join("'" + value.replace("'", "''") + "'" for value in variables[name])
    raise MacroError(f"{found[0]} is not quoted: write ${{{name}:sqlstring}}")


def _expanded(found: re.Match, sql: str, start: dt.datetime, end: dt.datetime) -> str:
    name, arguments = found[1], [argument.strip() for argument in found[2].split(",")]
    # Grafana looks at what stands behind the first of those that are written alike.
    if name == "__timeGroup" and sql[sql.index(found[0]) + len(found[0]) :].startswith(","):
        name = "__timeGroupAlias"
    if name not in MACROS:
        raise MacroError(f"unknown macro ${name}")
    if "(" in found[2]:
        raise MacroError(
            f"${name}({found[2]}: its argument ends at the first parenthesis that closes: give it a column"
        )
    try:
        return MACROS[name](arguments, start, end)
    except IndexError as error:
        raise MacroError(f"${name} needs another argument") from error


def _literal(at: dt.datetime) -> str:
    """Return an instant as Grafana writes it: RFC 3339 in UTC, without the zeros of a fraction."""
    text = at.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")
    return "'" + text.rstrip("0").rstrip(".") + "Z'"


def _seconds(text: str) -> str:
    duration = DURATION.fullmatch(text)
    if not duration:
        raise MacroError(f"{text} is no interval: write one such as '1h'")
    return f"{int(duration[1]) * SECONDS[duration[2]]:g}"


def _group(column: str, seconds: str) -> str:
    return f"floor({column}/{seconds})*{seconds}"


Macro = Callable[[list[str], dt.datetime, dt.datetime], str]
MACROS: dict[str, Macro] = {
    "__time": lambda given, start, end: f'{given[0]} AS "time"',
    "__timeEpoch": lambda given, start, end: f'extract(epoch from {given[0]}) as "time"',
    "__timeFilter": lambda given, start, end: f"{given[0]} BETWEEN {_literal(start)} AND {_literal(end)}",
    "__timeFrom": lambda given, start, end: _literal(start),
    "__timeTo": lambda given, start, end: _literal(end),
    "__timeGroup": lambda given, start, end: _group(f"extract(epoch from {given[0]})", _seconds(given[1])),
    "__timeGroupAlias": lambda given, start, end: MACROS["__timeGroup"](given, start, end) + ' AS "time"',
    "__unixEpochFilter": lambda given, start, end: (
        f"{given[0]} >= {int(start.timestamp())} AND {given[0]} <= {int(end.timestamp())}"
    ),
    "__unixEpochNanoFilter": lambda given, start, end: (
        f"{given[0]} >= {int(start.timestamp()) * 10**9} AND {given[0]} <= {int(end.timestamp()) * 10**9}"
    ),
    "__unixEpochGroup": lambda given, start, end: _group(f"({given[0]})", _seconds(given[1])),
    "__unixEpochGroupAlias": lambda given, start, end: MACROS["__unixEpochGroup"](given, start, end) + ' AS "time"',
}
