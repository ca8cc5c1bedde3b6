"""Alerts: told once when they come and once when they go, to real HTTP and SMTP servers; no secret in any line."""

import datetime as dt
import json
import threading
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from aiosmtpd.controller import Controller

from ingest.raw import prepare
from ingest.sources import SOURCES
from tests.conftest import EVENTS, WAREHOUSE, free_port
from tests.integration.measured import add_sign_ups, add_workers
from tick import notify, steps
from tick.__main__ import main

SECRET = "canary-4711"
NOWHERE = "postgresql://reader@127.0.0.1:1/demo_nowhere"


@pytest.fixture
def web():
    """Give a local HTTP server: its messages as dictionaries, and the answer that it gives."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if server.status == 200:
                server.messages.append(json.loads(body))
            self.send_response(server.status)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    server.messages, server.status = [], 200
    server.url = f"json://user:{SECRET}@127.0.0.1:{server.server_port}/{SECRET}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@contextmanager
def mail_server():
    class Box:
        mails: list[str] = []  # noqa: RUF012

        async def handle_DATA(self, server, session, envelope):
            self.mails.append(envelope.content.decode())
            return "250 OK"

    box = Box()
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    try:
        yield box.mails, f"mailto://127.0.0.1:{controller.port}/?from=a@example.com&to=b@example.com&mode=insecure"
    finally:
        controller.stop()


@pytest.fixture
def told(company, monkeypatch, capfd, tmp_path, web):
    """Give a function that runs steps of the tick, and holds that they print no secret."""
    monkeypatch.setattr(steps, "let_the_demo_live", lambda: None)
    monkeypatch.setattr(notify, "DOWN", tmp_path / "told-down")
    company.set(NOTIFY__URLS=json.dumps([web.url]), NOTIFY__LINK="https://numbers.example.com")

    def run(*arguments: str) -> tuple[int, str]:
        capfd.readouterr()
        code = main(list(arguments))
        printed = capfd.readouterr()
        assert SECRET not in printed.out + printed.err
        return code, printed.out + printed.err

    return run


def something_is_wrong(company) -> None:
    """Put one alert where dbt would."""
    company.ingest()
    company.execute(
        "create view ops.alerts as "
        "select 'a'::text alert, 'it'::text subject, null::text as owner, 'is wrong'::text problem, "
        "'a-page'::text runbook"
    )


def test_an_alert_is_told_once_when_it_comes_and_once_when_it_goes(told, company, web):
    company.add_events((1, "login", company.now - dt.timedelta(hours=1)))
    company.read()
    company.build()
    company.set(SOURCES__EVENTS__URL=NOWHERE)
    company.ingest()
    code, printed = told("notify", "--dry-run")
    assert (code, web.messages) == (0, [])
    assert "would tell place 1 (JSON): demo: 3 new\n" in printed

    assert told("notify")[1].endswith("notify: told 3 new, 0 over, to 1 of 1 places\n")
    assert told("notify")[1].endswith("notify: nothing new to tell\n")
    (message,) = web.messages
    assert (message["title"], message["type"]) == ("demo: 3 new", "failure")
    lines = message["message"].splitlines()
    assert lines[-1] == "https://numbers.example.com"
    assert any(line.startswith("NEW  events could not be read: ") for line in lines)
    assert any(line.endswith("(docs/runbooks/a-source-is-down.md)") for line in lines)
    assert any("objects.count was never read, promised every 120; ask product" in line for line in lines)

    company.set(SOURCES__EVENTS__URL=f"postgresql:///{EVENTS}")
    company.read()
    assert told("notify")[1].endswith("notify: told 0 new, 1 over, to 1 of 1 places\n")
    assert (web.messages[-1]["title"], web.messages[-1]["type"]) == ("demo: 1 over", "success")
    assert web.messages[-1]["message"].startswith("OVER events no longer: could not be read\n")
    assert SECRET not in json.dumps(web.messages)
    assert company.value("select count(*) from ops.told") == 2


def test_an_anomaly_and_a_missed_target_are_told_once_and_when_they_are_over(told, company, web):
    """Six weeks of 6 workers in each hour; then 60, and for three hours 6 again. A day of too few sign-ups."""
    company.now = dt.datetime(2026, 11, 10, 12, 5, tzinfo=dt.timezone.utc)
    with closing(company.server.connect(WAREHOUSE)) as connection:
        prepare(connection, [table for source in SOURCES.values() for table in source.TABLES])
    company.build("--select", "+alerts")
    add_workers(company, "2026-09-29T00:00Z", "2026-11-10T00:00Z", 6)
    told("notify")
    web.messages.clear()

    add_workers(company, "2026-11-10T01:00Z", "2026-11-10T01:00Z", 60)
    add_sign_ups(company, "2026-11-08", 70)
    assert told("notify")[1].endswith("notify: told 2 new, 0 over, to 1 of 1 places\n")
    assert told("notify")[1].endswith("notify: nothing new to tell\n")
    (message,) = web.messages
    assert message["message"].splitlines()[:2] == [
        "NEW  spiders.active.mean{spider=ant} is high at 2026-11-10 02:00: 60 where 5.4 to 6.6 was expected; "
        "ask engineering (docs/runbooks/an-anomaly.md)",
        "NEW  objects.created{object=users} missed its target on 2026-11-08: 70 where at least 100 is the target; "
        "ask product (docs/runbooks/a-target-is-missed.md)",
    ]

    add_workers(company, "2026-11-10T02:00Z", "2026-11-10T03:00Z", 6)
    assert told("notify")[1].endswith("notify: nothing new to tell\n")
    add_workers(company, "2026-11-10T04:00Z", "2026-11-10T04:00Z", 6)
    add_sign_ups(company, "2026-11-09", 170)
    assert told("notify")[1].endswith("notify: told 0 new, 2 over, to 1 of 1 places\n")
    first, second, _ = web.messages[-1]["message"].splitlines()
    assert first == "OVER spiders.active.mean{spider=ant} no longer: is high at 2026-11-10 02:00"
    assert second == "OVER objects.created{object=users} no longer: missed its target on 2026-11-08"


def test_what_nobody_took_is_told_by_the_next_tick_and_also_by_mail(told, company, web):
    something_is_wrong(company)
    web.status = 500
    code, printed = told("notify")
    assert code == 1
    assert "nobody could be told, the next tick tries again: place 1 (JSON)" in printed

    with mail_server() as (mails, url):
        company.set(NOTIFY__URLS=json.dumps([web.url, url]))
        code, printed = told("notify")
    assert code == 1
    assert "told 1 new, 0 over, to 1 of 2 places; not to place 1 (JSON)" in printed
    (mail,) = mails
    assert "Subject: demo: 1 new" in mail
    assert "NEW  it is wrong (docs/runbooks/a-page.md)" in mail


def test_quiet_hours_keep_it_but_a_test_is_sent(told, company, monkeypatch, web):
    something_is_wrong(company)
    monkeypatch.setattr(notify, "_is_quiet", lambda _: True)
    assert told("notify")[1].endswith("notify: 1 kept until the quiet hours end\n")
    assert web.messages == []

    assert told("notify", "--test")[1].endswith("notify: sent a test, to 1 of 1 places\n")
    (message,) = web.messages
    assert (message["title"], message["type"]) == ("demo: a test", "info")
    web.status = 500
    assert "sent a test, to 0 of 1 places; not to place 1 (JSON)" in told("notify", "--test")[1]


def test_a_dry_run_says_that_a_place_is_wrong(told, company):
    something_is_wrong(company)
    company.set(NOTIFY__URLS=f'["json://127.0.0.1", "nonsense://{SECRET}"]')
    code, printed = told("notify", "--dry-run")
    assert code == 2
    assert "[notify] urls: number 2 is none that Apprise knows" in printed


def test_a_warehouse_that_is_down_is_told_once_and_when_it_is_back(company, monkeypatch, tmp_path, web, capfd):
    monkeypatch.setattr(steps, "let_the_demo_live", lambda: None)
    monkeypatch.setattr(notify, "DOWN", tmp_path / "told-down")
    port = company.value("show port")
    company.set(NOTIFY__URLS=json.dumps([web.url]), WAREHOUSE_PORT="1")
    web.status = 500
    assert main(["notify"]) == 2  # nobody took it: it is not told yet
    web.status = 200
    assert [main(["notify"]), main(["notify"])] == [2, 2]
    company.set(WAREHOUSE_PORT=port)
    main(["notify"])
    assert [message["title"] for message in web.messages] == [
        "demo: the warehouse is down",
        "demo: the warehouse is up again",
    ]
    assert SECRET not in "".join(capfd.readouterr())


def test_a_warehouse_that_is_down_is_one_line_also_where_nobody_can_be_told(company, monkeypatch, tmp_path, capfd):
    monkeypatch.setattr(notify, "DOWN", tmp_path / "told-down")
    company.set(NOTIFY__URLS=f'["nonsense://{SECRET}"]', WAREHOUSE_PORT="1")
    assert main(["notify"]) == 2
    (line,) = "".join(capfd.readouterr()).splitlines()
    assert line.startswith("tick: the warehouse does not let us in: ")


def test_settings_that_can_not_be_read_are_one_line(company, tmp_path):
    (tmp_path / ".dlt").mkdir()
    (tmp_path / ".dlt" / "config.toml").write_text("company = ")
    company.set(DLT_PROJECT_DIR=str(tmp_path))
    with company.process("tick") as process:
        printed, code = process.stdout.read(), process.wait()
    assert code == 2
    (line,) = printed.splitlines()
    assert line.startswith("tick: .dlt/config.toml is no TOML: ")


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("NOTIFY__QUIET", "night", '[notify] quiet: write two times of the day, such as "22:00-07:00"'),
        ("NOTIFY__URL", "json://x", "[notify] url: no such setting; did you mean urls?"),
        ("NOTIFY__URLS", f"json://{SECRET}", "[notify] urls: Input should be a valid list"),
        ("NOTIFY__URLS", f'["nonsense://{SECRET}"]', "[notify] urls: number 1 is none that Apprise knows"),
    ],
)
def test_a_wrong_setting_is_named(company, monkeypatch, tmp_path, capfd, variable, value, line):
    monkeypatch.setattr(notify, "DOWN", tmp_path / "told-down")
    company.set(**{variable: value})
    if "nonsense" in value:
        something_is_wrong(company)
    assert main(["notify"]) != 0
    printed = "".join(capfd.readouterr())
    assert line in printed
    assert SECRET not in printed
