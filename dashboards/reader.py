"""The role that Grafana logs in as: it reads the marts and the views of ops, and can do nothing else.

python -m dashboards.reader         make it, or give it a new password; dbt grants it what it may read
python -m dashboards.reader --sql   print what an administrator has to run where you may not make roles
"""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import psycopg2
from psycopg2 import errors, sql

from ingest import warehouse
from ingest.errors import SetupError

ROLE = "grafana_reader"
SCHEMAS = ("marts", "ops")
# Views and tables that dbt made: the tables of ops are ingest's own.
RELATIONS = (("marts", "v"), ("marts", "r"), ("ops", "v"))
# A session may change them: what keeps the role from writing and from other schemas is that nothing is granted.
SETTINGS = {
    "default_transaction_read_only": "on",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "30s",
    "idle_session_timeout": "1h",
    # Compiling the plans of a page takes minutes, and running them seconds.
    "jit": "off",
    "TimeZone": "UTC",
}
CONNECTIONS = 20
# What PostgreSQL lets everybody do, such as fill the disk with temporary tables and large objects: how it is taken
# away, and how one sees that it was not.
FOR_NOBODY = {
    "revoke temporary on database {database} from public": "has_database_privilege({role}, {database}, 'temporary')",
    "revoke create on schema public from public": "has_schema_privilege({role}, 'public', 'create')",
    "revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) from public": (
        "has_function_privilege({role}, 'lo_create(oid)', 'execute')"
    ),
}


def password() -> str:
    """Return the role's password: GRAFANA_DB_PASSWORD, else a new one."""
    return os.environ.get("GRAFANA_DB_PASSWORD") or secrets.token_urlsafe(18)


def make(word: str) -> list[str]:
    """Make the role, or give it another password; returns the statements that this user may not run.

    Raises SetupError where this user may not make roles, or the marts are not built.
    """
    with closing(warehouse.connect()) as connection, connection, connection.cursor() as cursor:
        _check_schemas(cursor)
        cursor.execute("select from pg_roles where rolname = %s", [ROLE])
        try:
            for statement in _role(word, is_there=cursor.rowcount > 0):
                cursor.execute(statement)
        except errors.InsufficientPrivilege as error:
            raise SetupError(
                f"{warehouse.target().user} may not make the role {ROLE}: let an administrator run what `python -m "
                "dashboards.reader --sql` prints, and then run `dbt build`"
            ) from error
        _grant(cursor)
        return _take_from_everybody(cursor)


def script() -> str:
    """Return the SQL for an administrator, with a place for the password."""
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        # Who builds needs temporary tables, and may have them only because everybody has.
        keep = sql.SQL("grant temporary on database {} to {}").format(
            sql.Identifier(warehouse.target().database), sql.Identifier(warehouse.target().user)
        )
        statements = [*_role("WRITE A PASSWORD HERE", is_there=False), keep, *(taken for taken, _ in _for_nobody())]
        return "".join(f"{statement.as_string(cursor)};\n" for statement in statements)


@contextmanager
def reading(is_required: bool = True) -> Iterator:
    """Give a connection with the rights and settings of the role.

    It logs in where GRAFANA_DB_PASSWORD is set; else the warehouse's user becomes the role. Where neither is possible,
    it raises SetupError, or, not `is_required`, gives the warehouse's user the settings of the role.
    """
    word = os.environ.get("GRAFANA_DB_PASSWORD")
    with closing(warehouse.connect(login=(ROLE, word) if word else None)) as connection:
        if not word:
            _become(connection, is_required)
        yield connection


def _become(connection, is_required: bool) -> None:
    with connection.cursor() as cursor:
        # Asked before it is tried: where there is no such role each tick would write an error into the server's log.
        cursor.execute("select to_regrole(%s) is not null", [ROLE])
        may_become = cursor.fetchone()[0] and _has_become(cursor)
        if is_required and not may_become:
            raise SetupError(
                f"{warehouse.target().user} can't become {ROLE}: run `make reader`, or set GRAFANA_DB_PASSWORD"
            )
        for name, value in SETTINGS.items():
            cursor.execute("select set_config(%s, %s, false)", [name, value])
    connection.commit()


def _has_become(cursor) -> bool:
    try:
        cursor.execute(sql.SQL("set role {}").format(sql.Identifier(ROLE)))
    except errors.InsufficientPrivilege:
        cursor.connection.rollback()
        return False
    return True


def _check_schemas(cursor) -> None:
    cursor.execute("select name from unnest(%s) as schemas (name) where to_regnamespace(name) is null", [list(SCHEMAS)])
    missing = [name for (name,) in cursor.fetchall()]
    if missing:
        raise SetupError(f"there is no schema {' and no schema '.join(missing)} yet: run `make ingest && dbt build`")


def _role(word: str, is_there: bool) -> Iterator[sql.Composed]:
    role = sql.Identifier(ROLE)
    if not is_there:
        yield sql.SQL("create role {}").format(role)
    yield sql.SQL("alter role {} login connection limit {} password {}").format(
        role, sql.Literal(CONNECTIONS), sql.Literal(word)
    )
    for name, value in SETTINGS.items():
        yield sql.SQL("alter role {} set {} = {}").format(role, sql.Identifier(name), sql.Literal(value))


def _for_nobody() -> Iterator[tuple[sql.Composed, sql.Composed]]:
    database = warehouse.target().database
    for statement, check in FOR_NOBODY.items():
        yield (
            sql.SQL(statement).format(database=sql.Identifier(database)),
            sql.SQL("select " + check).format(role=sql.Literal(ROLE), database=sql.Literal(database)),
        )


def _grant(cursor) -> None:
    """Grant what dbt grants with each build, so that the role need not wait for one."""
    cursor.execute(
        """
        select format('grant select on %%I.%%I to %%I', schemas.nspname, relations.relname, %(role)s)
        from pg_class as relations
        inner join pg_namespace as schemas on schemas.oid = relations.relnamespace
        where (schemas.nspname, relations.relkind::text) in %(relations)s
        union all
        select format('grant usage on schema %%I to %%I', name, %(role)s)
        from unnest(%(schemas)s) as schemas (name)
        """,
        {"role": ROLE, "schemas": list(SCHEMAS), "relations": RELATIONS},
    )
    for (statement,) in cursor.fetchall():
        cursor.execute(statement)


def _take_from_everybody(cursor) -> list[str]:
    """Take away what may be taken; returns what may not. PostgreSQL only warns where nothing could be revoked."""
    left = []
    for statement, check in _for_nobody():
        cursor.execute("savepoint before")
        try:
            cursor.execute(statement)
        except errors.InsufficientPrivilege:
            cursor.execute("rollback to before")
        cursor.execute(check)
        if cursor.fetchone()[0]:
            left.append(statement.as_string(cursor))
    return left


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; returns the exit code."""
    if arguments not in ([], ["--sql"]):
        print("usage: python -m dashboards.reader [--sql]", file=sys.stderr)
        return 2
    try:
        if arguments:
            print(script(), end="")
            return 0
        word = password()
        left = make(word)
    except (SetupError, psycopg2.Error) as error:
        print(f"reader: {str(error).strip()}", file=sys.stderr)
        return 2
    print(f"reader: {ROLE} may read the marts and the views of ops in {warehouse.target().database}")
    if not os.environ.get("GRAFANA_DB_PASSWORD"):
        print(f"reader: its password, which is shown this once: {word}")
    for statement in left:
        print(f"reader: not allowed here, an administrator may: {statement}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
