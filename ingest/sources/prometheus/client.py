"""HTTP: one session with the server's API, its time-outs, retries and errors."""

import datetime as dt
import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import requests

from ingest import tls
from ingest.errors import SettingError, SourceError
from ingest.hours import HOUR
from ingest.reads import Period
from ingest.settings import DEMO_COMPANY

TRIES = 5
PAUSE_SECONDS = 0.5  # doubled with each try: 7.5 s in all, longer than a proxy's reload
LONGEST_PAUSE_SECONDS = 60
CONNECT_SECONDS = 5
GRACE_SECONDS = 10  # the server gives up first, and says why
MOST_BYTES = 256 * 2**20  # of an answer; 11,000 points of 500 series, far more than is asked for at once, are 150 MB
BUSY = (429, 502, 503)
# What a 422 says where a shorter range would be answered: Prometheus, Thanos and Mimir word it differently.
TOO_MUCH = re.compile(r"too many|limit|exceed", re.IGNORECASE)
SECRET = "in .dlt/secrets.toml or the environment"
# What HTTP calls a token: all else may be the value, written in the name's place.
HEADER = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")


class TooMuchError(Exception):
    """The server could not answer for so long a time: ask for less."""


@dataclass(frozen=True)
class Response:
    """An answer of the server that was read to its end."""

    status_code: int
    headers: Mapping[str, str]
    url: str
    body: bytes

    def json(self) -> object:
        """Return what the body says; raises ValueError where it is no JSON."""
        return json.loads(self.body)


class Client:
    """The HTTP API below `url`; its errors name the setting and the cure."""

    def __init__(self, settings, company: str):
        """Take the settings of the source; raises SourceError where they can't be used."""
        self.url, self.timeout = settings.url.rstrip("/"), settings.timeout_seconds
        self._check_url(company)
        self.is_get = False  # an old proxy may allow nothing else
        self.session = requests.Session()
        # A .netrc would replace the token that is set here.
        self.session.trust_env = False
        for number, (name, value) in enumerate(settings.headers.items(), 1):
            if not HEADER.fullmatch(name):
                raise SettingError(
                    f"[sources.prometheus] headers: number {number} has a name that no header has: "
                    'write headers = { Name = "value" }'
                )
            self.session.headers[name] = _sendable(f"headers.{name}", value)
        if settings.username is not None:
            login = {"username": settings.username, "password": settings.password or ""}
            self.session.auth = tuple(_sendable(name, value) for name, value in login.items())
        if settings.token:
            self.session.headers["Authorization"] = f"Bearer {_sendable('token', settings.token)}"
        elif settings.token_file:
            token = _sendable("token_file", _token(settings.token_file))
            self.session.headers["Authorization"] = f"Bearer {token}"
        if settings.ca_file:
            self.session.verify = _file("ca_file", settings.ca_file)
        if settings.cert_file:
            key = settings.key_file and _file("key_file", settings.key_file)
            cert = _file("cert_file", settings.cert_file)
            self.session.cert = (cert, key) if key else cert
        if settings.proxy:
            _check_proxy(settings.proxy)
            self.session.proxies = {"http": settings.proxy, "https": settings.proxy}

    def _check_url(self, company: str) -> None:
        if "@" in self.url:
            raise SettingError(
                f"[sources.prometheus] url holds a user: write username and password as settings {SECRET}"
            )
        parts = _address(self.url)
        if parts is None or parts.scheme not in ("http", "https"):
            raise SettingError('[sources.prometheus] url is not of the form "https://prometheus.example.com:9090"')
        is_demo = "/demo/" in f"{parts.path}/"
        if is_demo and company != DEMO_COMPANY:
            raise SettingError(
                f"[sources.prometheus] url: {self.url} belongs to the demo company, and company is {company!r}; "
                "write the URL of your own server, or enabled = false"
            )
        if not is_demo and company == DEMO_COMPANY:
            raise SettingError(
                f"[sources.prometheus] url: {self.url} is no demo server, and company is still "
                f"{DEMO_COMPANY!r}; write your company's name at the top of .dlt/config.toml"
            )

    def version(self) -> str | None:
        """Return the server's version; None where it does not tell. Raises SourceError where it lets nobody in."""
        response = self._send("GET", "status/buildinfo", {})
        if response.status_code == 404:
            return None
        data = _json(response, self.url).get("data")
        return data.get("version") if isinstance(data, dict) else None

    def matrix(self, promql: str, hours: Period) -> tuple[list[dict], list[str]]:
        """Return the series of an expression at the end of each hour of a period, and the server's warnings."""
        grid = {"start": _seconds(hours.start + HOUR), "end": _seconds(hours.end), "step": "3600"}
        return self._series("query_range", {"query": promql} | grid, "matrix")

    def vector(self, promql: str, at: dt.datetime) -> tuple[list[dict], list[str]]:
        """Return the series of an expression at an instant."""
        return self._series("query", {"query": promql, "time": _seconds(at)}, "vector")

    def samples(self, promql: str, at: dt.datetime) -> tuple[list[dict], list[str]]:
        """Return the raw samples of a range up to an instant."""
        return self._series("query", {"query": promql, "time": _seconds(at)}, "matrix")

    def _series(self, path: str, form: dict[str, str], wanted: str) -> tuple[list[dict], list[str]]:
        # Thanos leaves out stores that are down unless told not to; others ignore what they don't know.
        form |= {"timeout": f"{self.timeout}s", "partial_response": "false"}
        response = self._send("GET" if self.is_get else "POST", path, form)
        if response.status_code == 405 and not self.is_get:
            self.is_get = True
            response = self._send("GET", path, form)
        answer = self._answer(response)
        found = answer.get("data", {}).get("resultType")
        if found != wanted:
            raise SettingError(f"expr gives a {found}, not a {wanted}: write one that gives series")
        warnings = [*answer.get("warnings", [])]
        partial = [warning for warning in warnings if not warning.startswith("PromQL")]
        if partial:
            raise SourceError(f"the server warns that its answer is not whole: {partial[0]}; nothing of it was read")
        return answer["data"]["result"], warnings

    def _answer(self, response: Response) -> dict:
        status = response.status_code
        if status == 404:
            raise SettingError(
                f"[sources.prometheus] url: there is no Prometheus API at {response.url.partition('?')[0]} (404): "
                "write what stands before /api/v1"
            )
        answer = _json(response, self.url)
        if status == 200 and answer.get("status") == "success":
            return answer
        message = str(answer.get("error", "")) or f"status {status}"
        if answer.get("errorType") in ("timeout", "canceled") or (status == 422 and TOO_MUCH.search(message)):
            raise TooMuchError(message)
        if status in BUSY:
            raise SourceError(f"[sources.prometheus] url: the server answers {status} {TRIES} times: {message}")
        kind = SettingError if status == 400 else SourceError
        raise kind(f"expr: the server answers {status}: {message}")

    def _send(self, method: str, path: str, form: dict[str, str]) -> Response:
        """Send, again where the server is busy or gone for a moment."""
        for attempt in range(1, TRIES + 1):
            is_last = attempt == TRIES
            try:
                response = self._send_once(method, path, form)
            except requests.Timeout as error:
                if isinstance(error, requests.ConnectTimeout) and is_last:
                    raise SourceError(_unreachable(self.url, "no answer to a connection")) from error
                if not isinstance(error, requests.ConnectTimeout):
                    raise TooMuchError(f"no answer within {self.timeout + GRACE_SECONDS} s") from error
                _pause(attempt)
                continue
            except requests.RequestException as error:
                if isinstance(error, requests.exceptions.SSLError):
                    raise _untrusted(self.url, _cause(error)) from error
                if is_last:
                    raise SourceError(_unreachable(self.url, _cause(error))) from error
                _pause(attempt)
                continue
            if response.status_code == 504:
                raise TooMuchError("a proxy gave up waiting (504)")
            if response.status_code not in BUSY or _timed_out(response) or is_last:
                return self._admitted(response)
            _pause(attempt, response.headers.get("Retry-After"))
        raise AssertionError("unreachable")

    def _send_once(self, method: str, path: str, form: dict[str, str]) -> Response:
        with self.session.request(
            method,
            f"{self.url}/api/v1/{path}",
            **{"params" if method == "GET" else "data": form},
            timeout=(CONNECT_SECONDS, self.timeout + GRACE_SECONDS),
            allow_redirects=False,
            stream=True,
        ) as response:
            return Response(response.status_code, response.headers, response.url, self._body(response))

    def _body(self, response: requests.Response) -> bytes:
        """Return the body; raises SourceError where it is without end, TooMuchError where it takes too long."""
        deadline = time.monotonic() + self.timeout + GRACE_SECONDS
        body = bytearray()
        for part in response.iter_content(1 << 14):  # a slow one is noticed when this much has come
            body += part
            if len(body) > MOST_BYTES:
                raise SourceError(
                    f"[sources.prometheus] url: {self.url} answers with more than {MOST_BYTES >> 20} MB and goes on: "
                    "is it Prometheus? If it is, keep fewer labels, or choose fewer series in expr"
                )
            if time.monotonic() > deadline:
                raise TooMuchError(f"the answer did not end within {self.timeout + GRACE_SECONDS} s")
        return bytes(body)

    def _admitted(self, response: Response) -> Response:
        status = response.status_code
        if status in (401, 403):
            raise SettingError(
                f"[sources.prometheus] username, token: the server answers {status}: set username and password, "
                f"or token, {SECRET}"
            )
        if 300 <= status < 400:
            raise SettingError(
                f"[sources.prometheus] url: the server sends us on to {response.headers.get('Location')}: a login "
                "page, or another address: write the final URL of the API"
            )
        return response


def _json(response: Response, url: str) -> dict:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        kind = response.headers.get("Content-Type", "nothing that says what it is").partition(";")[0]
        raise SourceError(
            f"[sources.prometheus] url: {url} answers {response.status_code} with {kind} and not with JSON: "
            "a login page or another program? Write what stands before /api/v1"
        )
    return answer


def _timed_out(response: Response) -> bool:
    try:
        return response.json().get("errorType") == "timeout"
    except (ValueError, AttributeError):
        return False


def _pause(attempt: int, retry_after: str | None = None) -> None:
    """Wait before the next try: as long as the server asks, else ever longer, and not all clients at once."""
    own = PAUSE_SECONDS * 2 ** (attempt - 1) * random.uniform(0.5, 1)
    asked = float(retry_after) if retry_after and retry_after.isdigit() else 0
    time.sleep(min(max(own, asked), LONGEST_PAUSE_SECONDS))


def _unreachable(url: str, reason: str) -> str:
    return f"[sources.prometheus] url: {url} can't be reached: {reason}. Is the server up, are host and port right?"


def _untrusted(url: str, reason: str) -> SourceError:
    """Return the error for a failure of TLS: a wrong certificate stays wrong."""
    cure = tls.cure(reason, "url", "ca_file")
    kind = SettingError if cure else SourceError
    return kind(f"[sources.prometheus] url: {url} can't be reached by TLS: {reason}: {cure or 'does it speak TLS?'}")


def _cause(error: BaseException) -> str:
    """Return the innermost reason: requests wraps it three times, and shows objects."""
    while error.__context__:
        error = error.__context__
    return getattr(error, "strerror", None) or str(error).splitlines()[0]


def _seconds(at: dt.datetime) -> str:
    return str(int(at.timestamp()))


def _sendable(setting: str, value: str) -> str:
    """Return what a header can hold. Raises SettingError where none can: requests would show it, and it is a secret."""
    if value.isprintable() and value == value.strip() and not any(ord(letter) > 255 for letter in value):
        return value
    raise SettingError(
        f"[sources.prometheus] {setting}: holds a line break, a space at an end, or a letter that is in no header: "
        "write it again, on one line"
    )


def _address(url: str) -> SplitResult | None:
    """Return the parts of a URL; None where it is none, or has more than an address, which may be a secret."""
    try:
        parts = urlsplit(url)
        is_one = parts.hostname and parts.port != 0 and url.isprintable() and not re.search(r"[\s\\?#]", url)
    except ValueError:  # a port or a bracket
        return None
    return parts if is_one else None


def _check_proxy(url: str) -> None:
    """Raise SettingError where a proxy's URL is none: requests would quote a part of it, maybe of the password."""
    parts = _address(url if "://" in url else f"http://{url}")
    if parts is None or parts.path.strip("/"):
        raise SettingError(
            '[sources.prometheus] proxy is not of the form "http://user:password@proxy.example.com:3128"; '
            "in a password write / as %2F, ? as %3F, # as %23, % as %25"
        )
    _sendable("proxy", unquote(f"{parts.username or ''}{parts.password or ''}"))


def _token(path: str) -> str:
    """Return what a file holds; its name is not shown, since it may be the token itself."""
    try:
        return Path(path).read_text().strip()
    except (OSError, ValueError) as error:
        raise SettingError(
            "[sources.prometheus] token_file: it can't be read: write the path of a file that holds the token alone"
        ) from error


def _file(setting: str, path: str) -> str:
    if not Path(path).is_file():
        raise SettingError(f"[sources.prometheus] {setting}: there is no file {path}")
    return path
