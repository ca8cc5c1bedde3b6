"""What PostgreSQL lets everybody do, such as fill the disk with temporary tables, and nobody shall."""

from collections.abc import Iterator

from psycopg2 import errors, sql

# How it is taken away, and how one sees that it was not: PostgreSQL only warns where nothing could be revoked.
FOR_NOBODY = {
    "revoke temporary on database {database} from public": "has_database_privilege({role}, {database}, 'temporary')",
    "revoke create on schema public from public": "has_schema_privilege({role}, 'public', 'create')",
    "revoke execute on function lo_creat(integer), lo_create(oid), lo_from_bytea(oid, bytea) from public": (
        "has_function_privilege({role}, 'lo_create(oid)', 'execute')"
    ),
}


def statements(database: str) -> Iterator[sql.Composable]:
    """Give the statements that take it away."""
    for statement in FOR_NOBODY:
        yield sql.SQL(statement).format(database=sql.Identifier(database))


def take(cursor, database: str, role: str) -> list[str]:
    """Take away what may be taken; returns the statements for what a role may do all the same."""
    left = []
    for statement, check in zip(statements(database), FOR_NOBODY.values(), strict=True):
        cursor.execute("savepoint before")
        try:
            cursor.execute(statement)
        except errors.InsufficientPrivilege:
            cursor.execute("rollback to before")
        cursor.execute(sql.SQL("select " + check).format(role=sql.Literal(role), database=sql.Literal(database)))
        if cursor.fetchone()[0]:
            left.append(statement.as_string(cursor))
    return left
