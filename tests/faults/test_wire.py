"""Connections that are cut at any statement, to a source's database and to the warehouse: no row is lost or doubled."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from urllib.parse import quote

import pytest

from tests.conftest import EVENTS, SPIDERS, WEBSITE
from tests.faults.company import BUILD, FaultyCompany
from tests.faults.table import IS_LONG, NOTHING, chance, what_was_wrong
from tests.faults.wires import CUTS, Cut, Wire
from tests.waiting import wait_until_gone

DATABASES = {"WEBSITE": WEBSITE, "EVENTS": EVENTS, "SPIDERS": SPIDERS}
WAYS = ("to the sources, in ingest", "to the warehouse, in ingest", "to the warehouse, in dbt")
# The long form cuts each statement of each way, in so many tests; the short one cuts one of the first.
PARTS, FIRST = 10 if IS_LONG else 1, 20


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


def count(company: FaultyCompany, wire: Wire, way: str) -> int:
    """Return how many statements a run without fault sends over the wire."""
    begin(company, way)
    wire.set(None)
    code, printed = run(company, wire, way)
    assert code == 0, printed
    return wire.statements


@pytest.fixture(scope="module")
def statements(faulty, wire) -> dict[str, Sequence[int]]:
    """Give the statements of each way that are cut."""
    if IS_LONG:
        return {way: range(count(faulty, wire, way)) for way in WAYS}
    return {way: [chance(f"wire {way}", 0).randrange(FIRST)] for way in WAYS}


def cuts(way: str, statement: int, statements: Sequence[int]) -> Iterator[Cut]:
    """Give the cut of a statement, the ways to cut in turn; in the long form then one of the run that would mend it."""
    yield Cut(statement, CUTS[(statement + chance(f"cuts {way}", 0).randrange(len(CUTS))) % len(CUTS)])
    if IS_LONG:
        random = chance(f"again {way}", statement)
        yield Cut(random.choice(statements), random.choice(CUTS))


@pytest.mark.parametrize("number", range(PARTS))
@pytest.mark.parametrize("way", WAYS)
def test_connections_that_are_cut(faulty, wire, statements, record, way, number):
    """Each statement in a run that has all to do; the cut after it may come too late for what is left to do."""
    for statement in statements[way][number::PARTS]:
        begin(faulty, way)
        met = []
        for order, cut in enumerate(cuts(way, statement, statements[way])):
            wire.set(cut)
            code, printed = run(faulty, wire, way)
            assert "Traceback" not in printed, printed
            assert code == 0 or cut.how != CUTS[-1], printed
            assert wire.is_cut or order, f"a run has no statement {statement}"
            if wire.is_cut:
                met.append((f"connection {way}: {cut.how} a statement", what_was_wrong(printed) if code else NOTHING))
            wait_until_gone(faulty)
        wire.set(None)
        faulty.good_run()
        differences = faulty.differences()
        for name, saw in met:
            record(name, differences, saw)
