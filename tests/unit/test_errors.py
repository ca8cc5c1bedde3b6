"""The lines that people read where something failed."""

import psycopg2
import pytest

from ingest.errors import reason_of


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("server closed the connection\n\tThis probably means", "server closed the connection"),
        ("error with status PGRES_COPY_OUT and no message from the libpq", "the connection was lost"),
        ("", "OperationalError"),
    ],
)
def test_a_reason_is_one_line_that_says_something(said, reason):
    assert reason_of(psycopg2.OperationalError(said)) == reason
