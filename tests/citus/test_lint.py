"""Each rule of the lint refuses what Citus refuses, and lets pass the way round it."""

import pytest

from tests.citus.lint import Cluster

CLUSTER = Cluster(
    {"core.facts": "series_id", "core.others": "series_id", "core.coverage": "reference"},
    {"marts.mart": "select facts.* from core.facts as facts inner join metrics on metrics.metric = facts.metric"},
)
REFUSED = {
    "MERGE": "merge into core.facts using fresh on true when matched then delete",
    "grouping sets": "select count(*) from core.facts group by grouping sets ((metric), ())",
    "a recursive CTE": "with recursive r as (select 1 union all select 2 from core.facts) select * from r",
    "the distribution column of core.facts changes": "update core.facts set series_id = 1",
    "is changed by a table of the coordinator": "delete from core.coverage using changed where true",
    "joined by another column": "select 1 from core.facts as a inner join core.others as b on a.metric = b.metric",
    "an ordered-set aggregate": "select percentile_cont(0.5) within group (order by f.value) from core.facts as f",
    "a set-returning function over": "select generate_series(min(f.hour), max(f.hour), 1) from core.facts as f",
    "a correlated subquery reads a table of the coordinator": """
        select 1 from core.facts as f where exists (select from dirty where dirty.metric = f.metric)
    """,
    "a correlated subquery over shards": """
        select 1 from core.coverage as c where exists (select from core.facts as f where f.hour = c.hour)
    """,
    "a lateral subquery over shards": """
        select 1 from core.coverage as c
        cross join lateral (
            select f.hour from core.facts as f where f.stream = c.stream order by f.hour limit 1
        ) as first
    """,
    "a lateral subquery over shards, for each row of coordinator": """
        with dirty as (select * from dirty_days)
        select 1 from dirty cross join lateral (
            select m.value from marts.mart as m where m.metric = dirty.metric offset 0
        ) as found
    """,
    "a lateral subquery reads": """
        select 1 from core.facts as f cross join lateral (select 1 from dirty where dirty.metric = f.metric) as d
    """,
}
LET_PASS = {
    "nothing of the cluster": "merge into fresh using changed on true when matched then delete",
    "a delete by a table of the coordinator": "delete from core.facts as f using changed where f.hour = changed.hour",
    "a copy changed by a CTE": """
        with changed as materialized (select * from changed)
        delete from core.coverage as c using changed where c.hour = changed.hour
    """,
    "in, which is worked out once": """
        select f.* from core.facts as f where (f.metric, f.hour) in (select d.metric, d.hour from dirty as d) offset 0
    """,
    "a join by shard": """
        select 1 from core.facts as a inner join core.others as b on a.series_id = b.series_id and a.hour = b.hour
    """,
    "a join by shard through a copy": """
        select 1 from core.coverage as c
        inner join core.facts as a on a.series_id = c.series_id
        inner join core.others as b on b.series_id = c.series_id
    """,
    "groups of shards": """
        select 1 from core.coverage as c inner join (
            select f.series_id, min(f.hour) as hour from core.facts as f group by f.series_id
        ) as first on first.hour = c.hour
    """,
    "a lookup in a copy for each row": """
        select 1 from core.facts as f cross join lateral (
            select count(*) as hours from core.coverage as c where c.hour = f.hour
        ) as covered
    """,
    "a lateral subquery that takes all": """
        select 1 from dirty_days as d
        cross join lateral (select f.* from core.facts as f where f.metric = d.metric) as hours
    """,
}


@pytest.mark.parametrize("reason", REFUSED)
def test_the_lint_refuses(reason):
    found = CLUSTER.refusals(REFUSED[reason])
    assert any(reason in each for each in found), found


@pytest.mark.parametrize("shape", LET_PASS)
def test_the_lint_lets_pass(shape):
    assert CLUSTER.refusals(LET_PASS[shape]) == []
