"""The static copy without a browser: gaps, marks, escaping, colours, and that pages come all at once."""

import datetime as dt
import json
import re
from dataclasses import replace

import pytest

from dashboards.definitions import DASHBOARDS
from dashboards.panels import Dashboard, Panel
from dashboards.site import numbers, times
from dashboards.site.__main__ import write
from dashboards.site.answers import Answer
from dashboards.site.charts import chart, short_names
from dashboards.site.page import Copy, dashboard_pages
from dashboards.site.pictures import picture
from dashboards.site.render import HERE

UTC = dt.timezone.utc
START = dt.datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Paris, the day before its clocks change
HOUR = dt.timedelta(hours=1)
HOSTILE = "</script><script>alert('a&b')</script>"

HOURS = Panel(id=1, title="Requests", question="How many?", description="All.", kind="line", sql="select", grain="hour")
DAYS = replace(HOURS, grain="day")
TILE = replace(HOURS, kind="stat", grain="day", direction="up")


def answer(columns: str, *rows: tuple) -> Answer:
    names = tuple(columns.split())
    return Answer(names, [dict(zip(names, row, strict=True)) for row in rows])


def test_an_hour_without_a_row_is_a_gap_and_no_zero():
    drawn = chart(HOURS, answer("time value", (START, 1.0), (START + 3 * HOUR, 0.0)))
    assert drawn["times"] == {"start": int(START.timestamp()), "step": 3600, "count": 4}
    assert drawn["series"][0]["value"] == [1, None, None, 0]


def test_a_day_without_a_row_is_a_gap_and_a_day_of_23_hours_is_none():
    at = [START, START + 24 * HOUR, START + 47 * HOUR, START + 95 * HOUR]
    drawn = chart(DAYS, answer("time value", *((time, float(day)) for day, time in enumerate(at))))
    assert drawn["series"][0]["value"] == [0, 1, 2, None, 3]
    assert [time - drawn["times"][0] for time in drawn["times"]] == [0, 86_400, 169_200, 255_600, 342_000]
    assert drawn["step"] == 86_400


def test_open_estimated_before_and_target_are_told_apart():
    drawn = chart(
        DAYS,
        answer(
            "time value open estimated before target",
            (START, 5.0, None, 5.0, None, 10.0),
            (START + 24 * HOUR, 6.0, None, None, 4.0, 10.0),
            (START + 47 * HOUR, None, 2.0, None, 5.0, 12.0),
        ),
    )
    assert drawn["series"] == [
        {
            "name": None,
            "value": [5, 6, None],
            "open": [[2, 2]],
            "before": [None, 4, 5],
            "target": [[0, 2, 10], [2, 3, 12]],
        }
    ]
    assert drawn["estimated"] == [[0, 1, True]]


def test_series_that_lack_a_time_have_a_gap_there():
    rows = ((START, "b", 1.0), (START, "a", 2.0), (START + HOUR, "a", 3.0))
    drawn = chart(HOURS, answer("time series value", *rows))
    assert [(series["name"], series["value"]) for series in drawn["series"]] == [("a", [2, 3]), ("b", [1, None])]


def test_nothing_measured_is_no_chart():
    assert chart(HOURS, answer("time value")) is None
    assert picture(TILE, answer("time value")) is None


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["m{k=a}", "m{k=b}"], ["a", "b"]),
        (["m{k=a}", "n{k=b}"], ["m{k=a}", "n{k=b}"]),
        (["m{k=a}", "m{l=b}"], ["m{k=a}", "m{l=b}"]),
        (["m{k=a,l=b}", "m{k=a,l=c}"], ["m{k=a,l=b}", "m{k=a,l=c}"]),
        (["m{k=a}"], ["m{k=a}"]),
        (["p50", "p95"], ["p50", "p95"]),
    ],
)
def test_a_key_names_what_tells_series_apart(names, shown):
    assert list(short_names(names).values()) == shown


@pytest.mark.parametrize(
    ("unit", "values", "shown"),
    [
        ("count", (0, 9982, 12_345, 999_960, -1_500_000, 0.5), "0; 9,982; 12.3 k; 1.0 M; -1.5 M; 0.50"),
        ("share", (0, 0.034, 0.0104, 1, -0.11), "0 %; 3.4 %; 1.04 %; 100 %; -11.0 %"),
        ("bytes", (0, 420, 52_922_964_237), "0 B; 420 B; 52.9 GB"),
        ("milliseconds", (0, 420, 9_990, 90_000), "0 ms; 420 ms; 10.0 s; 1.5 min"),
        ("seconds", (0.42, 3600), "420 ms; 1 h"),
        ("minutes", (0, 90), "0 min; 1.5 h"),
    ],
)
def test_numbers_are_written_short(unit, values, shown):
    written = "; ".join(numbers.short(value, unit) for value in values)
    assert written.replace(numbers.SPACE, " ").replace(numbers.MINUS, "-") == shown
    assert numbers.long(52_345, "count") == "52,345"


def test_times_are_those_of_the_business():
    assert times.moment(dt.datetime(2026, 3, 29, 1, 30, tzinfo=UTC)) == "Sun 29 Mar 2026, 03:30"
    assert times.period(dt.datetime(2026, 3, 28, 23, tzinfo=UTC), "day") == "Sun 29 Mar 2026"
    assert [times.age(minutes) for minutes in (0, 1, 119, 150, 3000)] == [
        "0 minutes",
        "1 minute",
        "119 minutes",
        "2 hours",
        "2 days",
    ]


@pytest.mark.parametrize(
    ("direction", "value", "kept"), [("up", 100, True), ("up", 99, False), ("down", 100, True), ("down", 101, False)]
)
def test_a_target_is_kept_or_missed(direction, value, kept):
    shown = picture(replace(TILE, direction=direction), answer("time value target", (START, value, 100)))
    assert shown["target_is"] == ("good" if kept else "bad")


class Answers:
    """A reader who gets the same answer whatever is asked."""

    def __init__(self, given: Answer):
        self.given = given

    def ask(self, sql: str, days: int = 90) -> Answer:
        return self.given


def test_a_value_of_a_table_is_written_in_the_unit_of_its_row():
    panel = replace(HOURS, kind="table", grain=None, in_unit=("value",))
    rows = [{"unit": "ratio", "value": 0.0101, "n": 3}, {"unit": "ms", "value": 10_000, "n": 3}]
    shown = picture(panel, Answer(("unit", "value", "n"), rows))["rows"]
    assert [line[1:] for line in shown] == [["1.01\u202f%", "3"], ["10\u202fs", "3"]]


def test_no_text_becomes_markup():
    panels = (
        replace(HOURS, title=HOSTILE, question=HOSTILE, description=HOSTILE),
        replace(HOURS, id=2, kind="table", follows_range=False),
        replace(HOURS, id=3, kind="gauge", follows_range=False),
    )
    dashboard = Dashboard(
        uid="bd-hostile",
        slug="hostile",
        title=HOSTILE,
        question=HOSTILE,
        description=HOSTILE,
        sources=(),
        panels=panels,
    )
    given = answer("time series label value", (START, HOSTILE, HOSTILE, 1.0))
    [page] = dashboard_pages(Copy(HOSTILE, START, (dashboard,)), dashboard, Answers(given)).values()
    assert HOSTILE not in page
    assert page.count("</script>") == 4  # the theme, the data, uPlot and the page's own
    data = json.loads(re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert data["charts"]["1"]["series"][0]["name"] == HOSTILE


def test_a_page_says_that_its_clock_is_held_still():
    for is_held in (False, True):
        copy = Copy("acme", START, DASHBOARDS, is_held)
        [page] = dashboard_pages(copy, DASHBOARDS[0], Answers(Answer((), []))).values()
        assert ("The clock is held still" in page) == is_held


def luminance(colour: str) -> float:
    whole = colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (int(whole[at : at + 2], 16) / 255 for at in (1, 3, 5))
    ]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_can_be_seen(theme):
    style = (HERE / "assets" / "style.css").read_text()
    roles = {role: both[theme] for role, *both in re.findall(r"--([\w-]+): light-dark\((#\w+), (#\w+)\);", style)}
    for behind in ("page", "card"):
        for role in ("text", "muted", "accent", "good", "bad"):
            assert contrast(roles[role], roles[behind]) >= 4.5, (role, behind)
    series = [roles[f"s{number}"] for number in range(8)]
    assert min(contrast(colour, roles["card"]) for colour in series) >= 3


def test_pages_come_all_at_once_or_not_at_all(tmp_path):
    folder = tmp_path / "site"
    write({"index.html": "one", "old.html": "old"}, folder)
    write({"index.html": "two"}, folder)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("index.html", "two")]
    with pytest.raises(TypeError):
        write({"index.html": "three", "broken.html": None}, folder)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("index.html", "two")]
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("dashboard", [dashboard for dashboard in DASHBOARDS if not dashboard.variables])
def test_a_company_of_which_nothing_is_known_has_its_pages(dashboard):
    [page] = dashboard_pages(Copy("acme", START, DASHBOARDS), dashboard, Answers(Answer((), []))).values()
    assert page.count("No rows in this time.") == len(dashboard.panels)
