"""What the shim refuses, as Citus does: it would let wrong macros and keys pass otherwise."""

from contextlib import closing

import psycopg2
import pytest

from tests.conftest import ROOT, WORKER

FACTS = "create table facts (series_id bigint, hour int, value int, primary key (series_id, hour))"
BY_SERIES = "select create_distributed_table('facts', 'series_id')"
REFUSED = {
    "already distributed": f"{BY_SERIES}; {BY_SERIES}",
    "does not exist": "select create_distributed_table('facts', 'metric_id')",
    "include the partition column: facts_pkey": "select create_distributed_table('facts', 'value')",
    "include the partition column: by_hour": f"{BY_SERIES}; create unique index by_hour on facts (hour)",
    "include the partition column: own": f"{BY_SERIES}; alter table facts add constraint own unique (value)",
    "serial and identity": f"alter table facts add column id bigint generated always as identity; {BY_SERIES}",
    "foreign key": f"create table dim (id bigint primary key); alter table facts add foreign key (series_id) "
    f"references dim; {BY_SERIES}",
    "triggers": "create trigger own before insert on facts for each row execute function "
    f"suppress_redundant_updates_trigger(); {BY_SERIES}",
    "it is temporary": "create temporary table changed (id int); select create_reference_table('changed')",
    "modifying the partition value": f"{BY_SERIES}; insert into facts values (1, 1); update facts set series_id = 2",
    "not a distributed relation": "select truncate_local_data_after_distributing_table('facts')",
}


@pytest.fixture(scope="module")
def database(server):
    """Give a database with the shim and a table, left as it is."""
    name = f"test_shim_{WORKER}"
    server.create_database(name)
    with closing(server.connect(name)) as connection, connection, connection.cursor() as cursor:
        cursor.execute((ROOT / "tests" / "citus" / "shim.sql").read_text())
        cursor.execute(FACTS)
    return name


@pytest.mark.parametrize("reason", REFUSED)
def test_the_shim_refuses(server, database, reason):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        with pytest.raises(psycopg2.Error, match=reason):
            cursor.execute(REFUSED[reason])
        connection.rollback()


def test_the_shim_forgets_what_is_dropped_and_lets_other_columns_change(server, database):
    with closing(server.connect(database)) as connection, connection.cursor() as cursor:
        cursor.execute(f"{BY_SERIES}; insert into facts values (1, 1, 1); update facts set value = 2; drop table facts")
        cursor.execute("select count(*) from pg_dist_partition")
        assert cursor.fetchone() == (0,)
        connection.rollback()
