"""Who writes: the loader owns what ingest reads, the transformer what dbt builds, and each sees what it must."""

from collections.abc import Iterator

from psycopg2 import sql

from roles.role import NO_JIT, Role

LOADER = Role("loader", "LOADER_DB_PASSWORD", "the login of ingest", NO_JIT)
TRANSFORMER = Role("transformer", "TRANSFORMER_DB_PASSWORD", "the login of dbt, and of all else", NO_JIT)
WORKERS = (LOADER, TRANSFORMER)
OWNERS = {
    "raw": LOADER,
    "raw_staging": LOADER,  # dlt's own
    "staging": TRANSFORMER,
    "intermediate": TRANSFORMER,
    "core": TRANSFORMER,
    "marts": TRANSFORMER,
    "ops": TRANSFORMER,
}
# What ingest writes of itself stands beside what dbt does.
LOADER_IN_OPS = {
    "runs": "select, insert, update, delete",
    "company": "select, insert",
    "closed": "select, insert, update",
    "google_analytics_properties": "select, insert",
    "google_analytics_quota": "select, insert, update, delete",
    # The pipeline is a source, too: it is measured, and its log is kept for a time.
    "steps": "select, delete",
    "nodes": "select, delete",
    "found": "select, delete",
}


# Of what dbt has made: what `make prune` has to know, and the log of changed numbers, which the pipeline measures.
BUILT_FOR_LOADER = ("ops.built_reads", "core.fct_metric_revision")


def schemas() -> Iterator[sql.Composable]:
    """Give the statements that make the schemas, or give them to their owners."""
    for schema, owner in OWNERS.items():
        names = {"schema": sql.Identifier(schema), "owner": owner.identifier}
        yield sql.SQL("create schema if not exists {schema}").format(**names)
        yield sql.SQL("alter schema {schema} owner to {owner}").format(**names)


def belongings() -> Iterator[sql.Composable]:
    """Give the statement that gives each table, view and function to the owner of its schema."""
    owners = sql.SQL(", ").join(
        sql.SQL("({}, {})").format(sql.Literal(schema), sql.Literal(owner.name)) for schema, owner in OWNERS.items()
    )
    yield sql.SQL("""do $owners$
declare statement text;
begin
    for statement in
        with owners (schema, owner) as (
            values {owners}
        )

        select format(
            'alter %s %s owner to %I',
            case relations.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end,
            relations.oid::regclass,
            owners.owner
        )
        from owners
        inner join pg_class as relations on relations.relnamespace = owners.schema::regnamespace
        where relations.relkind in ('r', 'p', 'v', 'm') and relations.relowner <> owners.owner::regrole
        union all
        select format('alter routine %s owner to %I', routines.oid::regprocedure, owners.owner)
        from owners
        inner join pg_proc as routines on routines.pronamespace = owners.schema::regnamespace
        where routines.proowner <> owners.owner::regrole
    loop
        execute statement;
    end loop;
end
$owners$""").format(owners=owners)


def grants(database: str) -> Iterator[sql.Composable]:
    """Give what each is granted of what is the other's, there or yet to come."""
    names = {"loader": LOADER.identifier, "transformer": TRANSFORMER.identifier, "database": sql.Identifier(database)}
    for text in (
        "grant temporary on database {database} to {loader}, {transformer}",
        "grant usage on schema raw to {transformer}",
        "grant select on all tables in schema raw to {transformer}",
        "alter default privileges for role {loader} in schema raw grant select on tables to {transformer}",
        "grant usage on schema ops, core to {loader}",
        # For tables that dbt's hooks make; for the model it is in its config `grants`.
        "alter default privileges for role {transformer} in schema ops grant select on tables to {loader}",
        *(f"grant {rights} on ops.{table} to {{loader}}" for table, rights in LOADER_IN_OPS.items()),
    ):
        yield sql.SQL(text).format(**names)
    yield sql.SQL("""do $built$
declare built text;
begin
    for built in
        select name from unnest({tables}) as name where to_regclass(name) is not null
    loop
        execute format('grant select on %s to {loader}', built);
    end loop;
end
$built$""").format(**names, tables=sql.Literal(list(BUILT_FOR_LOADER)))
