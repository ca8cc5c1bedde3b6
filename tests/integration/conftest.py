"""Settings, a dbt project, and a Google Analytics property, of a test's own."""

import datetime as dt
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import dlt
import pytest
from dlt.common.configuration.container import Container
from dlt.common.configuration.specs.pluggable_run_context import PluggableRunContext

from ingest.sources.google_analytics import client
from tests.conftest import ROOT
from tests.integration.google_analytics_server import Reader, Served, serve

OF_THE_COMPANY = ("WEBSITE__URL", "EVENTS__URL", "SPIDERS__URL", "PROMETHEUS__ENABLED", "GOOGLE_ANALYTICS__ENABLED")
DBT_PROJECT = ("dbt_project.yml", "dbt_project", "models", "seeds", "tests/dbt")


@pytest.fixture
def configure(company, monkeypatch, tmp_path) -> Callable[[str], Path]:
    """Give a function that makes texts this test's .dlt/config.toml and secrets.toml, and clears SOURCES__*__URL."""

    def read_again() -> None:
        Container()[PluggableRunContext].reload_providers()

    def write(text: str, secrets: str = "") -> Path:
        for variable in OF_THE_COMPANY:
            monkeypatch.delenv(f"SOURCES__{variable}", raising=False)
        (tmp_path / ".dlt").mkdir(exist_ok=True)
        (tmp_path / ".dlt" / "config.toml").write_text(text)
        (tmp_path / ".dlt" / "secrets.toml").write_text(secrets)
        monkeypatch.setenv(dlt.common.known_env.DLT_PROJECT_DIR, str(tmp_path))
        read_again()
        return tmp_path

    yield write
    monkeypatch.delenv(dlt.common.known_env.DLT_PROJECT_DIR, raising=False)
    read_again()


@pytest.fixture
def project(company, monkeypatch, tmp_path) -> Path:
    """Give a copy of the dbt project, to edit; with a target of its own, or dbt would parse the others by it."""
    parsed = Path(os.environ["DBT_TARGET_PATH"]) / "partial_parse.msgpack"
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    if parsed.exists():
        (tmp_path / "target").mkdir()
        shutil.copy2(parsed, tmp_path / "target")
    for name in DBT_PROJECT:
        source, target = ROOT / name, tmp_path / name
        target.parent.mkdir(exist_ok=True, parents=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy2(source, target)
    return tmp_path


@pytest.fixture
def google() -> Iterator[Served]:
    """Give the demo's property on both wires, asked at noon of 10 March 2026."""
    with serve(dt.datetime(2026, 3, 10, 12, 5, tzinfo=dt.timezone.utc)) as served:
        yield served


@pytest.fixture
def read_google(company, google, monkeypatch) -> Reader:
    """Give what reads that property, without pauses before another try."""
    monkeypatch.setattr(client, "PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(client, "CONCURRENT_PAUSE_SECONDS", 0.001)
    return Reader(company, google)
