"""The company to which faults happen, made once a process, on a server of its own that may be killed."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ingest.embedded import EmbeddedServer
from tests.conftest import Server, free_port, memory
from tests.faults.company import FaultyCompany
from tests.faults.table import PROPERTY, seed, shown
from tests.nonsense import Nonsense


@pytest.fixture(scope="session")
def embedded() -> Iterator[EmbeddedServer]:
    """Give a server that runs, and may be killed."""
    with TemporaryDirectory(prefix="bd-", dir=memory()) as folder:
        server = EmbeddedServer(Path(folder), "127.0.0.1", free_port(), "tester", "secret word", "postgres")
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="session")
def faulty(embedded, profiles, tmp_path_factory) -> Iterator[FaultyCompany]:
    """Give the company; a trial starts with its begin()."""
    server = Server(embedded.host, embedded.port, embedded.user, embedded.password)
    with closing(Nonsense()) as prometheus:
        yield FaultyCompany(server, profiles, prometheus, tmp_path_factory.mktemp("faults"))


@pytest.fixture
def record(request) -> Callable[[str, tuple[int, int], str], None]:
    """Give a function that writes a line of the table of faults, and fails where a row was lost or doubled."""

    def write(name: str, differences: tuple[int, int], saw: str) -> None:
        request.node.user_properties.append((PROPERTY, [name, *differences, shown(saw)]))
        assert differences == (0, 0), f"{name}: rows lost and doubled; again: FAULT_SEED={seed()}"

    return write
