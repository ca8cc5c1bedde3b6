"""The registry: what a line more, a line less and a wrong line do."""

import datetime as dt
import re
from pathlib import Path

import pytest

from tests.conftest import FACTS_AND_MARTS, ROOT
from tests.facts import state

HOUR = dt.timedelta(hours=1)


@pytest.fixture
def built(company, project):
    """Give a company with some hours of events, and a function that builds the edited project."""
    for number in range(1, 13):
        at = company.now - number * HOUR
        company.add_events(
            (2 * number, "api.call", at), (2 * number + 1, ("login", "crawl.failed", "crawl.finished")[number % 3], at)
        )
    company.read()

    def build(*arguments: str):
        company.capfd.readouterr()
        command = ("build", "--exclude-resource-type", "unit_test", *arguments)
        return company.dbt(*command, project=project), company.capfd.readouterr().out

    assert build("--select", *FACTS_AND_MARTS)[0].success
    return company, project / "seeds" / "metrics.csv", build


def test_a_line_makes_a_metric_for_all_of_history(built):
    """The very line that the README shows."""
    company, registry, build = built
    line = re.search(r"```csv\n(events\.api_share.*)\n```", (ROOT / "README.md").read_text())[1]
    registry.write_text(registry.read_text() + line + "\n")
    result, printed = build()
    assert result.success, printed
    found = company.rows("select value, is_complete from marts.mart_hourly where metric = 'events.api_share'")
    assert found == [(0.5, True)] * 12
    days = company.rows("select value from marts.mart_daily where metric = 'events.api_share'")
    assert set(days) == {(0.5,)}


def without(start: str, seed: Path) -> str:
    """Return a seed's text without the lines that start so."""
    return "\n".join(line for line in seed.read_text().splitlines() if not line.startswith(start)) + "\n"


def test_a_metric_without_a_line_is_named_and_comes_back_with_it(built):
    """Its targets go first: a target of no metric is refused."""
    company, registry, build = built
    targets = registry.with_name("targets.csv")
    whole, found = registry.read_text(), state(company)
    registry.write_text(without("events.", registry))
    result, printed = build()
    assert not result.success
    assert "seeds/targets.csv: events.duration" in printed
    assert "metric is none of the registry" in printed
    targets.write_text(without("events.", targets))
    result, printed = build()
    assert result.success, printed
    assert "WARN 1 every_metric_is_registered" in printed
    assert company.value("select metric from ops.unregistered_metrics") == "events.count"
    assert company.value("select count(*) from core.fct_metric_hourly where metric = 'events.count'") == 0

    registry.write_text(whole)
    result, printed = build()
    assert result.success, printed
    assert state(company) == found


# A wrong line, and what is said of it.
WRONG = {
    "x.y,X,x,x,ratio,,,up,,active,false,false,hours,none,3,120,no.such,,events.count,,,1": "numerator",
    "x.y,X,x,x,gage,events.events,,up,,active,false,false,hours,sum,3,120,,,,,,1": "kind is none of",
    "events.count,X,x,x,counter,events.events,,up,,active,false,true,hours,sum,3,120,,,,,,1": "stands 2 times",
    "x.y,X,x,x,counter,,,up,,active,false,true,hours,sum,3,120,,,,,,1": "stream is empty",
    "x.y,X,x,x,stock,events.events,,up,,active,false,true,hours,sum,3,120,,,,,,1": "only a counter",
}


def test_a_line_that_means_nothing_stops_the_build_before_any_fact(built, subtests):
    company, registry, build = built
    right, found = registry.read_text(), state(company)
    for wrong, problem in WRONG.items():
        with subtests.test(wrong):
            registry.write_text(f"{right}{wrong}\n")
            result, printed = build()
            assert not result.success
            assert f"seeds/metrics.csv: {wrong.split(',')[0]}: {problem}" in printed
            assert state(company) == found


def test_dbt_before_the_first_ingest_says_what_to_do(company, project):
    result = company.dbt("build", project=project)
    assert not result.success
    assert "make ingest" in company.capfd.readouterr().out
