"""The property's reports: request in, response out, in the messages that both wires carry.

`report` answers the dimensions and metrics of `fields.py` for one range of absolute dates, filtered by dimensions,
in pages, and in the order asked for or in none. All else it refuses.
"""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache, partial
from itertools import chain
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from google.analytics.data_v1beta import types

from demo.analytics.fields import DIMENSIONS, METRICS, TYPE_INTEGER, Seen
from demo.analytics.refusals import incompatible, invalid, too_many, unknown
from demo.analytics.switches import Switches
from demo.analytics.visitors import UNASSIGNED, Session, sessions
from demo.company import SEED

DEFAULT_LIMIT, MOST_ROWS = 10_000, 250_000
MOST_DIMENSIONS, MOST_METRICS = 9, 10
BY_DAY, BY_HOUR = {"date", "dateHour"}, {"dateHour", "hour"}
OTHER = "(other)"
THRESHOLD = 10
DAY = dt.timedelta(days=1)
DAYS_AT_HAND = 9  # the 7 days of active7DayUsers, and two more; 12 MB
ANSWERED = {
    "property",
    "dimensions",
    "metrics",
    "date_ranges",
    "dimension_filter",
    "offset",
    "limit",
    "order_bys",
    "currency_code",
    "keep_empty_rows",
    "return_property_quota",
}

Response = types.RunReportResponse.pb()
Match = types.Filter.StringFilter.MatchType
OrderType = types.OrderBy.DimensionOrderBy.OrderType
Key = tuple[str, ...]
Row = tuple[Key, list[float]]


def report(request: Any, now: dt.datetime, switches: Switches) -> Any:
    """Return what a RunReportRequest asks for at an instant, without the quota; raises Refusal."""
    check(request)
    limit = min(request.limit or DEFAULT_LIMIT, MOST_ROWS)
    if switches.rows:
        count, page = switches.rows, list(artificial(request, switches.rows, limit))
    else:
        rows = ordered(request, table(request, now, switches))
        if request.offset and switches.moves > 0:
            switches.moves -= 1
            rows = rows[1:]
        count, page = len(rows), rows[request.offset : request.offset + limit]
    response = Response(kind="analyticsData#runReport", row_count=count)
    write_headers(response, request)
    write_rows(response, request, page, switches)
    write_metadata(response.metadata, request, switches)
    return response


# --- What is asked ---


def names(fields: Iterable[Any]) -> list[str]:
    """Return the names of the dimensions or metrics of a request."""
    return [field.name for field in fields]


def check(request: Any) -> None:
    """Raise Refusal for what can't be answered."""
    for descriptor, _ in request.ListFields():
        if descriptor.name not in ANSWERED:
            raise invalid(f"The demo does not answer {descriptor.json_name}.")
    dimensions, metrics = names(request.dimensions), names(request.metrics)
    used = list(dict.fromkeys([*dimensions, *filtered(request.dimension_filter)]))
    if not dimensions and not metrics:
        raise invalid("Requests require dimensions and/or metrics. Please add dimensions and/or metrics.")
    check_names(used, "dimension", MOST_DIMENSIONS, DIMENSIONS)
    check_names(metrics, "metric", MOST_METRICS, METRICS)
    for name in clashing(dimensions, metrics):
        raise incompatible(name)
    if request.offset < 0 or request.limit < 0:
        raise invalid("Limit and offset must not be negative.")
    for order in request.order_bys:
        if order_field(order) not in dimensions + metrics:
            raise invalid(f"Order by field {order_field(order)} is not a dimension or metric of the request.")
    dates(request)


def check_names(found: list[str], kind: str, most: int, known: dict) -> None:
    """Raise Refusal for too many names of a kind, or one that there is not."""
    if len(found) > most:
        raise too_many(f"{kind}s", most, len(found))
    for name in found:
        if name not in known:
            raise unknown(name, kind, difflib.get_close_matches(name, known, n=1))


def clashing(dimensions: list[str], metrics: list[str]) -> list[str]:
    """Return the metrics that the dimensions can't split: those over days, by hours."""
    return [name for name in metrics if METRICS[name].days > 1 and BY_HOUR & {*dimensions}]


def dates(request: Any) -> tuple[dt.date, dt.date]:
    """Return the first and the last day asked for; raises Refusal."""
    if len(request.date_ranges) != 1:
        raise invalid(f"The demo answers one date range. This request is for {len(request.date_ranges)}.")
    asked = request.date_ranges[0]
    try:
        first, last = dt.date.fromisoformat(asked.start_date), dt.date.fromisoformat(asked.end_date)
    except ValueError as error:
        raise invalid(f"{error}. The demo answers absolute dates, YYYY-MM-DD.") from error
    if first > last:
        raise invalid(f"Invalid date range: {first} is after {last}.")
    return first, last


# --- What there is ---


def table(request: Any, now: dt.datetime, switches: Switches) -> list[Row]:
    """Return the rows, in no order; where days are told apart, each is a table of its own."""
    first, last = dates(request)
    last = min(last, now.astimezone(ZoneInfo(switches.time_zone)).date())
    if first > last:
        return []
    by_day = BY_DAY & {*names(request.dimensions)} and switches.other not in BY_DAY
    spans = [(day, day) for day in days(first, last)] if by_day else [(first, last)]
    return [row for span in spans for row in span_table(request, *span, now, switches)]


def span_table(request: Any, first: dt.date, last: dt.date, now: dt.datetime, switches: Switches) -> Iterator[Row]:
    """Yield the rows of some days; metrics over several days look back from the last one."""
    metrics = [METRICS[name] for name in names(request.metrics)]
    groups = {}
    for lookback in {1, *(metric.days for metric in metrics)}:
        since = first if lookback == 1 else last - (lookback - 1) * DAY
        valuers = [valuer(name, lookback, last, switches) for name in names(request.dimensions)]
        groups[lookback] = grouped(seen_between(request, since, last, now, switches), valuers, switches)
    for key in dict.fromkeys(key for group in groups.values() for key in group):
        values = [metric.value(groups[metric.days].get(key, [])) for metric in metrics]
        if any(values) or request.keep_empty_rows or not metrics:
            yield key, values


def grouped(
    found: Iterable[Seen], valuers: list[Callable[[Seen], str]], switches: Switches
) -> dict[Key, list[Session]]:
    """Return the sessions of each key."""
    groups: dict[Key, list[Session]] = {}
    for seen in found:
        groups.setdefault(tuple([value(seen) for value in valuers]), []).append(seen.session)
    if switches.is_thresholded:
        return {key: sessions for key, sessions in groups.items() if len(sessions) >= THRESHOLD}
    return groups


def valuer(name: str, lookback: int, last: dt.date, switches: Switches) -> Callable[[Seen], str]:
    """Return what gives the value of a dimension; the date of a session that is looked back at is the last day."""
    date = f"{last:%Y%m%d}"
    value = (lambda seen: date) if name == "date" and lookback > 1 else DIMENSIONS[name].value
    if name != switches.other:
        return value
    return lambda seen: value(seen) if seen.session.visitor % 10 else OTHER


def seen_between(request: Any, first: dt.date, last: dt.date, now: dt.datetime, switches: Switches) -> Iterator[Seen]:
    """Return the sessions of some days that the request's filter accepts."""
    zone, accepts = ZoneInfo(switches.time_zone), accepter(request.dimension_filter)
    shown = (day for day in days(first, last) if day not in switches.without_days)
    found = chain.from_iterable(seen_on(day, now, zone) for day in shown)
    if switches.without_channels:
        found = (seen for seen in found if seen.channel not in switches.without_channels)
    return filter(accepts, found) if accepts else found


def days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    """Yield the days from a first to a last one."""
    return (first + number * DAY for number in range((last - first) // DAY + 1))


@lru_cache(maxsize=DAYS_AT_HAND)
def seen_on(day: dt.date, now: dt.datetime, zone: ZoneInfo) -> list[Seen]:
    """Return the sessions of a day of the property's that are processed."""
    asked_at, found = now.timestamp(), []
    start, end = midnight(day, zone).timestamp(), midnight(day + DAY, zone).timestamp()
    for hour in range(int(start // 3600), int(min(asked_at, end) // 3600) + 1):
        for session in sessions(hour):
            if session.processed_at <= asked_at and start <= session.started_at < end:
                channel = session.channel if session.attributed_at <= asked_at else UNASSIGNED
                found.append(Seen(session, date_hour(session.started_at // 900, zone), channel))
    return found


def midnight(day: dt.date, zone: ZoneInfo) -> dt.datetime:
    """Return the instant at which a day of a zone starts."""
    return dt.datetime.combine(day, dt.time(), zone)


@lru_cache(maxsize=4096)
def date_hour(quarter: float, zone: ZoneInfo) -> str:
    """Return the dateHour of a quarter of an hour since 1970: all offsets of zones are whole quarters."""
    return f"{dt.datetime.fromtimestamp(quarter * 900, zone):%Y%m%d%H}"


def artificial(request: Any, number: int, limit: int) -> Iterator[Row]:
    """Yield a page of a report of a number of rows, in the order of its dimensions."""
    first = f"{dates(request)[0]:%Y%m%d}"
    for row in range(request.offset, min(number, request.offset + limit)):
        hour = f"{row * 24 // number:02d}"
        times = {"date": first, "dateHour": first + hour, "hour": hour}
        key = tuple(times.get(name, f"{name} {row:06d}") for name in names(request.dimensions))
        yield key, [row * 7919 % 1000 + metric for metric in range(len(request.metrics))]


# --- Filters and orders ---


def filtered(expression: Any) -> Iterator[str]:
    """Yield the dimensions of a filter."""
    kind = expression.WhichOneof("expr")
    if kind == "filter":
        yield expression.filter.field_name
    elif kind == "not_expression":
        yield from filtered(expression.not_expression)
    elif kind:
        for part in getattr(expression, kind).expressions:
            yield from filtered(part)


def accepter(expression: Any) -> Callable[[Seen], bool] | None:
    """Return what a filter says of a session, None where there is none; raises Refusal."""
    kind = expression.WhichOneof("expr")
    if kind is None:
        return None
    if kind == "filter":
        matches = matcher(expression.filter)
        return lambda seen: matches(DIMENSIONS[expression.filter.field_name].value(seen))
    if kind == "not_expression":
        accepts = accepter(expression.not_expression)
        return lambda seen: not accepts(seen)
    parts = [accepter(part) for part in getattr(expression, kind).expressions]
    combine = all if kind == "and_group" else any
    return lambda seen: combine(accepts(seen) for accepts in parts)


def matcher(condition: Any) -> Callable[[str], bool]:
    """Return what a filter says of a value; raises Refusal."""
    kind = condition.WhichOneof("one_filter")
    if kind == "in_list_filter":
        wanted, is_exact = condition.in_list_filter.values, condition.in_list_filter.case_sensitive
        listed = {*wanted} if is_exact else {text.lower() for text in wanted}
        return lambda text: (text if is_exact else text.lower()) in listed
    if kind == "string_filter":
        asked = condition.string_filter
        flags = 0 if asked.case_sensitive else re.IGNORECASE
        return partial(re.search, pattern(asked.match_type, asked.value), flags=flags)
    raise invalid(f"The demo does not answer {kind}.")


def pattern(match_type: int, text: str) -> str:
    """Return the regular expression of a string filter."""
    quoted = re.escape(text)
    return {
        Match.BEGINS_WITH: rf"\A{quoted}",
        Match.ENDS_WITH: rf"{quoted}\Z",
        Match.CONTAINS: quoted,
        Match.FULL_REGEXP: rf"\A(?:{text})\Z",
        Match.PARTIAL_REGEXP: text,
    }.get(match_type, rf"\A{quoted}\Z")


def order_field(order: Any) -> str:
    """Return the dimension or metric that an order goes by."""
    return order.dimension.dimension_name or order.metric.metric_name


def ordered(request: Any, rows: list[Row]) -> list[Row]:
    """Return rows in the order asked for; where that leaves it open, in another order on each page."""
    rows = sorted(rows)
    Random(f"{SEED}:{request.offset}").shuffle(rows)
    for order in reversed(request.order_bys):
        rows.sort(key=sort_key(request, order), reverse=order.desc)
    return rows


def sort_key(request: Any, order: Any) -> Callable[[Row], Any]:
    """Return what an order compares."""
    dimensions, metrics, name = names(request.dimensions), names(request.metrics), order_field(order)
    if name in metrics:
        return lambda row: row[1][metrics.index(name)]
    place, kind = dimensions.index(name), order.dimension.order_type
    if kind == OrderType.NUMERIC:
        return lambda row: float(row[0][place]) if row[0][place].isdigit() else float("-inf")
    if kind == OrderType.CASE_INSENSITIVE_ALPHANUMERIC:
        return lambda row: row[0][place].lower()
    return lambda row: row[0][place]


# --- What is answered ---


def write_headers(response: Any, request: Any) -> None:
    """Write the names and types of the columns."""
    for name in names(request.dimensions):
        response.dimension_headers.add(name=name)
    for name in names(request.metrics):
        response.metric_headers.add(name=name, type_=METRICS[name].type)


def write_rows(response: Any, request: Any, page: list[Row], switches: Switches) -> None:
    """Write the rows of a page."""
    metric_types = [METRICS[name].type for name in names(request.metrics)]
    for key, values in page:
        row = response.rows.add()
        for text in key:
            row.dimension_values.add(value=text)
        for number, metric_type in zip(values, metric_types, strict=True):
            is_integer = metric_type == TYPE_INTEGER and not switches.as_floats
            row.metric_values.add(value=str(number if is_integer else float(number)))
    if switches.garbage and page and metric_types:
        response.rows[0].metric_values[0].value = switches.garbage


def write_metadata(metadata: Any, request: Any, switches: Switches) -> None:
    """Write what the report says of itself."""
    metadata.time_zone = switches.time_zone
    metadata.currency_code = request.currency_code or switches.currency_code
    metadata.data_loss_from_other_row = bool(switches.other)
    if switches.is_thresholded:
        metadata.subject_to_thresholding = True
    if switches.is_sampled:
        metadata.sampling_metadatas.add(samples_read_count=9_876_543, sampling_space_size=20_123_456)
    if switches.is_truncated:
        metadata.data_truncation_reasons.add(
            data_truncation_type="DATA_TRUNCATION_TYPE_DATE_RANGE",
            data_truncation_message="Query date range may not be fully served.",
        )
