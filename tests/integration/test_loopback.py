"""What this project starts by itself listens on loopback alone: as the kernel says, for the ports that it took."""

from pathlib import Path

import pytest

from demo import api
from demo.analytics import wires
from demo.analytics.property import Property

LISTEN = "0A"
# 127.0.0.1 as /proc/net/tcp and tcp6 write it, on a little-endian machine.
LOOPBACK, MAPPED = "0100007F", "0000000000000000FFFF00000100007F"
TABLES = [Path("/proc/net/tcp"), Path("/proc/net/tcp6")]
pytestmark = pytest.mark.skipif(not TABLES[0].exists(), reason="there is no /proc here")


def addresses(port: int) -> set[str]:
    """Return the addresses on which something listens on a port."""
    lines = [line.split() for table in TABLES if table.exists() for line in table.read_text().splitlines()[1:]]
    listening = [local for _, local, _, state, *_ in lines if state == LISTEN]
    return {address for address, _, number in (local.partition(":") for local in listening) if int(number, 16) == port}


def test_the_embedded_server_listens_on_loopback(server):
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select current_setting('listen_addresses'), current_setting('port')::int")
        assert cursor.fetchone() == ("127.0.0.1", server.port)
    assert addresses(server.port) == {LOOPBACK}


def test_the_demos_api_listens_on_loopback():
    grpc_server, grpc_port = wires.serve_grpc(Property())
    with api.serve(0, Property()) as http:
        assert addresses(http.server_port) == {LOOPBACK}
        # gRPC's socket is of both families.
        assert addresses(grpc_port) == {MAPPED}
    grpc_server.stop(None)
