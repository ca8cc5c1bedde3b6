"""One sequence: the laws of the facts over a random history (design, section 6)."""

from collections import Counter
from random import Random

from tests.facts import MARTS, STATE, state, writes
from tests.property.google_analytics import GoogleAnalytics
from tests.property.reckoning import Reckoning
from tests.property.revisions import Definition, Ledger
from tests.property.warehouse import Builder, Warehouse
from tests.property.world import Events, Prometheus, Registry, Spiders, Website, interleave

# Marts are views over the facts: what holds for these holds for them, and they are the slowest to ask.
STORED = tuple(name for name in STATE if name not in MARTS)


def hold(warehouse: Warehouse, seed: int) -> Counter:
    """Check all laws over the history of a seed; returns how often what happened in it.

    Raises AssertionError, which names the seed and the law.
    """
    seen = Counter()
    try:
        _hold(warehouse, seed, seen)
        return seen
    except AssertionError as error:
        raise AssertionError(f"LAWS_SEED={seed} repeats it: {error}") from error


def _hold(warehouse: Warehouse, seed: int, seen: Counter) -> None:
    first = History(warehouse, seed, 20, seen)
    for source in first.sources:
        source.law()
    found = state(warehouse, STORED)
    for name, rows in first.reckoning().facts().items():
        assert found[name] == rows, f"law: {name} is what plain Python makes of what the sources showed"
    a_rerun_writes_nothing(warehouse)
    warehouse.forget_facts()
    warehouse.build()
    _equal(state(warehouse, STORED), found, "a dirty build equals a full build")
    History(warehouse, seed, 64, seen)
    _equal(state(warehouse, STORED), found, "any grouping of reads and interleaving of streams gives the same facts")


def a_rerun_writes_nothing(warehouse: Warehouse) -> None:
    """Nothing is left to build; and where all is built once more, no row is written, no revision."""
    unbuilt = warehouse.rows(
        "select fact, read_id from raw.reads, unnest(%s) as facts (fact) where finished_at is not null "
        "except select fact, read_id from ops.built_reads",
        (warehouse.facts,),
    )
    assert not unbuilt, "law: at rest every fact has built every read"
    rows, revisions = writes(warehouse), warehouse.rows("select * from core.fct_metric_revision")
    warehouse.forget_marks()
    warehouse.build()
    assert writes(warehouse) == rows, "law: a rerun writes no row"
    assert warehouse.rows("select * from core.fct_metric_revision") == revisions, "law: a rerun writes no revision"


class History:
    """The lives of all sources and of the registry, and the builds beside them, in one of their interleavings."""

    def __init__(self, warehouse: Warehouse, seed: int, pause: int, seen: Counter):
        """Let it happen, with up to so many steps between two builds, and let a last build come to rest."""
        warehouse.reset()
        self.warehouse = warehouse
        random, ledger = Random(f"{pause} {seed}"), Ledger()
        self.builders = [Builder(warehouse, user, random, ledger, seen) for user in ("one dbt", "another dbt")]
        sources = (Events, Spiders, Website, Prometheus, GoogleAnalytics)
        self.sources = [source(warehouse, seed, seen, self._is_building) for source in sources]
        self.living = 0
        lives = [self._life(each.life()) for each in (*self.sources, Registry(warehouse, seed, seen))]
        self.living = len(lives)
        interleave(random, [*lives, *(builder.life(lambda: self.living > 0, pause) for builder in self.builders)])
        self.builders[0].finish()
        _count(warehouse, seen)
        open_reads = warehouse.value("select count(*) from raw.reads where finished_at is null and repeated_by is null")
        assert open_reads == 0, "law: what a killed run left is read again"

    def reckoning(self) -> Reckoning:
        """Return what the facts must be."""
        reads = self.warehouse.rows(
            "select stream, period_start, period_end, started_at from raw.reads where finished_at is not null"
        )
        registry = self.warehouse.rows("select metric, kind, stream, version, day_from from core.metrics")
        return Reckoning(*self.sources, reads, {metric: Definition(*rest) for metric, *rest in registry})

    def _life(self, life):
        yield from life
        self.living -= 1

    def _is_building(self) -> bool:
        return any(builder.fact for builder in self.builders)


def _count(warehouse: Warehouse, seen: Counter) -> None:
    seen["dead reads repeated"] += warehouse.value("select count(repeated_by) from raw.reads")
    seen["reads finished out of order"] += warehouse.value(
        "select count(*) from (select finished_at < lag(finished_at) over (order by read_id) as is_early "
        "from raw.reads where finished_at is not null) r where is_early"
    )


def _equal(one: dict, other: dict, law: str) -> None:
    different = [name for name in one if one[name] != other[name]]
    assert not different, f"law: {law}; different: {', '.join(different)}"
