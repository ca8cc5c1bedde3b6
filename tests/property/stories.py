"""Short histories that matter, told without luck: random ones find them seldom."""

from psycopg2.errors import LockNotAvailable

from tests.property.warehouse import AT_ONCE, TAKES_NO_SNAPSHOT, Warehouse

AN_EVENT = """
    insert into raw.events_events (event_id, type, occurred_at, user_id, duration_ms)
    values ('1', 'a', '2026-10-25T03:30Z', 'ada', 7)
"""
ITS_READ = """
    insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at)
    values ('events', 'events.events', '2026-10-25T00:00Z', '2026-10-25T09:00Z', '2026-10-25T12:00Z', now())
"""
BY_METRIC = ("fct_metric_hourly", "fct_metric_daily", "fct_duration_hourly")


def two_builds_of_a_fact(warehouse: Warehouse, fact: str) -> None:
    """The second waits before its snapshot for the first, and then finds nothing left to build."""
    statements = _dirty(warehouse, fact)
    one, other = warehouse.connection("one dbt"), warehouse.connection("another dbt")
    _run(one, statements)
    assert not _run_or_wait(other, statements[: _first_query(statements)]), (
        f"law: a build of {fact} waits for another before its snapshot"
    )
    one.commit()
    _run(other, statements)
    with other.cursor() as cursor:
        cursor.execute("select count(*) from taken_reads")
        assert cursor.fetchone() == (0,)
    other.commit()


def a_seed_beside_a_build(warehouse: Warehouse, fact: str) -> None:
    """dbt reloads the registry by TRUNCATE: it waits for a build that has begun, or the build would see no metric."""
    statements = _dirty(warehouse, fact)
    build, seed = warehouse.connection("one dbt"), warehouse.connection("registry")
    rows = warehouse.rows(f"select * from core.{fact}")
    assert rows
    begun = _first_query(statements) + 1
    _run(build, statements[:begun])
    _run_or_wait(seed, ["truncate core.metrics", "insert into core.metrics select * from laws.shipped"])
    seed.commit()
    _run(build, statements[begun:])
    build.commit()
    assert warehouse.rows(f"select * from core.{fact}") == rows, (
        "law: a registry that is reloaded beside a build looks empty to nobody"
    )


def days_between_two_definitions(warehouse: Warehouse) -> None:
    """Days are built while the hours are of an older definition, and then the metric's line goes."""
    warehouse.reset()
    warehouse.execute(AN_EVENT)
    warehouse.execute(ITS_READ)
    warehouse.build(["dim_series", "fct_metric_hourly"])
    warehouse.execute("update core.metrics set version = version + 1 where metric = 'events.count'")
    warehouse.build(["fct_metric_daily"])
    warehouse.execute("delete from core.metrics where metric = 'events.count'")
    warehouse.build()
    assert warehouse.rows("select * from core.fct_metric_daily") == [], "law: the days of a metric go with its line"


def days_before_their_hours(warehouse: Warehouse) -> None:
    """A metric moves to another stream, where it has no rows; its days are built before its hours are."""
    warehouse.reset()
    warehouse.execute(AN_EVENT)
    warehouse.execute(ITS_READ)
    warehouse.build()
    warehouse.execute("update core.metrics set stream = 'website.objects' where metric = 'events.count'")
    warehouse.build(["fct_metric_daily"])
    warehouse.build()
    assert warehouse.rows("select * from core.fct_metric_daily") == [], "law: days follow the hours of their definition"


def days_while_a_metric_is_gone(warehouse: Warehouse) -> None:
    """Days are built while a metric has no line, its hours are not, and then the line comes back as it was."""
    warehouse.reset()
    warehouse.execute(ITS_READ)
    warehouse.build()
    warehouse.execute(AN_EVENT)
    warehouse.execute(ITS_READ)
    warehouse.build(["dim_series", "fct_metric_hourly"])
    warehouse.execute("delete from core.metrics where metric = 'events.count'")
    warehouse.build(["fct_metric_daily"])
    warehouse.execute("insert into core.metrics select * from laws.shipped where metric = 'events.count'")
    warehouse.build()
    values = warehouse.rows("select value from core.fct_metric_daily")
    assert values == [(1,)], "law: a dirty build equals a full build; different: daily"


def a_day_that_is_read_in_two_halves(warehouse: Warehouse) -> None:
    """A day that its source reports changes; no read held it whole, so it was never complete, and is not revised."""
    halves = [("2026-10-23T22:00Z", "2026-10-24T10:00Z"), ("2026-10-24T10:00Z", "2026-10-24T22:00Z")]
    warehouse.reset()
    for value in (1, 2):
        warehouse.execute("delete from raw.prometheus_days")
        warehouse.execute(
            "insert into raw.prometheus_days (stream, metric, labels, day_at, value) "
            "values ('prometheus.http_request_duration', 'http.request_duration', '{}', '2026-10-23T22:00Z', %s)",
            (value,),
        )
        for half in halves:
            warehouse.execute(
                "insert into raw.reads (source, stream, period_start, period_end, started_at, finished_at) values "
                "('prometheus', 'prometheus.http_request_duration', %s, %s, '2026-10-25T12:00Z', now())",
                half,
            )
        warehouse.build()
    assert warehouse.rows("select value from core.fct_metric_daily") == [(2,)]
    revised = warehouse.rows("select * from core.fct_metric_revision")
    assert not revised, "law: a reported day is complete by one read that held it whole"


def _dirty(warehouse: Warehouse, fact: str) -> list[str]:
    """Build an event, and let its hours be dirty again for one fact; returns the fact's statements."""
    warehouse.reset()
    warehouse.execute(AN_EVENT)
    warehouse.execute(ITS_READ)
    warehouse.build()
    warehouse.execute(ITS_READ)
    warehouse.build([each for each in warehouse.facts if each != fact])
    return warehouse.statements[fact]


def _first_query(statements: list[str]) -> int:
    """Return where a transaction takes its snapshot."""
    return next(number for number, each in enumerate(statements) if not each.startswith(TAKES_NO_SNAPSHOT))


def _run(connection, statements: list[str]) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def _run_or_wait(connection, statements: list[str]) -> bool:
    """Run statements, or roll back where one of them has to wait; returns whether they ran."""
    try:
        _run(connection, [AT_ONCE.format(statement) for statement in statements])
    except LockNotAvailable:
        connection.rollback()
        return False
    return True
