"""dbt's connections to the warehouse, kept from one node of a run to the next."""

from collections import deque
from contextlib import suppress
from typing import ClassVar

import psycopg2
from dbt.adapters.contracts.connection import Connection, ConnectionState
from dbt.adapters.postgres.connections import PostgresConnectionManager


class KeptConnections(PostgresConnectionManager):
    """What dbt opens and closes its connections with, which closes none before the run's end.

    dbt's own closes one after each node: 79 of them in a tick. Each new one costs its login and has to read the
    catalogs anew, before it plans anything: a tenth of a tick's CPU.
    """

    _idle: ClassVar[deque[psycopg2.extensions.connection]] = deque()

    @classmethod
    def open(cls, connection: Connection) -> Connection:
        """Give a connection that is idle, or a new one."""
        # The last one that was given back is taken: few are opened, and they know the catalogs.
        with suppress(IndexError):
            if connection.state != ConnectionState.OPEN:
                connection.handle, connection.state = cls._idle.pop(), ConnectionState.OPEN
        return super().open(connection)

    @classmethod
    def _close_handle(cls, connection: Connection) -> None:
        """Keep it, as good as new; close it where it is broken, or has the profile's role, which it would forget."""
        if connection.credentials.role or not _forgets(connection.handle):
            super()._close_handle(connection)
        else:
            cls._idle.append(connection.handle)

    def cleanup_all(self) -> None:
        """Close all; dbt's own word for the end of a run."""
        super().cleanup_all()
        while self._idle:
            self._idle.pop().close()


def _forgets(handle: psycopg2.extensions.connection) -> bool:
    """Leave no transaction, temporary table, setting or lock of a node; returns whether that could be done."""
    try:
        handle.rollback()
        was_autocommit, handle.autocommit = handle.autocommit, True
        with handle.cursor() as cursor:
            cursor.execute("discard all")
        handle.autocommit = was_autocommit
        return True
    except psycopg2.Error:
        return False
