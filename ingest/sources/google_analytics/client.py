"""The official client: its wire and credentials, what is tried again, and its errors with their cure."""

import itertools
import os
import random
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import SplitResult, urlsplit

import google.auth
import grpc
import requests
from google.analytics.data_v1beta import BetaAnalyticsDataClient
from google.analytics.data_v1beta.services.beta_analytics_data.transports import BetaAnalyticsDataGrpcTransport
from google.analytics.data_v1beta.types import DateRange, Metric, RunReportRequest, RunReportResponse
from google.api_core.exceptions import GoogleAPICallError, ServerError, TooManyRequests
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.environment_vars import CREDENTIALS
from google.auth.exceptions import DefaultCredentialsError, GoogleAuthError, TransportError
from google.oauth2 import service_account
from google.protobuf.json_format import ParseError

from ingest import tls
from ingest.errors import SettingError, SourceError
from ingest.settings import DEMO_COMPANY
from ingest.sources.google_analytics.properties import Property
from ingest.sources.google_analytics.quota import Quota
from ingest.sources.google_analytics.settings import DEMO_PROPERTY

SCOPES = ("https://www.googleapis.com/auth/analytics.readonly",)
GOOGLE = "https://analyticsdata.googleapis.com"
TIMEOUT_SECONDS = 60
# Ten server errors in an hour lock the property: three tries and no more.
TRIES = 3
PAUSE_SECONDS = 1  # four times as long before the third
CONCURRENT_TRIES = 10
CONCURRENT_PAUSE_SECONDS = 30
# What is no answer of Google's: the client stumbles over an error in another program's JSON.
FOREIGN = (ParseError, AttributeError)
# No answer, of the API or of the server that gives tokens.
UNREACHABLE = (requests.RequestException, TransportError)
# Of a key; and what comes of a file that is none of Google's, or none at all.
PARTS = ("client_email", "private_key", "token_uri")
NO_FILE_OF_GOOGLE = (OSError, ValueError, AttributeError, TypeError, KeyError)
FAILURES = (GoogleAPICallError, GoogleAuthError, requests.RequestException, *FOREIGN)
MOST_OF_A_MESSAGE = 300
# They stay until a person has changed a setting, a key or a grant.
REFUSALS = (400, 401, 403, 404)
# What 403 says where it is not about the property.
DISABLED = re.compile(r"has not been used in project|is disabled")
SETTING = "[sources.google_analytics]"
# Google's client has no setting of its own for them: REST and gRPC look at these.
CERTIFICATES = "the file of REQUESTS_CA_BUNDLE (REST) or GRPC_DEFAULT_SSL_ROOTS_FILE_PATH (gRPC)"
HELP = "docs/google-analytics.md shows how"


class Client:
    """The Data API of one property; its errors name the setting and the cure."""

    def __init__(self, settings, company: str, quota: Quota):
        """Take the settings of the source; raises SettingError where they can't be used."""
        _check_property(settings.property_id, company)
        self.property_id, self.quota = settings.property_id, quota
        self.endpoint = _endpoint(settings)
        self.credentials = _credentials(settings.credentials, self.endpoint)
        self.service = _service(settings.transport, self.endpoint, self.credentials)

    def property(self) -> Property:
        """Return what the property says of itself, beside the smallest report there is."""
        today = self.quota.now.date().isoformat()
        answer = self.report(
            RunReportRequest(
                property=f"properties/{self.property_id}",
                date_ranges=[DateRange(start_date=today, end_date=today)],
                metrics=[Metric(name="sessions")],
                limit=1,
                return_property_quota=True,
            )
        )
        return Property(self.property_id, answer.metadata.time_zone, answer.metadata.currency_code)

    def report(self, request: RunReportRequest) -> Any:
        """Return the answer to a request, as the raw protobuf message."""
        response = self._send(lambda: self.service.run_report(request, timeout=TIMEOUT_SECONDS))
        answer = RunReportResponse.pb(response)
        self.quota.note(answer.property_quota)
        return answer

    def names(self) -> tuple[list[str], list[str]]:
        """Return the names of the dimensions and metrics that the property has, its own ones among them."""
        name = f"properties/{self.property_id}/metadata"
        metadata = self._send(lambda: self.service.get_metadata(name=name, timeout=TIMEOUT_SECONDS))
        return [each.api_name for each in metadata.dimensions], [each.api_name for each in metadata.metrics]

    def close(self) -> None:
        """Let the connection go."""
        self.service.transport.close()

    def _send(self, call: Callable[[], Any]) -> Any:
        """Send, again where that may help: the client itself tries once only."""
        for attempt in itertools.count(1):
            self.quota.check()
            try:
                return call()
            except FAILURES as error:
                time.sleep(self._pause(error, attempt))
        raise AssertionError("unreachable")

    def _pause(self, error: Exception, attempt: int) -> float:
        """Return how many seconds to wait for the next try; raises SourceError where there is none."""
        if isinstance(error, TooManyRequests):
            if "concurrent" in error.message and attempt < CONCURRENT_TRIES:
                return CONCURRENT_PAUSE_SECONDS
            raise self.quota.refused(_message(error)) from error
        if isinstance(error, (ServerError, *UNREACHABLE)) and attempt < TRIES:
            return PAUSE_SECONDS * 4 ** (attempt - 1) * random.uniform(0.5, 1)
        kind = SettingError if _is_hopeless(error) else SourceError
        raise kind(self._explain(error)) from error

    def _explain(self, error: Exception) -> str:
        """Return what is wrong and what to do, in one line."""
        message, status = _message(error), getattr(error, "code", None)
        where = f"{self.endpoint.scheme}://{self.endpoint.netloc}"
        if untrusted := _untrusted(error):
            return f"{SETTING} api_endpoint: {where} is not believed: certificate verify failed: {untrusted}"
        if isinstance(error, UNREACHABLE) or "failed to connect" in message:
            return f"{SETTING} api_endpoint: {where} can't be reached ({message}). Is it up, are host and port right?"
        if isinstance(error, FOREIGN):
            return f"{SETTING} api_endpoint: {where} answers with no report: a login page, or another program?"
        if isinstance(error, GoogleAuthError) or status == 401:
            return f"{SETTING} credentials: {self._account()} is not let in ({message}); {self._better_credentials()}"
        if status == 403 and DISABLED.search(message):
            return f"{SETTING} credentials: the project of {self._account()} may not use the API: {message}"
        if status == 403:
            return (
                f"{SETTING} property_id: {self._account()} may not read property {self.property_id} ({message}): "
                "add it as a Viewer (Admin > Property access management), or correct property_id"
            )
        if status == 400:
            return f"Google refuses the request: {message}; `make check-sources` tries each name"
        again = f"{TRIES} times, run again later" if isinstance(error, ServerError) else "check api_endpoint"
        return f"{SETTING} api_endpoint: {where} answers {status}: {message} ({again})"

    def _account(self) -> str:
        """Return who we are, as far as the credentials tell."""
        if isinstance(self.credentials, AnonymousCredentials):
            return "an anonymous caller"
        email = getattr(self.credentials, "service_account_email", None)
        return email or "the account of your Application Default Credentials"

    def _better_credentials(self) -> str:
        if isinstance(self.credentials, AnonymousCredentials):
            return "over http:// none are sent: write https:// into api_endpoint"
        return f"make a new key; {HELP}"


def _check_property(property_id: str, company: str) -> None:
    is_demo = property_id == DEMO_PROPERTY
    if is_demo and company != DEMO_COMPANY:
        raise SettingError(
            f"{SETTING} property_id: {property_id} belongs to the demo company, and company is {company!r}; "
            "write the id of your own property, or enabled = false"
        )
    if not is_demo and company == DEMO_COMPANY:
        raise SettingError(
            f"{SETTING} property_id: {property_id} is no demo property, and company is still {DEMO_COMPANY!r}; "
            "write your company's name at the top of .dlt/config.toml"
        )


def _endpoint(settings) -> SplitResult:
    """Return where the API is; raises SettingError where the setting is no such place."""
    text = settings.api_endpoint or GOOGLE
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        is_address = bool(parts.scheme in ("http", "https") and parts.hostname and parts.port != 0)
    except ValueError:
        is_address = False
    if not is_address:
        raise SettingError(f'{SETTING} api_endpoint is not of the form "https://analytics.example.com:8443"')
    if settings.transport == "grpc" and parts.path.strip("/"):
        raise SettingError(
            f'{SETTING} api_endpoint: {text} has a path, and gRPC knows none; leave it out, or write transport = "rest"'
        )
    if parts.scheme == "http" and settings.credentials:
        raise SettingError(
            f"{SETTING} api_endpoint: credentials are never sent over http://; write https://, or leave them out"
        )
    return parts


def _credentials(key: dict | None, endpoint: SplitResult) -> Credentials:
    """Return who we are; raises SettingError where nothing says that, or not in Google's form.

    Some credentials ask for a token at once: raises SourceError where that server can't be reached.
    """
    if endpoint.scheme == "http":
        return AnonymousCredentials()
    return _of_key(key) if key else _default()


def _of_key(key: dict) -> Credentials:
    missing = [name for name in PARTS if not isinstance(key.get(name), str)]
    try:
        if not missing:
            return service_account.Credentials.from_service_account_info(key, scopes=SCOPES)
        why = f"it lacks {', '.join(missing)}"
    except ValueError:
        # Its words are not shown: they may quote the key.
        why = "its private_key is none, or broken"
    raise SettingError(f"{SETTING} credentials: it is no key of a service account ({why}); {HELP}")


def _default() -> Credentials:
    try:
        return google.auth.default(scopes=SCOPES)[0]
    except TransportError as error:
        raise SourceError(f"{SETTING} credentials: no token can be had ({_message(error)}); run again later") from error
    except (DefaultCredentialsError, *NO_FILE_OF_GOOGLE) as error:
        raise SettingError(f"{SETTING} credentials: there are none ({_why_none()}); {HELP}") from error
    except GoogleAuthError as error:
        raise SettingError(f"{SETTING} credentials: there are none ({_message(error)}); {HELP}") from error


def _why_none() -> str:
    """Return why there are no default credentials; Google's words may quote the file, or the key in its place."""
    if CREDENTIALS in os.environ:
        return f"{CREDENTIALS} has to be the path of a file that Google made"
    return f"no {CREDENTIALS}, and none of gcloud's"


def _service(transport: str, endpoint: SplitResult, credentials: Credentials) -> BetaAnalyticsDataClient:
    """Return the official client; its own channel would want TLS, and the default one stops at answers of 4 MiB."""
    if transport == "grpc" and endpoint.scheme == "http":
        channel = grpc.insecure_channel(endpoint.netloc, options=[("grpc.max_receive_message_length", -1)])
        return BetaAnalyticsDataClient(transport=BetaAnalyticsDataGrpcTransport(channel=channel))
    address = endpoint.netloc if transport == "grpc" else endpoint.geturl().rstrip("/")
    return BetaAnalyticsDataClient(
        transport=transport, credentials=credentials, client_options={"api_endpoint": address}
    )


def _untrusted(error: Exception) -> str | None:
    """Return what to do where the server's certificate is not believed; gRPC says so at the end of a long line."""
    return tls.cure(str(error), "api_endpoint", CERTIFICATES)


def _is_hopeless(error: Exception) -> bool:
    """Return whether a try finds the same until a person has changed something."""
    if isinstance(error, GoogleAuthError):
        return not isinstance(error, TransportError) and not error.retryable
    return getattr(error, "code", None) in REFUSALS or _untrusted(error) is not None


def _message(error: Exception) -> str:
    """Return what an error says, in one line: over REST the client puts the request before it, and HTML may follow."""
    text = getattr(error, "message", None) or str(error)
    text = " ".join(re.sub(r"^[A-Z]+ https?://\S+: ", "", text).split())
    return text[:MOST_OF_A_MESSAGE]
