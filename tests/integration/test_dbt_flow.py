"""dbt's own ways leave facts and readers in peace."""

import datetime as dt
import re

import pytest

from tests.conftest import WEBSITE
from tests.facts import drop, rebuild, state, writes

HOUR = dt.timedelta(hours=1)


def test_readers_never_lose_a_view_and_facts_survive_a_full_refresh(company):
    """A view that is built alone drops no other; --full-refresh rebuilds seeds and no fact."""
    company.add_events(*((number, "login", company.now - number * HOUR) for number in range(1, 5)))
    company.read()
    company.build()
    found, written = state(company), writes(company)

    company.build("--select", "dim_metric", "stg_events__events", "int_measured__hourly")
    assert state(company) == found

    company.build("--full-refresh")
    assert state(company) == found
    assert writes(company) == written


def test_a_view_whose_columns_change_is_made_anew(company):
    """PostgreSQL can't replace it in place; what reads it is built again in the same run."""
    company.add_events((1, "login", company.now - 2 * HOUR))
    company.read()
    company.build()
    found = state(company)
    company.execute("drop view core.dim_metric cascade; create view core.dim_metric as select 1 as something_else")
    company.build()
    assert state(company) == found


@pytest.fixture
def built(company) -> dict:
    """Fill and build the company, let it change and be read once more; returns the state of the facts before that."""
    user = "insert into apercite_account_user (id, created_at) values (1, %s)"
    company.execute(user, (company.now - 99 * HOUR,), database=WEBSITE)
    company.add_events(*((number, "login", company.now - number * HOUR) for number in range(1, 61)))
    company.read()
    company.build_facts()
    before = state(company)
    arrived = company.now + HOUR / 2
    company.add_events(*((60 + number, "login", arrived - number * HOUR, arrived) for number in range(1, 31)))
    company.now += HOUR
    company.read("events")
    return before


def test_facts_built_alone_are_followed_by_the_others(company, built):
    """What a selection left out is built by the next build, in the same numbers."""
    for chosen in ("fct_metric_daily", "fct_metric_hourly", "fct_coverage_hourly"):
        company.build("--select", chosen)
    company.build_facts()
    found = state(company)
    assert found != built
    rebuild(company)
    assert state(company) == found


def test_a_model_that_fails_in_the_middle_stops_only_what_follows(company, project, built):
    """The hours are built, the days are as they were; once mended, `dbt retry` builds the rest."""
    company.set(DBT_WRITE_JSON="true")  # where dbt keeps what to try again
    model = project / "models" / "intermediate" / "metrics" / "int_metrics__daily.sql"
    right = model.read_text()
    model.write_text(f"{right}\nwhere 1 / 0 = 1\n")
    assert not company.dbt("build", "--exclude-resource-type", "unit_test", project=project).success
    broken = state(company)
    assert broken["hourly"] != built["hourly"]
    assert broken["daily"] == built["daily"]

    model.write_text(right)
    retried = company.dbt("retry", project=project)
    assert retried.success
    assert "fct_metric_hourly" not in {each.node.name for each in retried.result}
    found = state(company)
    rebuild(company)
    assert state(company) == found


def test_facts_that_are_dropped_are_built_again(company, built):
    """Those that follow a lost fact follow again."""
    company.build_facts()
    found = state(company)
    for lost in (("fct_metric_hourly", "fct_user_activity_daily"), ("dim_series", "fct_metric_daily")):
        for fact in lost:
            company.execute(f"drop table core.{fact} cascade")
        company.build_facts()
        assert state(company) == found


def test_a_column_more_is_empty_until_its_metric_is_built_again(company, project, built):
    """dbt adds it; rows get it when their hour is next built; a new version of the metric builds all, unrevised."""
    model, models = (project / "models" / "core" / name for name in ("fct_metric_hourly.sql", "_core__models.yml"))
    model.write_text(
        model.read_text().replace("    now() as built_at", "    value * 2 as doubled,\n    now() as built_at")
    )
    described = "      - name: doubled\n        data_type: float8\n        description: Twice the value.\n"
    before, after = models.read_text().split("        description: When the row last changed.\n", 1)
    models.write_text(f"{before}        description: When the row last changed.\n{described}{after}")
    assert company.dbt("build", "--exclude-resource-type", "unit_test", project=project).success
    found = state(company)
    assert company.value("select bool_or(doubled is null) from core.fct_metric_hourly where metric = 'objects.created'")

    registry = project / "seeds" / "metrics.csv"
    registry.write_text(re.sub(r",1$", ",2", registry.read_text(), flags=re.MULTILINE))
    assert company.dbt("build", "--exclude-resource-type", "unit_test", project=project).success
    assert company.value("select bool_and(doubled = value * 2) from core.fct_metric_hourly")
    assert company.value("select count(*) from core.fct_metric_revision where reason = 'definition'") == 0
    assert state(company) == found


def test_what_only_looks_changes_nothing(company, built):
    written = writes(company)
    for command in (["compile"], ["docs", "generate"], ["ls"]):
        assert company.dbt(*command).success
    assert writes(company) == written
    assert state(company) == built


def test_any_number_of_threads_builds_the_same(company, built):
    company.build_facts("--threads", "8")
    found = state(company)
    drop(company)
    company.build_facts("--threads", "1")
    assert state(company) == found


def test_dbt_leaves_nothing_behind_that_makes_its_next_run_dearer(company):
    """In one process each run of dbt-postgres 1.11 adds a flag to dbt's own list (dbt-adapters issue 2136)."""
    from dbt.adapters.base.impl import DEFAULT_BASE_BEHAVIOR_FLAGS

    before = list(DEFAULT_BASE_BEHAVIOR_FLAGS)
    assert company.dbt("parse").success
    assert before == DEFAULT_BASE_BEHAVIOR_FLAGS
