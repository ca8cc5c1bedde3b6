"""The pretend company's HTTP API: what the demo's settings ask for, as Prometheus would tell it."""

import datetime as dt
import math
import threading
from contextlib import suppress
from itertools import pairwise

import psutil
import pytest

from demo import api, metrics
from ingest.errors import SetupError
from ingest.project import ROOT
from tests.conftest import free_port

UTC = dt.timezone.utc
NOW = dt.datetime(2026, 11, 2, 9, 5, tzinfo=UTC)
HOURS = 90 * 24
END = int(NOW.timestamp()) // 3600
STREAMS = ("cache_requests", "crawler_pages", "crawler_queue_length", "database_size", "http_request_duration")


@pytest.fixture
def url():
    """Give the URL of an API that listens in this process."""
    with api.serve(0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}{api.PATH}"
        server.shutdown()


def test_the_source_reads_all_that_the_settings_ask_for(company, configure, url):
    configure((ROOT / ".dlt" / "config.toml").read_text())
    company.set(SOURCES__PROMETHEUS__URL=url)
    company.now = NOW
    company.read("prometheus")
    rows = company.rows("select stream, count(distinct hour_at) from raw.prometheus_samples group by 1 order by 1")
    assert [stream for stream, _ in rows] == [f"prometheus.{name}" for name in (*STREAMS, "http_requests")]
    assert min(count for _, count in rows) > HOURS - 30
    assert company.value("select count(*) from raw.prometheus_days") == 89
    assert company.value("select count(*) from raw.prometheus_samples where is_estimated") > 0
    assert "Prometheus 2.42.0-demo" in company.value("select message from ops.runs")

    first = "select stream, labels::text, hour_at, value, sample_count from raw.prometheus_samples order by 1, 2, 3"
    before = company.rows(first)
    company.read("prometheus", "--from", "2026-10-01", "--to", "2026-11-02")
    assert company.rows(first) == before


def test_it_has_what_real_servers_have():
    """A counter reset, a gap, a series that comes late, a NaN: in any 90 days."""
    hours = range(END - HOURS, END)
    samples = [value for _, value in metrics.page_samples(hours.start * 3600, hours.stop * 3600)]
    assert len([1 for old, new in pairwise(samples) if new < old]) in (12, 13)
    assert {metrics.scraped_minutes(hour) for hour in hours} == {0, 25, 60}
    assert {len(metrics.requests(hour)) for hour in hours} == {5, 6}
    assert sum(math.isnan(metrics.queue_length(hour)[()]) for hour in hours) == 3


def test_pages_of_raw_samples_are_those_of_the_hours():
    """But for what was crawled after the last sample before a reset, or while nothing was scraped."""
    samples = list(metrics.page_samples((END - 50) * 3600, (END - 2) * 3600))
    grown = sum(max(0, new - old) for (_, old), (_, new) in pairwise(samples))
    assert grown == pytest.approx(sum(metrics.pages(hour) for hour in range(END - 50, END - 2)), rel=0.01)


def test_the_api_outlives_who_started_it_until_it_is_stopped(monkeypatch, tmp_path):
    monkeypatch.setattr(api, "PIDFILE", tmp_path / "demo.pid")
    monkeypatch.setattr(api, "LOG", tmp_path / "demo.log")
    port = free_port()
    url = f"http://127.0.0.1:{port}{api.PATH}"
    assert not api.down()
    assert api.up(url)
    try:
        assert not api.up(url)
        with pytest.raises(SetupError, match=f"port {port} is taken"):
            api.up(f"http://127.0.0.1:{port}/demo/other")
    finally:
        assert api.down()
    assert not api.is_up(url)
    assert not api.down()


def test_the_api_ends_where_its_clone_is_gone(monkeypatch, tmp_path):
    monkeypatch.setattr(api, "PIDFILE", tmp_path / "demo.pid")
    monkeypatch.setattr(api, "LOG", tmp_path / "demo.log")
    assert api.up(f"http://127.0.0.1:{free_port()}{api.PATH}")
    process = psutil.Process(int(api.PIDFILE.read_text()))
    api.PIDFILE.unlink()
    try:
        process.wait(30)
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()
