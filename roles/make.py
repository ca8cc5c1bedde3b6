"""Making roles: by one who may, in one transaction, or as a script for an administrator."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import NamedTuple

from psycopg2 import errors, sql
from psycopg2.extensions import encrypt_password

from ingest import warehouse
from ingest.errors import SetupError
from ingest.raw import missing_ddl
from ingest.sources import all_tables
from roles import everybody, readers, workers
from roles.readers import READERS
from roles.role import Role
from roles.workers import WORKERS

ALL = (*WORKERS, *READERS)
PLACE_FOR_A_PASSWORD = "WRITE A PASSWORD HERE"
# Of a role that is there and that others made: what none of ours may have.
TOO_MUCH = """
    select rolname from pg_roles
    where rolname = any(%s)
        and (
            rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls
            or exists (select from pg_auth_members where member = pg_roles.oid)
        )
"""
IS_SUPERUSER = "select rolsuper from pg_roles where rolname = current_user"


class Made(NamedTuple):
    """What came of it: the passwords that were given, by role; and what only an administrator may take from all."""

    passwords: dict[str, str]
    left: list[str]


def make(roles: Sequence[Role] = ALL) -> Made:
    """Make roles, or make them anew what they are; one that is there keeps its password unless its variable is set.

    Raises SetupError where this user may not, where a role is there that may too much, or, for readers alone, where the
    marts are not built.
    """
    with closing(warehouse.connect()) as connection, connection, connection.cursor() as cursor:
        _check_schemas(cursor, roles)
        there = _there(cursor, roles)
        passwords = {role.name: role.password(role.name in there) for role in roles}
        # A statement that fails stands in the server's log.
        kept = {
            name: word and encrypt_password(word, name, connection, "scram-sha-256") for name, word in passwords.items()
        }
        try:
            for statement in _statements(cursor, roles, there, kept):
                cursor.execute(statement)
        except errors.InsufficientPrivilege as error:
            raise SetupError(
                f"{warehouse.target().user} may not make the roles ({error.diag.message_primary}): let an "
                "administrator run what `python -m roles --sql` prints"
            ) from error
        left = everybody.take(cursor, warehouse.target().database, roles[-1].name)
        return Made({name: password for name, password in passwords.items() if password}, left)


def script(roles: Sequence[Role] = ALL) -> str:
    """Return the SQL for an administrator, with places for the passwords of roles that are not there."""
    with closing(warehouse.connect()) as connection, connection.cursor() as cursor:
        there = _there(cursor, roles)
        passwords = {role.name: None if role.name in there else PLACE_FOR_A_PASSWORD for role in roles}
        # Who builds needs temporary tables, and may have them only because everybody has.
        keep = sql.SQL("grant temporary on database {} to {}").format(
            sql.Identifier(warehouse.target().database), sql.Identifier(warehouse.target().user)
        )
        statements = [
            *_statements(cursor, roles, there, passwords),
            keep,
            *everybody.statements(warehouse.target().database),
        ]
        return "".join(f"{_text(statement, cursor)};\n" for statement in statements)


def _text(statement: sql.Composable | str, cursor) -> str:
    return (statement if isinstance(statement, str) else statement.as_string(cursor)).strip().rstrip(";")


def _statements(
    cursor, roles: Sequence[Role], there: set[str], passwords: dict[str, str | None]
) -> Iterator[sql.Composable | str]:
    database = sql.Identifier(warehouse.target().database)
    for role in roles:
        yield from role.statements(role.name in there, passwords[role.name])
        yield sql.SQL("grant connect on database {} to {}").format(database, role.identifier)
    cursor.execute(IS_SUPERUSER)
    # Who is no superuser has to be a member of who owns, for as long as this takes.
    has_to_borrow = set(WORKERS) <= set(roles) and not cursor.fetchone()[0]
    names = sql.SQL(", ").join(role.identifier for role in WORKERS)
    if has_to_borrow:
        yield sql.SQL("grant {} to current_user").format(names)
    if set(WORKERS) <= set(roles):
        yield from _of_workers(cursor)
    for role in roles:
        if role in READERS:
            yield from readers.grants(role)
    if has_to_borrow:
        yield sql.SQL("revoke {} from current_user").format(names)


def _of_workers(cursor) -> Iterator[sql.Composable | str]:
    """Give what makes the workers owners, and lets each see what it must."""
    yield from workers.schemas()
    # dbt and ingest make no schema, and the loader no table of ops: both need what is missing now.
    yield from missing_ddl(cursor, all_tables())
    yield from workers.belongings()
    yield from workers.grants(warehouse.target().database)


def _there(cursor, roles: Sequence[Role]) -> set[str]:
    """Return the names of those that are there; raises SetupError where one of them may too much."""
    names = [role.name for role in roles]
    cursor.execute(TOO_MUCH, [names])
    for (name,) in cursor.fetchall():
        raise SetupError(
            f"there is a role {name} already, and it may more than it should (it is a superuser, may make roles or "
            "databases, or is a member of another role): take that from it, or drop it, then make the roles again"
        )
    cursor.execute("select rolname from pg_roles where rolname = any(%s)", [names])
    return {name for (name,) in cursor.fetchall()}


def _check_schemas(cursor, roles: Sequence[Role]) -> None:
    if set(WORKERS) <= set(roles):
        return
    cursor.execute("select name from unnest(array['marts', 'ops']) as name where to_regnamespace(name) is null")
    missing = [name for (name,) in cursor.fetchall()]
    if missing:
        raise SetupError(f"there is no schema {' and no schema '.join(missing)} yet: run `make ingest && dbt build`")
