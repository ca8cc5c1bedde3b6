"""Connections that are cut at any statement, to a source's database and to the warehouse: no row is lost or doubled."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.conftest import EVENTS, SPIDERS, WEBSITE
from tests.faults.company import BUILD, FaultyCompany
from tests.faults.table import FAULTS, IS_LONG, chance
from tests.faults.wires import CUTS, Cut, Wire

DATABASES = {"WEBSITE": WEBSITE, "EVENTS": EVENTS, "SPIDERS": SPIDERS}
WAYS = ("to the sources, in ingest", "to the warehouse, in ingest", "to the warehouse, in dbt")
# Of the long form; the short one has a cut of each way. A source's statements are some 40 for all three.
TRIALS = FAULTS // 5 if IS_LONG else 1


@pytest.fixture(scope="module")
def wire(embedded) -> Iterator[Wire]:
    """Give a wire to the server."""
    with closing(Wire(embedded.host, embedded.port)) as found:
        yield found


def urls(company: FaultyCompany, port: int) -> dict[str, str]:
    """Return the variables that let ingest reach the sources by a port."""
    login = f"{company.server.user}:{quote(company.server.password)}"
    return {
        f"SOURCES__{name}__URL": f"postgresql://{login}@127.0.0.1:{port}/{database}"
        for name, database in DATABASES.items()
    }


def run(company: FaultyCompany, wire: Wire, way: str) -> tuple[int, str]:
    """Run what goes a way, over the wire."""
    direct = urls(company, company.server.port)
    if way == WAYS[0]:
        return company.run("ingest", **urls(company, wire.port))
    if way == WAYS[1]:
        return company.run("ingest", WAREHOUSE_PORT=str(wire.port), **direct)
    return company.run("dbt", *BUILD, WAREHOUSE_PORT=str(wire.port), **direct)


def begin(company: FaultyCompany, way: str) -> None:
    company.begin()
    if way == WAYS[2]:
        company.well("ingest")


@pytest.fixture(scope="module")
def statements(faulty, wire) -> dict[str, int]:
    """Give how many statements each way has."""
    found = {}
    for way in WAYS:
        begin(faulty, way)
        wire.set(None)
        code, printed = run(faulty, wire, way)
        assert code == 0, printed
        found[way] = wire.statements
    return found


@pytest.mark.parametrize("number", range(TRIALS))
@pytest.mark.parametrize("way", WAYS)
def test_a_connection_that_is_cut(faulty, wire, statements, record, way, number):
    random = chance(f"wire {way}", number)
    # Spread over all of them, each with a chance of its own.
    statement = int((number + random.random()) * statements[way] / TRIALS)
    how = CUTS[number % len(CUTS)] if IS_LONG else random.choice(CUTS)
    begin(faulty, way)
    wire.set(Cut(statement, how))
    code, printed = run(faulty, wire, way)
    wire.set(None)
    assert "Traceback" not in printed, printed
    assert code == 0 or how != CUTS[-1], printed
    faulty.good_run()
    record(f"connection {way}: {how} a statement", faulty.differences(), seen(code, printed))


def seen(code: int, printed: str) -> str:
    """Return the line that says what was wrong."""
    if code == 0:
        return "nothing"
    lines = [line for line in printed.splitlines() if "FAILED" in line or "rror" in line or line.startswith("ingest:")]
    assert lines, printed
    return lines[0]
