"""A connection with the rights and settings of a reader."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from psycopg2 import errors, sql

from ingest import warehouse
from ingest.errors import SetupError
from ingest.warehouse import Login
from roles.readers import GRAFANA_READER
from roles.role import Role


@contextmanager
def reading(role: Role = GRAFANA_READER, is_required: bool = True) -> Iterator:
    """Give a connection with the rights and settings of a role.

    It logs in where the role's variable with a password is set; else the warehouse's user becomes the role. Where
    neither is possible, it raises SetupError, or, not `is_required`, the warehouse's user gets the role's settings.
    """
    password = role.given
    login = Login(role.name, password, role.word) if password else None
    with closing(warehouse.connect(login=login)) as connection:
        if not login:
            _become(connection, role, is_required)
        yield connection


def _become(connection, role: Role, is_required: bool) -> None:
    with connection.cursor() as cursor:
        # Asked before it is tried: where there is no such role each tick would write an error into the server's log.
        cursor.execute("select to_regrole(%s) is not null", [role.name])
        may_become = cursor.fetchone()[0] and _has_become(cursor, role)
        if is_required and not may_become:
            raise SetupError(
                f"{warehouse.target().user} can't become {role.name}: run `make roles`, or set {role.word}"
            )
        for name, value in role.settings.items():
            cursor.execute("select set_config(%s, %s, false)", [name, value])
    connection.commit()


def _has_become(cursor, role: Role) -> bool:
    try:
        cursor.execute(sql.SQL("set role {}").format(role.identifier))
    except errors.InsufficientPrivilege:
        cursor.connection.rollback()
        return False
    return True
