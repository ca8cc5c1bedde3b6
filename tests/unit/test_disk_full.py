"""A server that has no room says so, and the cure is room, not a password."""

from pathlib import Path

import psycopg2
import pytest

from ingest import warehouse
from ingest.embedded import EmbeddedError, EmbeddedServer
from ingest.errors import SetupError

FATAL = 'connection to server at "127.0.0.1" failed: FATAL:  could not write init file: No space left on device\n'
CURE = "make room on the server's disk: docs/runbooks/the-disk-is-full.md"


@pytest.fixture(autouse=True)
def full(monkeypatch):
    """Let each connection meet a server whose disk is full."""

    def connect(*_, **__):
        raise psycopg2.OperationalError(FATAL)

    monkeypatch.setattr(psycopg2, "connect", connect)


@pytest.mark.parametrize("host", ["", "db.example.com"])
def test_a_run_names_the_room_that_is_missing(monkeypatch, tmp_path, host):
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    warehouse.make_profiles()
    monkeypatch.setenv("WAREHOUSE_HOST", host)
    monkeypatch.setenv("WAREHOUSE_PORT", "1")
    with pytest.raises(SetupError) as error:
        warehouse.connect()
    assert "No space left on device" in str(error.value)
    assert str(error.value).endswith(CURE)


def test_a_start_does(tmp_path):
    server = EmbeddedServer(Path(tmp_path), "127.0.0.1", 1, "one", "word", "warehouse")
    with pytest.raises(EmbeddedError) as error:
        server._make_database()
    assert "No space left on device" in str(error.value)
    assert str(error.value).endswith(CURE)
