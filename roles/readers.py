"""Who reads: Grafana the marts and the views of ops, the world's page one mart. dbt grants it anew with each build."""

from collections.abc import Iterator

from psycopg2 import sql

from roles.role import NO_JIT, Role

SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "30s",
    "idle_session_timeout": "1h",
    "TimeZone": "UTC",
    **NO_JIT,
}
GRAFANA_READER = Role("grafana_reader", "GRAFANA_DB_PASSWORD", "the login of Grafana", SETTINGS, 20)
PUBLIC_READER = Role("public_reader", "PUBLIC_DB_PASSWORD", "the login of the page for the world", SETTINGS, 20)
READERS = (GRAFANA_READER, PUBLIC_READER)
# Of what dbt made: the tables of ops are ingest's log.
READABLE = {
    GRAFANA_READER: "schema in ('marts', 'ops') and kind in ('v', 'r') and (schema, kind) <> ('ops', 'r')",
    PUBLIC_READER: "(schema, name) = ('marts', 'mart_public')",
}


def grants(role: Role) -> Iterator[sql.Composable]:
    """Give what a reader is granted of what is there, so that it need not wait for dbt."""
    yield sql.SQL("""do $grants$
declare statement text;
begin
    for statement in
        with relations as (
            select schemas.nspname as schema, relations.relname as name, relations.relkind::text as kind
            from pg_class as relations
            inner join pg_namespace as schemas on schemas.oid = relations.relnamespace
        )

        select format('grant select on %I.%I to %I', schema, name, {role})
        from relations
        where {readable}
        union all
        select distinct format('grant usage on schema %I to %I', schema, {role})
        from relations
        where {readable}
    loop
        execute statement;
    end loop;
end
$grants$""").format(role=sql.Literal(role.name), readable=sql.SQL(READABLE[role]))
