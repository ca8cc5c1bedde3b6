"""TLS to the warehouse and to every source: who is believed, and the line for who is not."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo import api
from demo.analytics import wires
from demo.analytics.property import Property
from ingest import warehouse
from ingest.backup import backup
from ingest.errors import SetupError
from ingest.sources.google_analytics import client
from tests.certificates import Authority, service_account_key
from tests.conftest import EVENTS
from tests.integration.google_analytics_server import REPORTS
from tests.tls_servers import https, postgres

QUERY = {"queue": {"metric": "t.queue", "expr": "crawler_queue_length", "value": "average", "across": "sum"}}
# How a client is misled, and what of the line says so.
WRONG_AUTHORITY, WRONG_HOST, NO_FILE = "another authority", "another host", "no file"


@pytest.fixture(scope="module")
def authority(tmp_path_factory) -> Authority:
    """Give the authority that signs the servers' certificates."""
    return Authority(tmp_path_factory.mktemp("ours"), "ours")


@pytest.fixture(scope="module")
def other(tmp_path_factory) -> Authority:
    """Give one that signs none of them."""
    return Authority(tmp_path_factory.mktemp("other"), "other")


@pytest.fixture(scope="module")
def certificate(authority) -> tuple[Path, Path]:
    """Give a certificate for localhost, which 127.0.0.1 is not."""
    return authority.sign("localhost")


@pytest.fixture(scope="module")
def database(server, certificate) -> Iterator[int]:
    """Give the port of the server by TLS."""
    with postgres(server.port, certificate) as port:
        yield port


@pytest.fixture
def by_tls(company, database, authority):
    """Give a company whose warehouse is reached by TLS, as its sources are that leave out a server."""
    company.set(
        WAREHOUSE_HOST="localhost",
        WAREHOUSE_PORT=str(database),
        WAREHOUSE_SSLMODE="verify-full",
        WAREHOUSE_SSLROOTCERT=str(authority.certificate),
    )
    company.add_events((1, "login", "2026-03-10T11:00Z"))
    return company


def test_ingest_dlt_and_dbt_reach_a_warehouse_that_they_believe(by_tls):
    by_tls.read("events")
    assert by_tls.value("select count(*) from raw.events_events") == 1
    assert by_tls.dbt("debug", "--connection").success


def test_the_programs_of_the_embedded_server_know_no_tls(by_tls, tmp_path):
    by_tls.set(PATH=str(tmp_path))
    with pytest.raises(
        SetupError, match="WAREHOUSE_SSLMODE asks for TLS, which the embedded server's pg_dump does not"
    ):
        backup(tmp_path / "warehouse.dump")


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            WRONG_AUTHORITY,
            "certificate verify failed: WAREHOUSE_SSLROOTCERT has to hold the certificate that signed the server's, "
            "and no other did",
        ),
        (
            WRONG_HOST,
            'does not match host name "127.0.0.1": '
            "write a name into WAREHOUSE_HOST that stands in the server's certificate",
        ),
        (
            NO_FILE,
            'root certificate file "/nowhere" does not exist: '
            "write the file with the certificate that signed the server's into WAREHOUSE_SSLROOTCERT",
        ),
    ],
)
def test_a_warehouse_that_is_not_believed_is_named_in_one_line(by_tls, other, wrong, said):
    mislead(by_tls, other, wrong)
    with pytest.raises(SetupError) as refused:
        warehouse.connect()
    assert str(refused.value).endswith(said)
    assert "\n" not in str(refused.value)
    assert by_tls.ingest("events") == (2, f"ingest: {refused.value}\n")


def mislead(company, other: Authority, wrong: str) -> None:
    if wrong == WRONG_AUTHORITY:
        company.set(WAREHOUSE_SSLROOTCERT=str(other.certificate))
    if wrong == WRONG_HOST:
        company.set(WAREHOUSE_HOST="127.0.0.1")
    if wrong == NO_FILE:
        company.set(WAREHOUSE_SSLROOTCERT="/nowhere")


def test_a_warehouse_without_tls_is_not_talked_to(by_tls, server):
    by_tls.set(WAREHOUSE_PORT=str(server.port))
    with pytest.raises(
        SetupError, match="server does not support SSL, but SSL was required: turn TLS on at the server"
    ):
        warehouse.connect()


def source_url(server, database: int, host: str, ca: Path) -> str:
    return (
        f"postgresql://{server.user}:{server.password.replace(' ', '%20')}@{host}:{database}/{EVENTS}"
        f"?sslmode=verify-full&sslrootcert={ca}"
    )


def test_a_postgres_source_is_believed_by_its_url(company, server, database, authority, other):
    company.add_events((1, "login", "2026-03-10T11:00Z"))
    company.set(SOURCES__EVENTS__URL=source_url(server, database, "localhost", authority.certificate))
    company.read("events")
    assert company.value("select count(*) from raw.events_events") == 1

    company.set(SOURCES__EVENTS__URL=source_url(server, database, "localhost", other.certificate))
    code, printed = company.ingest("events")
    assert code == 78
    assert "[sources.events] url: connection to server" in printed
    assert "certificate verify failed: its parameter sslrootcert has to hold the certificate" in printed
    assert printed.count("\n") == 1

    company.set(SOURCES__EVENTS__URL=source_url(server, database, "127.0.0.1", authority.certificate))
    code, printed = company.ingest("events")
    assert (code, printed.count("\n")) == (78, 1)
    assert 'does not match host name "127.0.0.1": write a name into it that stands in' in printed


@pytest.fixture(scope="module")
def web(certificate) -> Iterator[int]:
    """Give the port of the demo's Prometheus and Google Analytics, by TLS."""
    with https(api.serve(0, Property()), certificate) as port:
        yield port


def test_prometheus_is_believed_by_ca_file(company, web, authority, other):
    company.set(
        SOURCES__PROMETHEUS__ENABLED="true",
        SOURCES__PROMETHEUS__URL=f"https://localhost:{web}/demo/prometheus",
        SOURCES__PROMETHEUS__CA_FILE=str(authority.certificate),
        SOURCES__PROMETHEUS__QUERIES=json.dumps(QUERY),
        SOURCES__PROMETHEUS__KEEPS_DAYS="1",
    )
    company.read("prometheus")
    for wrong, said in (
        ({"CA_FILE": str(other.certificate)}, "ca_file has to hold the certificate that signed the server's"),
        ({"URL": f"https://127.0.0.1:{web}/demo/prometheus"}, "write a name into url that stands in the server's"),
    ):
        with company.monkeypatch.context() as patch:
            for name, value in wrong.items():
                patch.setenv(f"SOURCES__PROMETHEUS__{name}", value)
            code, printed = company.ingest("prometheus")
        assert (code, printed.count("\n")) == (78, 1), printed
        assert "[sources.prometheus] url: " in printed
        assert said in printed


@pytest.fixture(scope="module")
def key() -> dict[str, str]:
    """Give a key of a service account as Google makes it."""
    return service_account_key()


@pytest.mark.parametrize("wire", ["rest", "grpc"])
def test_google_analytics_is_believed_by_its_clients_own_variables(
    company, web, authority, key, certificate, monkeypatch, wire
):
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.001)
    company.set(
        SOURCES__GOOGLE_ANALYTICS__ENABLED="true",
        SOURCES__GOOGLE_ANALYTICS__PROPERTY_ID="demo",
        SOURCES__GOOGLE_ANALYTICS__TRANSPORT=wire,
        SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT=f"https://localhost:{web}{wires.PATH if wire == 'rest' else ''}",
        SOURCES__GOOGLE_ANALYTICS__CREDENTIALS=json.dumps(key),
        SOURCES__GOOGLE_ANALYTICS__REPORTS=json.dumps({"users": REPORTS["users"]}),
        SOURCES__GOOGLE_ANALYTICS__START_AT="2026-03-09",
    )
    code, printed = company.ingest("google_analytics")
    assert (code, printed.count("google_analytics]")) == (78, 1), printed
    assert f"[sources.google_analytics] api_endpoint: https://localhost:{web} is not believed" in printed
    assert "REQUESTS_CA_BUNDLE" in printed
    if wire == "rest":
        company.set(REQUESTS_CA_BUNDLE=str(authority.certificate))
        company.read("google_analytics")
