"""Connections that are cut at any statement, to a source's database and to the warehouse: no row is lost or doubled."""

from collections.abc import Iterator
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.conftest import EVENTS, SPIDERS, WEBSITE
from tests.faults.company import BUILD, FaultyCompany
from tests.faults.table import FAULTS, IS_LONG, chance, what_was_wrong
from tests.faults.wires import CUTS, Cut, Wire
from tests.waiting import wait_until_gone

DATABASES = {"WEBSITE": WEBSITE, "EVENTS": EVENTS, "SPIDERS": SPIDERS}
WAYS = ("to the sources, in ingest", "to the warehouse, in ingest", "to the warehouse, in dbt")
FIRST = 20
# Of the long form, each with all cuts in a row; the short one has a cut of each way.
TRIALS, ROW = (FAULTS // 20, len(CUTS)) if IS_LONG else (1, 1)


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
    # At another port dbt parses all anew, so in a folder of its own.
    parsed = {"DBT_TARGET_PATH": str(company.folder / "wire")}
    return company.run("dbt", *BUILD, WAREHOUSE_PORT=str(wire.port), **direct, **parsed)


def begin(company: FaultyCompany, way: str) -> None:
    company.begin()
    if way == WAYS[2]:
        company.well("ingest")


@pytest.fixture(scope="module")
def statements(faulty, wire) -> dict[str, int]:
    """Give how many statements each way has; the short form cuts one of the first, and does not count."""
    if not IS_LONG:
        return dict.fromkeys(WAYS, FIRST)
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
def test_connections_that_are_cut(faulty, wire, statements, record, way, number):
    """Cut after cut, then a run without: the cuts of all trials are spread evenly over all statements."""
    random = chance(f"wire {way}", number)
    start = chance(f"wire {way}", -1).random()
    begin(faulty, way)
    met = []
    for order, how in enumerate(random.sample(CUTS, ROW)):
        part = number * ROW + order
        wire.set(Cut(int((part + start) * statements[way] / (TRIALS * ROW)), how))
        code, printed = run(faulty, wire, way)
        assert "Traceback" not in printed, printed
        assert code == 0 or how != CUTS[-1], printed
        met.append((f"connection {way}: {how} a statement", what_was_wrong(printed) if code else "nothing"))
        wait_until_gone(faulty)
    wire.set(None)
    faulty.good_run()
    differences = faulty.differences()
    for name, saw in met:
        record(name, differences, saw)
