"""The mechanism broken on purpose, one way at a time: a law must notice. What no law notices is not tested."""

import inspect
import re
from collections.abc import Callable
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial

import pytest

from ingest import load
from ingest.reads import Reads
from ingest.sources import website
from tests.property.compiled import DATABASES, Statements, compile_facts
from tests.property.laws import hold
from tests.property.stories import (
    a_day_that_is_read_in_two_halves,
    a_seed_beside_a_build,
    days_before_their_hours,
    days_between_two_definitions,
    two_builds_of_a_fact,
)
from tests.property.warehouse import Warehouse

MOST_HISTORIES = 40
Break = Callable[[Statements, pytest.MonkeyPatch], Statements]


def histories(warehouse: Warehouse) -> None:
    """The laws of test_laws_compiled, until one is broken."""
    for seed in range(MOST_HISTORIES):
        hold(warehouse, seed)


two_builds = partial(two_builds_of_a_fact, fact="fct_metric_hourly")
a_seed = partial(a_seed_beside_a_build, fact="fct_metric_hourly")


@dataclass(frozen=True)
class Mutation:
    """A way to break the mechanism, the law that must notice (a part of its text), and where that is checked."""

    name: str
    break_it: Break
    law: str
    check: Callable[[Warehouse], None] = histories


def sql(pattern: str, replacement: str) -> Break:
    """Replace a text in the statements of the facts; it must be there."""

    def break_it(facts: Statements, patch: pytest.MonkeyPatch) -> Statements:
        broken = {
            fact: [re.sub(pattern, replacement, each, flags=re.DOTALL) for each in statements]
            for fact, statements in facts.items()
        }
        assert broken != facts, f"there is no {pattern!r} to break any more"
        return {fact: [each for each in statements if each.strip()] for fact, statements in broken.items()}

    return break_it


def python(owner, name: str, make: Callable) -> Break:
    """Replace an attribute by what `make` makes of it, which must be something else."""

    def break_it(facts: Statements, patch: pytest.MonkeyPatch) -> Statements:
        broken = make(getattr(owner, name))
        assert broken != getattr(owner, name)
        patch.setattr(owner, name, broken)
        return facts

    return break_it


def log_of_reads(old: str, new: str) -> Break:
    """Replace a text in the queries of ingest's log of reads; it must be there."""

    def make(row: Callable) -> Callable:
        assert old in inspect.getsource(Reads), f"there is no {old!r} to break any more"
        return lambda self, query, *parameters: row(self, query.replace(old, new), *parameters)

    return python(Reads, "_row", make)


def finished_first(reading: Callable) -> Callable:
    """Finish the reads of a run before it loads their rows."""

    @contextmanager
    def broken(self, wanted):
        with reading(self, wanted) as readings:
            pass
        yield readings

    return broken


def without_lookback(recent: Callable) -> Callable:
    """Go on where the last read ended."""
    return lambda self, stream, start, lookback: recent(self, stream, start, 0 * lookback)


def marked_first(facts: Statements, patch: pytest.MonkeyPatch) -> Statements:
    """Commit the marks as soon as it is known what to build, and build after that."""
    return {fact: _marked_first(statements) for fact, statements in facts.items()}


def _marked_first(statements: list[str]) -> list[str]:
    marks = [each for each in statements if re.match(r"(insert into|delete from) ops\.built_", each)]
    rest = [each.replace(" on commit drop", "") for each in statements if each not in marks]
    taken = 1 + max(number for number, each in enumerate(rest) if each.startswith("create temporary table dirty_days"))
    tables = re.findall(r"^create temporary table (\S+)", "\n".join(rest), flags=re.MULTILINE)
    clean = f"set local jit = off; drop table if exists {', '.join(tables)}; commit; begin"
    assert marks
    return [clean, *rest[:taken], *marks, "commit; begin isolation level repeatable read", *rest[taken:]]


BUILT = r"exists \(\s+select from ops\.built_reads as built\s+where built\.fact = ('\w+') and [^)]*\)"
DIFFERS = r"\s+or \(old\.[^()]*\) is distinct from \(new\.[^()]*\)$"
OF_WHAT_IS_GONE = r"union\s+select\s+metrics\.stream,\s+taken\.subject,.*?on metrics\.metric = taken\.subject"
AT_REST = "plain Python|a full build|any grouping"
SEEN = "what vanished at the source is marked"
RAW = "raw is what (each hour's latest|a) read saw"
REVISIONS = "a revision exactly where"

MUTATIONS = [
    # Builds side by side.
    Mutation(
        "no lock on the fact",
        sql(r'^lock table "core"\."\w+" in share row exclusive mode$', ""),
        "waits for another before its snapshot",
        two_builds,
    ),
    Mutation(
        "the lock on the fact after the first query",
        sql(r'^(lock table "core"\."\w+" in share row exclusive mode)$', r"select 1; \1"),
        "waits for another before its snapshot",
        two_builds,
    ),
    Mutation(
        "no lock on the registry",
        sql(r'^lock table "core"\."metrics" in access share mode$', ""),
        "looks empty to nobody",
        a_seed,
    ),
    # What is to be built.
    Mutation("the mark before the fact", marked_first, f"{AT_REST}|{REVISIONS}"),
    Mutation("no wait for the reads of the followed fact", sql(f"and {BUILT}", ""), AT_REST),
    Mutation(
        "no wait for the definitions of the followed fact",
        sql(r"^insert into awaited_definitions.*", ""),
        "days follow the hours of their definition",
        days_before_their_hours,
    ),
    Mutation(
        "reads taken beside hours of another definition",
        sql(r"and not exists \(\s+select from awaited_definitions as awaited\s+where awaited\.stream [^)]*\)", ""),
        "the days of a metric go with its line",
        days_between_two_definitions,
    ),
    Mutation(
        "a watermark of reads",
        sql(
            f"not {BUILT}",
            r"reads.read_id > (select coalesce(max(read_id), 0) from ops.built_reads where fact = \1)",
        ),
        f"at rest every fact has built every read|{AT_REST}",
    ),
    Mutation(
        "reads that are open",
        sql(
            rf"where reads\.finished_at is not null\s+and not {BUILT}",
            r"where read_id not in (select read_id from ops.built_reads where fact = \1)",
        ),
        AT_REST,
    ),
    Mutation(
        "a changed definition is not dirty",
        sql("where registered.definition is distinct from built.definition", "where built.definition is null"),
        f"{AT_REST}|{REVISIONS}",
    ),
    Mutation("the rows of a metric that is gone stay", sql(OF_WHAT_IS_GONE, ""), AT_REST),
    Mutation(
        "hours read in part are not dirty",
        sql("reads.period_end - interval '1 microsecond'", "reads.period_end - interval '1 hour'"),
        AT_REST,
    ),
    # What is built.
    Mutation("days of a fixed offset", sql("at time zone 'Europe/Paris'", "at time zone interval '2 hours'"), AT_REST),
    # Chance decides whether the first build or its rerun adds them otherwise.
    Mutation(
        "floats added in any order",
        sql(r"sum\(([^()]+) order by [^()]+\)", r"sum(\1 order by random())"),
        f"{AT_REST}|a rerun writes no row",
    ),
    Mutation("rows that vanished stay", sql(r'full join ("\w+__dbt_tmp" as new)', r"right join \1"), AT_REST),
    Mutation("rows that differ stay", sql(DIFFERS, ""), AT_REST),
    Mutation("equality forgotten", sql(DIFFERS, " or true"), "a rerun writes no row"),
    Mutation(
        "coverage before its values",
        sql(r"where exists (\(\s+select from ops\.built_reads)", r"where true or exists \1"),
        "an hour is covered only after its values are built",
    ),
    # What is built of spiders.
    Mutation("a report before the window counts", sql("interval '30 minutes'", "interval '29 minutes'"), AT_REST),
    Mutation(
        "a report that is there twice counts twice",
        sql(r"distinct on \(statuses\.spider_id, statuses\.reported_at\)", ""),
        AT_REST,
    ),
    Mutation("odd reports are reports", sql(r"then not workers @\?", "then null is null or workers @?"), AT_REST),
    Mutation(
        "spiders of one name count as one",
        sql(r"sum\(value order by value\)( as value,\s+sum\(sample_count\))", r"max(value)\1"),
        AT_REST,
    ),
    # What is built of Google Analytics.
    Mutation(
        "a day of a report that was renamed",
        sql(r"(on days\.date_day = dirty_days\.date_day)\s+and days\.stream = dirty_days\.stream", r"\1"),
        f"{AT_REST}|no build of dim_series fails|no build of fct_metric_daily fails",
    ),
    Mutation(
        "a day of another date",
        sql(r"on days\.date_day = dirty_days\.date_day", "on days.date_day = dirty_days.date_day - 1"),
        AT_REST,
    ),
    Mutation("what Google lumps together is exact", sql(r"days\.is_estimated", "false as is_estimated"), AT_REST),
    # Revisions.
    Mutation("no revision", sql(r'^insert into "core"\."fct_metric_revision".*', ""), REVISIONS),
    Mutation(
        "revisions of hours that were not complete",
        sql(r"and reads\.started_at >= [^)]* interval '1 minute'", ""),
        REVISIONS,
    ),
    Mutation(
        "a reported day is complete by its hours",
        sql(r"case metrics\.day_from\s+when 'source'", "case 0 when 1"),
        "complete by one read that held it whole",
        a_day_that_is_read_in_two_halves,
    ),
    Mutation(
        "revisions by reads that are only now built",
        sql(r"inner join ops\.built_reads as built on built\.read_id = reads\.read_id and built\.fact = '\w+'", ""),
        REVISIONS,
    ),
    Mutation(
        "revisions that name no definition", sql("when taken.subject is not null then 'definition'", ""), REVISIONS
    ),
    # Reads.
    Mutation(
        "what a killed run left is forgotten",
        python(Reads, "open_periods", lambda _: lambda *_: []),
        f"{RAW}|{AT_REST}",
    ),
    Mutation(
        "a repeated read stays open",
        log_of_reads("where dead.stream = %s and", "where false and dead.stream = %s and"),
        "what a killed run left is read again",
    ),
    Mutation("finished before the rows", python(Reads, "reading", finished_first), f"{RAW}|{SEEN}"),
    Mutation(
        "an append over a read that died",
        log_of_reads("where r.stream = %s and", "where r.finished_at is not null and r.stream = %s and"),
        RAW,
    ),
    Mutation(
        "a replacement of all between its periods",
        python(
            load,
            "within_open_reads",
            lambda within: lambda *stream: within(*stream).partition(" <@ ")[0] + " is not null",
        ),
        RAW,
    ),
    Mutation(
        "the rows of a stream that failed alone are replaced",
        python(
            load,
            "within_own_open_reads",
            lambda within: lambda *source: within(*source).replace("and r.error is null", ""),
        ),
        "raw is what a read saw",
    ),
    Mutation("lookback 0", python(Reads, "recent", without_lookback), "what is late within the lookback"),
    Mutation("a count replaces what was counted", python(website, "SAME_COUNT", lambda _: "true"), "a count stays"),
]


@pytest.fixture(scope="module")
def facts(server, profiles) -> Statements:
    """Give the statements that dbt runs."""
    return compile_facts(server, profiles)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_broken_mechanism_is_noticed(server, facts, monkeypatch, mutation):
    with (
        closing(Warehouse(server, mutation.break_it(facts, monkeypatch), DATABASES[0])) as warehouse,
        pytest.raises(AssertionError, match=mutation.law),
    ):
        mutation.check(warehouse)


def test_a_mechanism_that_is_not_broken_is_not_complained_of(server, facts):
    with closing(Warehouse(server, facts, DATABASES[0])) as warehouse:
        two_builds(warehouse)
        a_seed(warehouse)
        for seed in range(5):
            hold(warehouse, seed)
