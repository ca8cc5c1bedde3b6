"""What Citus refuses of a statement, told without Citus: the rules of its planner, on the tree of the SQL.

They are those of docs/scaling.md; each stands in Citus's sources (query_pushdown_planning.c, recursive_planning.c, the
outputs that its tests expect) or was seen on a cluster. A statement that they let pass may still be refused by one.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise

from sqlglot import exp, parse_one

# Where the rows of a source are: in shards; a copy on each worker; on the coordinator alone; worked out by a query of
# their own and sent to the workers.
SHARDS, COPIES, COORDINATOR, SENT = "shards", "copies", "coordinator", "sent"
SCHEMAS = ("raw", "core", "staging", "intermediate", "marts", "ops")
NAME = re.compile(rf"\b(?:{'|'.join(SCHEMAS)})\.\w+")


@cache
def parsed(sql: str) -> exp.Expression:
    """Return the tree of a statement."""
    return parse_one(sql, dialect="postgres")


class Cluster:
    """What is distributed, and how, and the views over it."""

    def __init__(self, tables: dict[str, str], views: dict[str, str]):
        """Take table -> column or `reference`, and view -> its SQL, by names with schemas."""
        self.tables = tables
        # To parse a statement takes 50 ms: those of which no name is of the cluster are not.
        self.over = set(tables)
        while more := {name for name, sql in views.items() if self.is_over(sql)} - self.over:
            self.over |= more
        self.views = {name: parsed(views[name]) for name in self.over & set(views)}
        self.kinds: dict[str, str] = {}
        self.view_keys: dict[str, set[str]] = {}

    def refusals(self, sql: str) -> list[str]:
        """Return why Citus would refuse a statement; nothing where it touches no table of the cluster."""
        if not self.is_over(sql):
            return []
        statement, reader = parsed(sql), Reader(self)
        found = [*self._of_statement(statement)]
        for query in _outermost(statement):
            reader.read(query, {}, {})
        return sorted({*found, *reader.found})

    def is_over(self, sql: str) -> bool:
        """Return whether a statement names a table of the cluster, or a view over one."""
        return not self.over.isdisjoint(NAME.findall(sql))

    def kind(self, name: str) -> str:
        """Return where the rows of a table or view are."""
        if name in self.views and name not in self.kinds:
            self.kinds[name] = Reader(self).read(self.views[name], {}, {})
        if name in self.kinds:
            return self.kinds[name]
        return {None: COORDINATOR, "reference": COPIES}.get(self.tables.get(name), SHARDS)

    def keys(self, node: exp.Expression) -> set[str]:
        """Return the distribution columns of the tables that a part of a statement reads, through views."""
        found = set()
        for name in {_name(table) for table in node.find_all(exp.Table)}:
            if name in self.views:
                if name not in self.view_keys:
                    self.view_keys[name] = self.keys(self.views[name])
                found |= self.view_keys[name]
            elif self.tables.get(name, "reference") != "reference":
                found.add(self.tables[name])
        return found

    def _of_statement(self, statement: exp.Expression) -> Iterator[str]:
        if statement.find(exp.Merge):
            yield "MERGE"
        if statement.find(exp.GroupingSets, exp.Cube, exp.Rollup):
            yield "grouping sets"
        if any(with_.args.get("recursive") for with_ in statement.find_all(exp.With)):
            yield "a recursive CTE"
        if not isinstance(statement, exp.Delete | exp.Update):
            return
        target = _name(statement.this)
        if isinstance(statement, exp.Update) and self.tables.get(target) in _columns_set(statement):
            yield f"the distribution column of {target} changes"
        ctes = {cte.alias for cte in statement.find_all(exp.CTE)}
        beside = {_name(table) for table in statement.find_all(exp.Table) if not table.find_ancestor(exp.CTE)}
        if self.kind(target) == COPIES and any(self.kind(each) == COORDINATOR for each in beside - ctes):
            yield f"the reference table {target} is changed by a table of the coordinator"


@dataclass
class Reader:
    """Reads a query as the planner does, from the innermost on; `found` is what it refuses."""

    cluster: Cluster
    found: list[str] = field(default_factory=list)

    def read(self, query: exp.Expression, ctes: dict[str, str], outer: dict[str, str]) -> str:
        """Return where the rows of a query come from, given the kinds of CTEs and of the sources around it."""
        query = query.unnest()
        if not isinstance(query, exp.Select | exp.SetOperation):
            return SENT
        ctes = ctes | self._ctes(query, ctes, outer)
        if isinstance(query, exp.SetOperation):
            kinds = {self.read(side, ctes, outer) for side in (query.left, query.right)}
            return kinds.pop() if len(kinds) == 1 else SENT if SHARDS in kinds else _together(kinds)
        return self._select(query, ctes, outer)

    def _ctes(self, query: exp.Expression, ctes: dict[str, str], outer: dict[str, str]) -> dict[str, str]:
        """A CTE that is read twice, or materialized, is a query of its own; others are put where they are read."""
        found: dict[str, str] = {}
        if not query.ctes:
            return found
        reads = Counter(_name(table) for table in query.find_all(exp.Table))
        for cte in query.ctes:
            kind = self.read(cte.this, ctes | found, outer)
            is_once = reads[cte.alias] == 1 and not cte.args.get("materialized")
            is_inlined = cte.args.get("materialized") is False or is_once
            found[cte.alias] = kind if is_inlined or kind == COORDINATOR else SENT
        return found

    def _select(self, select: exp.Expression, ctes: dict[str, str], outer: dict[str, str]) -> str:
        sources: dict[str, str] = {}
        keys: dict[str, set[str]] = {}
        for node in _from(select):
            inner = node.this if isinstance(node, exp.Lateral) else node
            if isinstance(inner, exp.Subquery):
                kind = self._subquery(inner, node, ctes, outer, sources)
            elif isinstance(inner, exp.Table) and isinstance(inner.this, exp.Identifier):
                kind = ctes.get(_name(inner)) or self.cluster.kind(_name(inner))
            else:
                kind = SENT
            sources[node.alias_or_name] = kind
            keys[node.alias_or_name] = self._keys(inner, select)
        for sub in _conditions(select):
            self._condition(sub, ctes, outer | sources, sources)
        if SHARDS in sources.values():
            self.found += self._of_shards(select, sources, keys)
        kind = _together(set(sources.values()))
        if kind == SHARDS and not _is_correlated(select) and self._needs_merge(select):
            return SENT
        return kind

    def _keys(self, node: exp.Expression, select: exp.Expression) -> set[str]:
        """The distribution columns below a source, also below a CTE."""
        found, seen = set(), set()
        todo = [node]
        while todo:
            part = todo.pop()
            found |= self.cluster.keys(part)
            for table in part.find_all(exp.Table):
                cte = _cte(table, select)
                if cte is not None and id(cte) not in seen:
                    seen.add(id(cte))
                    todo.append(cte.this)
        return found

    def _subquery(self, inner, node, ctes, outer, sources) -> str:
        """A subquery of FROM. For each row of another source it can't be put together from shards."""
        kind = self.read(inner.this, ctes, outer | sources)
        referred = {sources[name] for name in _external(inner) if name in sources}
        if not referred:
            return SENT if kind == COORDINATOR else kind
        if kind == SHARDS and SHARDS not in referred and self._needs_merge(inner.this):
            self.found.append(f"a lateral subquery over shards, for each row of {_words(referred)}: {_short(inner)}")
        if SHARDS in sources.values() and self._reads_coordinator(inner, ctes):
            self.found.append(f"a lateral subquery reads a table of the coordinator: {_short(inner)}")
        return kind

    def _condition(self, sub, ctes, outer, sources) -> None:
        """A subquery of a condition or of the columns."""
        kind = self.read(sub, ctes, outer)
        if not any(name in outer for name in _external(sub)):
            return
        if kind == SHARDS and SHARDS not in sources.values() and sources:
            self.found.append(f"a correlated subquery over shards, for each row of what is not: {_short(sub)}")
        if SHARDS in sources.values() and self._reads_coordinator(sub, ctes):
            self.found.append(f"a correlated subquery reads a table of the coordinator: {_short(sub)}")

    def _reads_coordinator(self, query: exp.Expression, ctes: dict[str, str]) -> bool:
        names = {_name(table) for table in query.find_all(exp.Table) if isinstance(table.this, exp.Identifier)}
        return any((ctes.get(name) or self.cluster.kind(name)) == COORDINATOR for name in names)

    def _of_shards(self, select, sources, keys) -> Iterator[str]:
        if select.find(exp.WithinGroup) and _own(select, exp.WithinGroup) and not self._is_by_key(select):
            yield "an ordered-set aggregate over shards: their rows would come to the coordinator"
        for projection in select.expressions:
            if projection.find(exp.GenerateSeries, exp.Unnest, exp.Explode) and projection.find(exp.AggFunc):
                yield "a set-returning function over an aggregate"
        sharded = [name for name, kind in sources.items() if kind == SHARDS]
        equal = _equalities(select)
        for one, other in pairwise(sharded):
            if not any(_same(equal, (one, key), (other, key)) for key in keys[one] & keys[other]):
                yield f"shards are joined by another column than theirs: {one} and {other}"

    def _needs_merge(self, query: exp.Expression) -> bool:
        """Whether what workers give must be put together: a limit, or a grouping that is not by shard."""
        query = query.unnest()
        if isinstance(query, exp.SetOperation):
            return False
        if query.args.get("limit") or query.args.get("offset"):
            return True
        if query.args.get("group"):
            return not self._is_by_key(query)
        if query.args.get("distinct"):
            return not {each.name for each in query.expressions} & self._keys(query, query)
        return any(_own(query, exp.AggFunc)) and not any(_own(query, exp.Window))

    def _is_by_key(self, select: exp.Expression) -> bool:
        group = select.args.get("group")
        return bool(group) and bool({each.name for each in group.expressions} & self._keys(select, select))


def _name(table: exp.Expression) -> str:
    """A table's name, with its schema where it is one of the project's; aliases of a target don't count."""
    table = table.this if isinstance(table, exp.Schema) else table
    return f"{table.db}.{table.name}" if getattr(table, "db", "") in SCHEMAS else table.name


def _outermost(statement: exp.Expression) -> list[exp.Expression]:
    """The queries of a statement that are in no other; of a DELETE or UPDATE those of its parts."""
    kinds = (exp.Select, exp.SetOperation)
    return [query for query in statement.find_all(*kinds) if not query.find_ancestor(*kinds)]


def _from(select: exp.Expression) -> Iterator[exp.Expression]:
    from_ = select.args.get("from_") or select.args.get("from")
    if from_ is not None:
        yield from _tables(from_.this)
    for join in select.args.get("joins") or []:
        yield from _tables(join.this)
    yield from select.args.get("laterals") or []


def _tables(node: exp.Expression) -> Iterator[exp.Expression]:
    yield node
    for join in node.args.get("joins") or []:
        yield from _tables(join.this)


def _conditions(select: exp.Expression) -> Iterator[exp.Expression]:
    """The queries in the conditions and columns of a select, but for those of its FROM."""
    parts = [*select.expressions, select.args.get("where"), select.args.get("having")]
    parts += [join.args.get("on") for join in select.args.get("joins") or []]
    for part in filter(None, parts):
        for query in part.find_all(exp.Select, exp.SetOperation):
            if query.find_ancestor(exp.Select, exp.SetOperation) is select:
                yield query


def _own(select: exp.Expression, *kinds) -> list[exp.Expression]:
    """The parts of a select of some kinds, but for those of its subqueries."""
    return [each for each in select.find_all(*kinds) if each.find_ancestor(exp.Select) is select]


def _external(query: exp.Expression) -> set[str]:
    """The names of the sources around a query that it refers to."""
    inside = {node.alias_or_name for select in query.find_all(exp.Select) for node in _from(select)}
    return {column.table for column in query.find_all(exp.Column) if column.table} - inside


def _is_correlated(select: exp.Expression) -> bool:
    return bool(_external(select))


def _cte(table: exp.Table, select: exp.Expression) -> exp.Expression | None:
    """The CTE that a table is, of the queries around it."""
    at = select if table.parent is None else table
    while at is not None:
        for cte in at.ctes if isinstance(at, exp.Query) else []:
            if not table.db and cte.alias == table.name:
                return cte
        at = at.parent
    return None


def _equalities(select: exp.Expression) -> list[set[tuple[str, str]]]:
    """Classes of columns that are equal in a select: of its joins, its WHERE, and its lateral subqueries."""
    classes: list[set[tuple[str, str]]] = []
    for equal in select.find_all(exp.EQ):
        if isinstance(equal.left, exp.Column) and isinstance(equal.right, exp.Column):
            pair = {(equal.left.table, equal.left.name), (equal.right.table, equal.right.name)}
            near = [each for each in classes if each & pair]
            classes = [each for each in classes if not each & pair] + [pair.union(*near)]
    return classes


def _same(classes, one, other) -> bool:
    return any(one in each and other in each for each in classes)


def _together(kinds: set[str]) -> str:
    if SHARDS in kinds:
        return SHARDS
    if kinds <= {COPIES} and kinds:
        return COPIES
    return COORDINATOR if COORDINATOR in kinds else SENT


def _columns_set(update: exp.Update) -> set[str]:
    return {each.this.name for each in update.expressions if isinstance(each, exp.EQ)}


def _words(kinds: set[str]) -> str:
    return " and ".join(sorted(kinds))


def _short(node: exp.Expression) -> str:
    return " ".join(node.sql(dialect="postgres").split())[:90]
