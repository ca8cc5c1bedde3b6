"""The READMEs of the sources document every setting with its default, and none that does not exist."""

import re
from pathlib import Path
from typing import get_args

import pytest
import tomlkit

from ingest.project import ROOT
from ingest.sources import SOURCES
from ingest.sources.events import OPTIONAL, REQUIRED
from ingest.sources.google_analytics.reports import ReportSettings
from ingest.sources.prometheus.queries import QuerySettings
from ingest.sources.spiders import COLUMNS, STATUS_COLUMNS
from ingest.sources.website import ObjectSettings

NO_DEFAULT = "none"


def readme(source: str) -> Path:
    return ROOT / "ingest" / "sources" / source / "README.md"


def documented(source: str, heading: str) -> dict[str, str]:
    """Return setting -> its default, from the table whose first column has this heading."""
    table = re.search(rf"^\| {heading} \|.*\n\|[-|]+\n((?:\|.*\n)+)", readme(source).read_text(), re.MULTILINE)
    rows = [[cell.strip() for cell in row.split("|")[1:-1]] for row in table[1].splitlines()]
    return {row[0].strip("`"): row[1] for row in rows}


def defaults(settings) -> dict:
    """Return setting -> its default, None where there is none."""
    return {
        name: None if field.is_required() else field.get_default(call_default_factory=True)
        for name, field in settings.model_fields.items()
    }


@pytest.mark.parametrize(
    ("source", "heading", "settings"),
    [
        *((source, "setting", module.SETTINGS) for source, module in SOURCES.items()),
        ("website", "setting of an object", ObjectSettings),
        ("prometheus", "setting of a query", QuerySettings),
        ("google_analytics", "setting of a report", ReportSettings),
    ],
)
def test_every_setting_is_documented_with_its_default(source, heading, settings):
    found = documented(source, heading)
    assert list(found) == list(settings.model_fields)
    for name, default in defaults(settings).items():
        if default is None:
            assert found[name].startswith(NO_DEFAULT), name
            assert settings.model_fields[name].is_required() == found[name].endswith("must be set"), name
        else:
            assert tomlkit.parse(f"default = {found[name].strip('`')}").unwrap() == {"default": default}, name


def test_every_column_of_an_event_is_documented():
    found = documented("events", "column")
    assert tuple(found) == (*REQUIRED, *OPTIONAL)


def test_every_column_of_a_spider_is_documented_with_its_default():
    tables = {column: "spider_status" if column in STATUS_COLUMNS else "spider" for column in COLUMNS}
    assert documented("spiders", "column") == {
        column: f"`{tables[column]}.{default}`" for column, default in COLUMNS.items()
    }


@pytest.mark.parametrize("source", list(SOURCES))
def test_no_setting_is_named_that_does_not_exist(source):
    """In the text: [sources.x] y = ... blocks and SOURCES__X__Y."""
    text = readme(source).read_text()
    settings = SOURCES[source].SETTINGS
    assert {name.lower() for name in re.findall(rf"SOURCES__{source.upper()}__(\w+)", text)} <= set(
        settings.model_fields
    )
    for block in re.findall(r"```toml\n(.*?)```", text, re.DOTALL):
        section = tomlkit.parse(block).unwrap()["sources"][source]
        settings.model_validate(({"url": "postgresql:///shop"} if "url" in settings.model_fields else {}) | section)


def test_every_way_to_make_a_value_is_documented():
    found = documented("prometheus", "`value`")
    assert [name.strip("`") for name in found] == list(get_args(QuerySettings.model_fields["value"].annotation))
