"""The lines of docs/scheduling.md that a machine runs, as it runs them."""

import re
import subprocess
from contextlib import closing

import pytest

from tests.conftest import ROOT, WAREHOUSE

DOCS = (ROOT / "docs" / "scheduling.md").read_text()
# All that cron gives a command, but for what stands in the crontab itself.
CRON = {"HOME": "/", "LOGNAME": "root", "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}


@pytest.fixture
def cron(company, profiles):
    """Give a function that runs the line which mails what is wrong, in cron's shell; returns what would be mailed."""
    (line,) = re.findall(r"^    5 \* \* \* \* (.*echo.*)$", DOCS, re.MULTILINE)
    crontab = company.server.environment | {"DBT_PROFILES_DIR": str(profiles)}

    def run(**variables: str) -> str:
        done = subprocess.run(
            ["/bin/sh", "-c", line.replace("/srv/business-dashboards", str(ROOT))],
            env=CRON | crontab | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    return run


def test_cron_mails_what_is_wrong(cron):
    mailed = cron(WAREHOUSE_PORT="1")
    assert mailed.startswith("tick: the warehouse does not let us in: ")
    assert mailed.count("\n") == 1


def test_cron_mails_nothing_where_another_tick_is_running(cron, company):
    with closing(company.server.connect(WAREHOUSE)) as other, other.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(hashtext('ops.steps'))")
        assert cron() == ""
