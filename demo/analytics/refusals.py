"""The errors of the API, in Google's words."""

from __future__ import annotations

QUOTAS = "To learn more, see https://developers.google.com/analytics/devguides/reporting/data/v1/quotas"
SCHEMA = "https://developers.google.com/analytics/devguides/reporting/data/v1/api-schema"
EXPLORER = "https://ga-dev-tools.google/ga4/dimensions-metrics-explorer/"
PROPERTY_ID = "https://developers.google.com/analytics/devguides/reporting/data/v1/property-id"
CONSOLE = "https://console.developers.google.com/apis/api/analyticsdata.googleapis.com/overview?project=123456789012"
UNDER_AN_HOUR = "These quota tokens will return in under an hour."


class Refusal(Exception):
    """An error: the name of its gRPC status, and its text.

    `wire` is "html" where a proxy before Google answers 502 with a page, and "drop" where the connection ends without
    an answer; on gRPC the client makes UNAVAILABLE of both.
    """

    def __init__(self, status: str, message: str, wire: str = ""):
        """Keep all three."""
        super().__init__(message)
        self.status, self.message, self.wire = status, message, wire


# By the quota's name in PropertyQuota. The text of the server errors is ours: nobody has published Google's.
EXHAUSTED = {
    "tokens_per_day": f"Exhausted property tokens per day. These quota tokens will return in under 24 hours. {QUOTAS}",
    "tokens_per_hour": f"Exhausted property tokens per hour. {UNDER_AN_HOUR} {QUOTAS}",
    "tokens_per_project_per_hour": f"Exhausted property tokens for a project per hour. {UNDER_AN_HOUR} {QUOTAS}",
    "concurrent_requests": f"Exhausted concurrent requests quota. Please send fewer requests concurrently. {QUOTAS}",
    "server_errors_per_project_per_hour": (
        f"Exhausted server errors quota for a project per hour. {UNDER_AN_HOUR} {QUOTAS}"
    ),
    "potentially_thresholded_requests_per_hour": (
        f"Exhausted potentially thresholded requests quota. This quota will refresh in under an hour. {QUOTAS}"
    ),
}
# What `Switches.failures` may name, besides the quotas.
FAILURES = {
    "400": (
        "INVALID_ARGUMENT",
        "Please remove sessions to make the request compatible for example. The request's dimensions & metrics are "
        f"incompatible. To learn more, see {EXPLORER}",
    ),
    "401": (
        "UNAUTHENTICATED",
        "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid "
        "authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.",
    ),
    "403": (
        "PERMISSION_DENIED",
        "User does not have sufficient permissions for this property. To learn more about Property ID, see "
        f"{PROPERTY_ID}.",
    ),
    "403 disabled": (
        "PERMISSION_DENIED",
        "Google Analytics Data API has not been used in project 123456789012 before or it is disabled. Enable it by "
        f"visiting {CONSOLE} then retry. If you enabled this API recently, wait a few minutes for the action to "
        "propagate to our systems and retry.",
    ),
    "500": ("INTERNAL", "Internal error encountered."),
    "502": ("UNAVAILABLE", "Received http2 header with status: 502", "html"),
    "503": ("UNAVAILABLE", "The service is currently unavailable."),
    "504": ("DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "drop": ("UNAVAILABLE", "Socket closed", "drop"),
}
FAILED_AT_GOOGLE = {"500", "503", "504"}  # and so of the quota of server errors; 502 is a proxy's


def failure(name: str) -> Refusal:
    """Return the error of a quota, or one of FAILURES."""
    return Refusal("RESOURCE_EXHAUSTED", EXHAUSTED[name]) if name in EXHAUSTED else Refusal(*FAILURES[name])


def invalid(message: str) -> Refusal:
    """Return the error of a request that can't be answered."""
    return Refusal("INVALID_ARGUMENT", message)


def unknown(name: str, kind: str, close: list[str]) -> Refusal:
    """Return the error of a name that is no dimension or metric, with the first of some close ones."""
    hint = f"Did you mean {close[0]}? " if close else ""
    blanks = "  " if kind == "metric" else " "  # Google's
    return invalid(
        f"{hint}Field {name} is not a valid {kind}.{blanks}For a list of valid dimensions and metrics, see {SCHEMA} "
    )


def too_many(what: str, most: int, number: int) -> Refusal:
    """Return the error of more dimensions or metrics than a request may have."""
    return invalid(
        f"Requests are limited to {most} {what} within a nested request. This request is for {number} {what}."
    )


def incompatible(name: str) -> Refusal:
    """Return the error of a metric that can't be told by the dimensions."""
    return invalid(
        f"Please remove {name} to make the request compatible for example. The request's dimensions & metrics are "
        f"incompatible. To learn more, see {EXPLORER}"
    )
