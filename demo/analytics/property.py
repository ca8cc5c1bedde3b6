"""The property that the API serves: its clock, its switches and its quota; both wires call it."""

from __future__ import annotations

import datetime as dt
import threading
from collections import deque
from typing import Any

from google.analytics.data_v1beta import types

from demo.analytics.fields import DIMENSIONS, METRICS
from demo.analytics.quota import SERVER_ERRORS, THRESHOLDED, TOKENS, Quota
from demo.analytics.refusals import FAILED_AT_GOOGLE, failure, invalid
from demo.analytics.reports import clashing, names, report
from demo.analytics.switches import Switches

NAME = "properties/demo"
MOST_REPORTS = 5
ROWS_A_TOKEN = 10_000
CALLS_AT_HAND = 1000
COMPATIBLE, INCOMPATIBLE = types.Compatibility.COMPATIBLE, types.Compatibility.INCOMPATIBLE


class Property:
    """The property `demo`. `now` is the instant at which it is asked; None is the clock on the wall."""

    def __init__(self, now: dt.datetime | None = None, switches: Switches | None = None):
        """Start with all of the quota."""
        self.now = now
        self.switches = switches or Switches()
        self.quota = Quota()
        self.calls: deque[tuple[str, Any]] = deque(maxlen=CALLS_AT_HAND)
        self._lock = threading.Lock()
        self._under_way = 0

    def call(self, method: str, request: Any) -> Any:
        """Return the response to the request of a method, one of METHODS; raises Refusal."""
        # To the minute, so that the calls of a run find the sessions at hand.
        now = self.now or dt.datetime.now(dt.timezone.utc).replace(second=0, microsecond=0)
        with self._lock:
            self.calls.append((method, request))
            self._under_way += 1
        try:
            self._admit(now, request)
            return METHODS[method](self, request, now)
        finally:
            with self._lock:
                self._under_way -= 1

    def _admit(self, now: dt.datetime, request: Any) -> None:
        """Raise Refusal where a switch, the property or its quota says so."""
        with self._lock:
            failed = next(self.switches.failures, "")
            if failed:
                if failed in FAILED_AT_GOOGLE:
                    self.quota.spend(now, {SERVER_ERRORS: 1})
                raise failure(failed)
            asked = request.name.removesuffix("/metadata") if hasattr(request, "name") else request.property
            if asked != NAME:
                raise failure("403")
            self.quota.check(now, self.switches.limits, self._under_way)

    def run_report(self, request: Any, now: dt.datetime) -> Any:
        """Return a report, with what it has consumed of the quota where that is asked for."""
        response = report(request, now, self.switches)
        consumed = dict.fromkeys(TOKENS, 1 + len(response.rows) // ROWS_A_TOKEN)
        consumed[THRESHOLDED] = int(self.switches.is_thresholded)
        with self._lock:
            self.quota.spend(now, consumed)
            if request.return_property_quota:
                self.quota.write(response.property_quota, now, self.switches.limits, self._under_way, consumed)
        return response

    def batch_run_reports(self, request: Any, now: dt.datetime) -> Any:
        """Return up to five reports."""
        if len(request.requests) > MOST_REPORTS:
            raise invalid(f"A batch is limited to {MOST_REPORTS} requests. This one has {len(request.requests)}.")
        reports = [self.run_report(part, now) for part in request.requests]
        return types.BatchRunReportsResponse.pb()(reports=reports, kind="analyticsData#batchRunReports")

    def get_metadata(self, request: Any, now: dt.datetime) -> Any:
        """Return the dimensions and metrics that there are; costs a token."""
        with self._lock:
            self.quota.spend(now, dict.fromkeys(TOKENS, 1))
        metadata = types.Metadata.pb()(name=f"{NAME}/metadata")
        for name, field in DIMENSIONS.items():
            metadata.dimensions.add(api_name=name, ui_name=field.ui_name, description=field.description)
        for name, field in METRICS.items():
            metadata.metrics.add(api_name=name, ui_name=field.ui_name, description=field.description, type_=field.type)
        return metadata

    def check_compatibility(self, request: Any, now: dt.datetime) -> Any:
        """Return which dimensions and metrics go with those of the request."""
        dimensions, metrics = names(request.dimensions), names(request.metrics)
        response = types.CheckCompatibilityResponse.pb()()
        for name in DIMENSIONS:
            clashes = clashing([*dimensions, name], metrics)
            found = response.dimension_compatibilities.add(compatibility=INCOMPATIBLE if clashes else COMPATIBLE)
            found.dimension_metadata.api_name = name
        for name in METRICS:
            clashes = clashing(dimensions, [*metrics, name])
            found = response.metric_compatibilities.add(compatibility=INCOMPATIBLE if clashes else COMPATIBLE)
            found.metric_metadata.api_name = name
        return response


METHODS = {
    "RunReport": Property.run_report,
    "BatchRunReports": Property.batch_run_reports,
    "GetMetadata": Property.get_metadata,
    "CheckCompatibility": Property.check_compatibility,
}
