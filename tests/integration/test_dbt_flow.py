"""dbt's own ways leave facts and readers in peace."""

import datetime as dt

from tests.facts import state, writes

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
