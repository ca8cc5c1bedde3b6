"""The names of dimensions and metrics, against those that the property has: its own ones stand nowhere else."""

import difflib
from collections.abc import Collection, Iterable

from ingest.errors import SettingError
from ingest.sources.google_analytics.reports import ReportSettings


def check_names(report: ReportSettings, dimensions: Collection[str], metrics: Collection[str]) -> None:
    """Raise SettingError for a name that the property does not have."""
    _check("dimensions", "dimension", report.dimensions.values(), dimensions)
    _check("filter", "dimension", report.filter, dimensions)
    _check("metrics", "metric", report.metrics.values(), metrics)


def _check(setting: str, kind: str, names: Iterable[str], known: Collection[str]) -> None:
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]}?" if close else "docs/google-analytics.md says where they are listed"
            raise SettingError(f"{setting}: the property has no {kind} {name}; {hint}")
