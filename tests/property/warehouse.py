"""The laws' warehouse: reset in milliseconds, built by dbt's statements, watched while it is built."""

from collections import Counter
from collections.abc import Callable, Iterator
from random import Random

import psycopg2
from psycopg2.errors import LockNotAvailable

from tests.conftest import Server
from tests.property.compiled import RAW_TABLES, Statements
from tests.property.revisions import Ledger, Watch

MARKS = ("ops.built_reads", "ops.built_definitions")
LOGS = ("raw.reads", "core.fct_metric_revision", *(f"raw.{table.name}" for table in RAW_TABLES))
TAKES_NO_SNAPSHOT = ("set ", "lock ")
# Where somebody else holds the lock, they must be let go on: all live in one thread.
AT_ONCE = "set local lock_timeout = '1ms'; {}; set local lock_timeout = '3s'"


class Killed(BaseException):
    """A run dies: no Exception, so nothing on its way can be done about it."""


class Warehouse:
    """A database with every table in it, and a connection for everybody who uses it at the same time."""

    def __init__(self, server: Server, statements: Statements, database: str):
        """Take the statements of all facts, in the order in which dbt builds them."""
        self.server, self.statements, self.database = server, statements, database
        self.users = {}
        self.execute(
            "do $$ declare t text; begin for t in select relid::regclass from pg_stat_user_tables "
            "loop execute format('alter table %s set (autovacuum_enabled = false)', t); end loop; end $$"
        )

    @property
    def facts(self) -> list[str]:
        """The names of the facts, in dbt's order."""
        return list(self.statements)

    def connection(self, user: str):
        """Return a user's own connection."""
        if user not in self.users:
            self.users[user] = self.server.connect(self.database)
        return self.users[user]

    @property
    def _main(self):
        connection = self.connection("main")
        connection.autocommit = True
        return connection

    def execute(self, statement: str, parameters=None) -> None:
        """Run a statement and commit it."""
        with self._main.cursor() as cursor:
            cursor.execute(statement, parameters)

    def rows(self, query: str, parameters=None) -> list[tuple]:
        """Return the rows of a query."""
        with self._main.cursor() as cursor:
            cursor.execute(query, parameters)
            return cursor.fetchall()

    def value(self, query: str, parameters=None):
        """Return the one value of a query."""
        return self.rows(query, parameters)[0][0]

    def reset(self) -> None:
        """Empty everything, whatever a sequence that failed has left open."""
        for connection in self.users.values():
            connection.rollback()
            with connection.cursor() as cursor:
                cursor.execute("select pg_advisory_unlock_all()")
            connection.commit()
        self.execute(f"truncate {', '.join(LOGS)}; truncate laws.registry, core.metrics")
        self.execute("insert into laws.registry select * from laws.shipped")
        self.execute("insert into core.metrics select * from laws.shipped")
        self.forget_facts()

    def forget_facts(self) -> None:
        """Empty the facts: the next build is a full one."""
        self.execute(f"truncate {', '.join(f'core.{fact}' for fact in self.facts)}")
        self.forget_marks()

    def forget_marks(self) -> None:
        """Let nothing have been built: all that was ever read is dirty."""
        self.execute(f"truncate {', '.join(MARKS)}")

    def close(self) -> None:
        """End all connections, and what they have left open."""
        for connection in self.users.values():
            connection.close()

    def build(self, facts: list[str] | None = None) -> None:
        """Build some facts, or all, undisturbed."""
        for fact in facts or self.facts:
            self.execute("begin;" + ";".join(self.statements[fact]) + ";commit")


class Builder:
    """A dbt run after the other; what else happens, happens between two of its statements, and it may be killed."""

    def __init__(self, warehouse: Warehouse, user: str, random: Random, ledger: Ledger, seen: Counter):
        """Build with a connection of its own, and count what happened in `seen`."""
        self.warehouse, self.random, self.ledger, self.seen = warehouse, random, ledger, seen
        self.connection = warehouse.connection(user)
        self.is_mortal = True
        self.fact = None  # whose transaction is open
        with self.connection, self.connection.cursor() as cursor:
            cursor.execute("set lock_timeout = '3s'; set jit = off")

    def life(self, are_alive: Callable[[], bool], pause: int) -> Iterator[None]:
        """Build while the sources live, all facts or some, as `dbt build --select` does; then pause for some steps."""
        facts = self.warehouse.facts
        while are_alive():
            for _ in range(self.random.randrange(pause)):
                yield
            chosen = self.random.choice((facts, self.random.sample(facts, self.random.randint(1, 4))))
            yield from self.build([fact for fact in facts if fact in chosen])

    def build(self, facts: list[str]) -> Iterator[None]:
        """Build some facts, each in a transaction of its own."""
        self.seen["builds"] += 1
        try:
            for fact in facts:
                self._may_die("before a fact", 0.01)
                while not (yield from self._transaction(fact)):
                    self.seen["builds that waited for a lock"] += 1
                    yield
                self._may_die("after a fact", 0.01)
                yield
        except Killed:
            self.connection.rollback()
        finally:
            self.fact = None

    def finish(self) -> None:
        """Build all facts, watched but undisturbed."""
        self.is_mortal = False
        for _ in self.build(self.warehouse.facts):
            pass

    def _transaction(self, fact: str) -> Iterator[None]:
        """Run a fact's transaction; returns whether it got its locks."""
        watch = Watch(self.ledger, fact, self.connection)
        with self.connection.cursor() as cursor:
            for statement in self.warehouse.statements[fact]:
                try:
                    cursor.execute(AT_ONCE.format(statement) if statement.startswith("lock ") else statement)
                except LockNotAvailable as error:
                    if watch.is_open:
                        raise AssertionError(f"law: a build of {fact} waits only before its snapshot") from error
                    self.connection.rollback()
                    self.fact = None
                    return False
                except psycopg2.Error as error:
                    raise AssertionError(f"law: no build of {fact} fails: {error}") from error
                self.fact = fact
                if not watch.is_open and not statement.startswith(TAKES_NO_SNAPSHOT):
                    watch.open()
                self._may_die(f"in {fact}", 0.003)
                if self.random.random() < 0.04:
                    yield
        watch.close(self.seen)
        self.connection.commit()
        self.fact = None
        return True

    def _may_die(self, where: str, probability: float) -> None:
        if self.is_mortal and self.random.random() < probability:
            self.seen[f"dbt killed {where}"] += 1
            raise Killed
