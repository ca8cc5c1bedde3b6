"""The step notify: tell people what came and what went of ops.alerts, once each, by any service that Apprise knows.

What was told stands in ops.told. Nothing is told in quiet hours; what lasts beyond them is told when they end.
"""

import datetime as dt
import logging
import re
from contextlib import closing, suppress
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field, field_validator

from ingest import settings, warehouse
from ingest.errors import SetupError
from ingest.hours import business_timezone
from ingest.project import ROOT
from tick.ended import FAILED, FINE, Ended

# A message on a phone; the dashboards have all.
MOST_LINES = 12
DOWN = ROOT / ".warehouse" / "told-down"
DOWN_PAGE = "the-warehouse-is-down.md"


class NotifySettings(BaseModel):
    """Settings of [notify]: `urls` in Apprise's form, in secrets.toml; quiet hours of business time; a link."""

    model_config = ConfigDict(extra="forbid")

    urls: list[str] = Field(default_factory=list)
    quiet: str | None = None
    link: str | None = None

    @field_validator("quiet")
    @classmethod
    def _is_a_span(cls, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", text):
            raise ValueError('write two times of the day, such as "22:00-07:00"')
        return text

    def is_quiet(self, at: dt.time) -> bool:
        """Return whether a time of the day lies in the quiet hours, which may hold midnight."""
        if not self.quiet:
            return False
        start, end = (dt.time.fromisoformat(text) for text in self.quiet.split("-"))
        return start <= at < end if start <= end else at >= start or at < end


class Alert(NamedTuple):
    """A row of ops.alerts or of ops.told."""

    alert: str
    subject: str
    owner: str | None
    problem: str
    runbook: str


class Message(NamedTuple):
    """What is sent; its kind is Apprise's, which gives it a colour or a sign: failure, success or info."""

    title: str
    body: str
    kind: str


def notify(is_dry_run: bool = False) -> Ended:
    """Tell what came and what went since it was last told; returns what was told to how many places.

    With `is_dry_run` the message is the line, nothing is sent and nothing kept.
    """
    resolved = _settings()
    with closing(warehouse.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("select to_regclass('ops.alerts') is null")
        if cursor.fetchone()[0]:
            return Ended(FAILED, "there is no ops.alerts: dbt build has never succeeded")
        alerts, told = _alerts(cursor, "alerts"), _alerts(cursor, "told")
        came = [one for name, one in alerts.items() if name not in told]
        went = [one for name, one in told.items() if name not in alerts]
        if not came and not went:
            return Ended(FINE, "nothing new to tell")
        told_now = message(came, went, resolved.link)
        if is_dry_run:
            names = ", ".join(name for name, _ in _places(resolved.urls)) or "nobody"
            return Ended(FINE, f"would tell {names}: {told_now.title}\n{told_now.body}")
        if _is_quiet(resolved):
            return Ended(FINE, f"{len(came) + len(went)} kept until the quiet hours end")
        if not resolved.urls:
            return Ended(FINE, f"{len(came) + len(went)} to tell and nobody to tell it to: set [notify] urls")
        failed = _send(resolved.urls, told_now)
        if len(failed) == len(resolved.urls):
            return Ended(FAILED, f"nobody could be told, the next tick tries again: {', '.join(failed)}")
        _keep(cursor, came, went)
    return _ended(f"told {len(came)} new, {len(went)} over", resolved.urls, failed)


def send_test() -> Ended:
    """Send a message to every place, quiet hours or not, so that who set one sees that it comes."""
    resolved = _settings()
    if not resolved.urls:
        return Ended(FAILED, "there is nobody to tell: set [notify] urls")
    body = "\n".join(
        ["Alerts will come here: NEW when something is wrong, OVER when it is over.", *_links(resolved.link)]
    )
    failed = _send(resolved.urls, Message(f"{settings.company()}: a test", body, "info"))
    return _ended("sent a test", resolved.urls, failed)


def tell_down(problem: str) -> None:
    """Tell once that the warehouse can't be reached, which no table of its own can say.

    Wrong settings of [notify] are not said here: the tick's line is about the warehouse, and the step says them later.
    """
    body = f"{problem} (docs/runbooks/{DOWN_PAGE})"
    down = Message(f"{settings.company()}: the warehouse is down", body, "failure")
    with suppress(SetupError):
        resolved = _settings()
        if not DOWN.exists() and not _is_quiet(resolved) and _is_taken(resolved.urls, down):
            DOWN.parent.mkdir(exist_ok=True)
            DOWN.touch()


def tell_up() -> None:
    """Tell that the warehouse is back, where it was told that it was down."""
    up = Message(f"{settings.company()}: the warehouse is up again", "What was missed is being read.", "success")
    with suppress(SetupError):
        if DOWN.exists() and _is_taken(_settings().urls, up):
            DOWN.unlink()


def message(came: list[Alert], went: list[Alert], link: str | None) -> Message:
    """Return a message: a line each, grouped, with its number, what was expected, and the runbook."""
    parts = [f"{len(came)} new"] * bool(came) + [f"{len(went)} over"] * bool(went)
    title = f"{settings.company()}: {', '.join(parts)}"
    lines = [f"NEW  {one.subject} {one.problem}{_whom(one)} (docs/runbooks/{one.runbook}.md)" for one in came]
    lines += [f"OVER {one.subject} no longer: {one.problem.split(': ')[0]}" for one in went]
    more = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
    body = "\n".join([*lines[:MOST_LINES], *more, *_links(link)])
    return Message(title, body, "failure" if came else "success")


def _alerts(cursor, table: str) -> dict[str, Alert]:
    """Return the rows of ops.alerts or ops.told, by name. Each is asked once: what is odd now takes half a second."""
    cursor.execute(f"select alert, subject, owner, problem, runbook from ops.{table} order by alert")
    return {row[0]: Alert(*row) for row in cursor.fetchall()}


def _keep(cursor, came: list[Alert], went: list[Alert]) -> None:
    for alert in came:
        cursor.execute(
            "insert into ops.told (alert, subject, owner, problem, runbook) values (%s, %s, %s, %s, %s)", alert
        )
    cursor.execute("delete from ops.told where alert = any(%s)", ([alert.alert for alert in went],))


def _send(urls: list[str], told: Message) -> list[str]:
    """Send to each place; returns those that did not take it. Raises SetupError where a URL is none of Apprise's."""
    return [name for name, place in _places(urls) if not _takes(place, told)]


def _takes(place, told: Message) -> bool:
    try:
        return place.notify(title=told.title, body=told.body, notify_type=told.kind)
    except ValueError:  # a password or an address that no HTTP can hold
        return False


def _places(urls: list[str]) -> list[tuple[str, object]]:
    """Return each place with a name for people, which is not its URL: that is a secret."""
    import apprise  # 0.3 s, which a tick with nothing to tell does not need

    # It logs the URLs that failed, with the secrets in them.
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)
    places = [apprise.Apprise.instantiate(url) for url in urls]
    wrong = [str(number) for number, place in enumerate(places, 1) if place is None]
    if wrong:
        raise SetupError(
            f"[notify] urls: number {', '.join(wrong)} is none that Apprise knows; https://appriseit.com lists them"
        )
    return [(f"place {number} ({place.service_name})", place) for number, place in enumerate(places, 1)]


def _is_taken(urls: list[str], told: Message) -> bool:
    """Send; returns whether any place took it."""
    return len(_send(urls, told)) < len(urls)


def _ended(done: str, urls: list[str], failed: list[str]) -> Ended:
    line = f"{done}, to {len(urls) - len(failed)} of {len(urls)} places"
    return Ended(FAILED, f"{line}; not to {', '.join(failed)}") if failed else Ended(FINE, line)


def _links(link: str | None) -> list[str]:
    return [link] if link else []


def _settings() -> NotifySettings:
    return settings.resolve_section(("notify",), NotifySettings, "docs/alerts.md")


def _is_quiet(resolved: NotifySettings) -> bool:
    return resolved.is_quiet(dt.datetime.now(business_timezone()).time())


def _whom(alert: Alert) -> str:
    return f"; ask {alert.owner}" if alert.owner else ""
