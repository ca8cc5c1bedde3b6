"""What 1,000 ticks that replace the rows of the same hours leave on disk, against what 100 do."""

from collections.abc import Iterator
from typing import NamedTuple

from bench.comparison import MIB, Bar, Comparison, Scale, Side
from bench.events import NOW, EventsDatabase
from bench.replay import replay
from bench.warehouse import Warehouse, warehouse

BARS = (Bar("size x", 1.2),)
# A tick is 1.5 s here and an hour in life, in which autovacuum, which looks once a minute, looks 60 times.
OFTEN = ("alter system set autovacuum_naptime = '5s'", "select pg_reload_conf()")
TABLES = """
    select pg_class.oid::regclass::text, pg_total_relation_size(pg_class.oid), coalesce(stats.n_dead_tup, 0)
    from pg_class
    left join pg_stat_all_tables as stats on stats.relid = pg_class.oid
    where pg_class.relnamespace::regnamespace::text in ('raw', 'core', 'marts', 'ops', 'pg_catalog')
        and pg_class.relkind = 'r' and not pg_class.relisshared
"""


class Size(NamedTuple):
    """What a table takes on disk with its indexes and TOAST, and how many of its rows live and are dead."""

    bytes: int
    rows: int
    dead: int

    def growth_since(self, before: "Size") -> float:
        """Return how many times as large a row has become: the logs of what was done get more of them."""
        return (self.bytes / max(self.rows, 1)) / (before.bytes / max(before.rows, 1))


def run(scale: Scale) -> Iterator[Comparison]:
    """Yield one comparison."""
    few, many, events, days = (1, 3, 1_000, 2) if scale.is_small else (100, 1_000, 30_000, 30)
    with warehouse(WAREHOUSE_NOW=NOW.isoformat()) as company:
        source = EventsDatabase(company, events, days=days)
        company.environment |= source.settings
        source.ingest()
        for statement in OFTEN:
            company.command(statement)
        with replay(company) as past:
            past.ticks(few)
            before = _sizes(company)
            cost = company.meter().measure(lambda: past.ticks(many - few))
            after = _sizes(company)
    # A page more or less is no bloat.
    large = [name for name, size in after.items() if name in before and (scale.is_small or size.bytes > MIB)]
    name = max(large, key=lambda name: after[name].growth_since(before[name]))
    growth = after[name].growth_since(before[name])
    dead, live = (sum(getattr(size, field) for size in after.values()) for field in ("dead", "rows"))
    side = Side(
        f"{many:,} ticks, replayed: of {len(large)} tables {name} grew most, {growth:.2f} times: "
        f"{_shown(before[name])} after {few:,}, {_shown(after[name])} at the end; {dead:,} rows of all are dead, "
        f"{live:,} live",
        lambda: None,
    )
    yield Comparison("bloat", side, None, BARS, [cost], [], growth)


def _sizes(company: Warehouse) -> dict[str, Size]:
    """Return table -> its size."""
    tables = company.rows(TABLES)
    counts = " union all ".join(f"select '{name}', count(*) from {name}" for name, _, _ in tables)
    rows = dict(company.rows(counts))
    return {name: Size(bytes_, rows[name], dead) for name, bytes_, dead in tables}


def _shown(size: Size) -> str:
    return f"{size.bytes / MIB:.1f} MiB with {size.rows:,} rows"
