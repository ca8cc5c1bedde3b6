"""No secret comes out of where it was written, and no name is ever more than a text: of one company, read and built."""

import html.parser
import json
from collections import Counter
from contextlib import closing

import pytest
import yaml

from dashboards.definitions.explorer import EXPLORER
from dashboards.macros import expand
from dashboards.semantic_models import registry, semantic_models
from demo.analytics import property as demo_property
from tests.browser import Visit, browser
from tests.integration import hostile
from tests.integration.hostile import ATTACKS, EVENTS, NOW, RENDERED, SECRETS, SPIDERS, WEBSITE, canary, password

# A page that shows each kind of text that others wrote: labels of metrics, series, annotations.
LOOKED_AT = ("index", "metric-explorer", "overview", "public", "quality-of-service", "pipeline-health")


@pytest.fixture(scope="module")
def company(tmp_path_factory):
    """Give the company after runs that went well and runs that failed."""
    folder = tmp_path_factory.mktemp("hostile")
    with pytest.MonkeyPatch.context() as patch, hostile.hostile_company(folder) as made:
        patch.setattr(demo_property, "NAME", hostile.PROPERTY)
        watch = hostile.Watch()
        run_well(made)
        run_badly(made)
        watch.end()
        made.command_lines |= watch.seen
        yield made


def run_well(made) -> None:
    """Make the roles, read, build, write pages and docs, tell people; all of it succeeds."""
    as_chief = {"WAREHOUSE_USER": "chief", "WAREHOUSE_PASSWORD": password("warehouse")}
    words = {"LOADER_DB_PASSWORD": password("loader"), "TRANSFORMER_DB_PASSWORD": password("transformer")}
    made.succeed("roles", **as_chief, **words)
    made.succeed("dashboards.generate")
    made.succeed("ingest")
    made.succeed("dbt", "build", "--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    made.succeed("dbt", "docs", "generate")
    made.succeed("dashboards.documentation")
    made.succeed("dashboards.site", "--public")
    made.succeed("dashboards.latest")
    made.succeed("dashboards.explain", ATTACKS[-1], "2026-03-10T10:00Z")
    made.succeed("tick", "site", "notify")


def run_badly(made) -> None:
    """Let each secret be refused, each service be gone, and the warehouse refuse rows."""
    wrong, where = canary("wrong"), f"{made.server.host}:{made.server.port}"
    gone = {
        **{
            f"SOURCES__{name}__URL": f"postgresql://{name.lower()}:{wrong}@{where}/{database}"
            for name, database in (("WEBSITE", WEBSITE), ("EVENTS", EVENTS), ("SPIDERS", SPIDERS))
        },
        "SOURCES__PROMETHEUS__URL": "https://localhost:1/x",
        "SOURCES__GOOGLE_ANALYTICS__API_ENDPOINT": "https://localhost:1",
        "NOTIFY__URLS": f'["jsons://me:{wrong}@localhost:1/{wrong}"]',
        "GRAFANA_DB_PASSWORD": wrong,
        "PUBLIC_DB_PASSWORD": wrong,
    }
    made.fail("ingest", **gone)
    made.fail("ingest.check", **gone)
    made.fail("tick", "site", "notify", **gone)
    made.fail("dashboards.site", "--public", **gone)
    # Settings that can't be read: what is shown of them must not be what was written.
    made.fail(
        "ingest",
        SOURCES__EVENTS__URL=f"postgresql://u:{wrong}@@{where}/x",
        SOURCES__PROMETHEUS__TOKEN=wrong,
        SOURCES__WEBSITE__URL=wrong,
        SOURCES__GOOGLE_ANALYTICS__CREDENTIALS=f'{{"{wrong}"',
        SOURCES__SPIDERS__URL=f"postgresql://u:{wrong}@{where}:x/y",
    )
    made.fail("tick", "notify", "--test", NOTIFY__URLS=f'["{wrong}://x"]')
    made.fail("tick", WAREHOUSE_PASSWORD=wrong, DESTINATION__POSTGRES__CREDENTIALS__PASSWORD=wrong, NOTIFY__URLS="[]")
    made.fail("dbt", "run", "--select", "dim_hour", WAREHOUSE_PASSWORD=wrong)
    made.fail(
        "roles",
        WAREHOUSE_USER="spiders",
        WAREHOUSE_PASSWORD=password("spiders"),
        LOADER_DB_PASSWORD=wrong,
        TRANSFORMER_DB_PASSWORD=wrong,
    )
    made.execute("revoke insert on raw.events_events from loader")
    made.fail("ingest", "events")
    # A copy that fails stands in the log of the source's server.
    made.execute(f"alter table {hostile.quoted(hostile.NAME)} add duration numeric default 'NaN'", EVENTS)
    columns = {"event_id": "id", "type": hostile.NAME, "user_id": "user_id", "duration_ms": "duration"}
    made.fail("ingest", "events", SOURCES__EVENTS__COLUMNS=json.dumps(columns))
    made.try_malformed()
    # And what all of these left in the warehouse is on its pages.
    made.succeed("tick", "site", "notify")


SAMPLED = "select metric from raw.prometheus_samples"


# Of the secrets that are refused a piece is too much, too: what quotes them may cut them.
WRONG = canary("wrong")
PIECES = [WRONG[start : start + 8] for start in range(len(WRONG) - 7)]


def secrets_in(text: str) -> set[str]:
    found = {secret for secret in SECRETS if canary(secret) in text}
    return found | {"wrong"} if any(piece in text for piece in PIECES) else found


def test_no_secret_is_printed_or_in_a_command_line(company):
    for printed in company.printed:
        assert secrets_in(printed) == set(), printed
    assert company.command_lines == set()
    print(f"{len(SECRETS)} secrets, {len(company.printed)} commands")


def test_a_broken_secret_is_one_line_that_names_its_setting(company):
    for what, names, code, printed in company.tries:
        assert code in (1, 2, 3, 78), (what, printed)
        assert printed.count("\n") == 1, (what, printed)
        assert names in printed, (what, printed)
    print(f"{len(company.tries)} tries")


def test_no_secret_is_in_a_file_but_those_that_hold_it(company):
    """Logs, dbt's artefacts, both sites, the docs site, the state of .warehouse."""
    looked_at = 0
    for file in company.project.rglob("*"):
        if file.is_file() and file.name != "secrets.toml" and file.suffix != ".pyc":
            looked_at += 1
            assert secrets_in(file.read_bytes().decode(errors="replace")) == set(), file
    assert secrets_in((company.home / "server.log").read_text(errors="replace")) == set()
    parts = ("target/manifest.json", "target/static_index.html", "logs/dbt.log", "site/index.html")
    assert all((company.project / part).exists() for part in parts)
    print(f"{looked_at} files")


def test_no_secret_is_in_the_warehouse(company):
    dumped = company.dump()
    assert "[sources.website] url: " in dumped, "a fault that is kept"
    assert secrets_in(dumped) == set()
    print(f"{len(dumped):,} characters of a dump")


def test_the_secrets_were_used(company):
    """Or it would be no wonder that they are nowhere."""
    assert any(header.startswith("Basic ") for header in company.web.authorizations)
    assert company.rows("select count(*) from raw.google_analytics_days where stream = 'google_analytics.users'") != [
        (0,)
    ]
    assert company.web.messages


def test_each_attack_arrived_as_the_text_that_it_is(company):
    for query in (
        "select distinct type from raw.events_events",
        "select distinct spider from raw.spiders_statuses",
        "select distinct metric from raw.prometheus_samples",
        "select distinct labels ->> 'result' from raw.prometheus_samples",
        "select distinct key from raw.events_events cross join jsonb_object_keys(attributes) as keys (key)",
        f"select distinct metric from core.fct_metric_hourly where metric in ({SAMPLED})",
        f"select distinct label from core.dim_metric where metric in ({SAMPLED})",
        f"select distinct text from core.dim_annotation where text in ({SAMPLED})",
    ):
        assert {text for (text,) in company.rows(query)} == set(ATTACKS), query
    print(f"{len(ATTACKS)} attacks in 8 places, and in the names of tables, columns, objects and keys")


def test_no_statement_of_theirs_ran(company):
    for database in ("warehouse", WEBSITE, EVENTS, SPIDERS):
        assert company.rows("select number from public.canary", database) == [(1,)]


def test_no_jinja_of_theirs_was_rendered(company):
    for file in company.project.rglob("*"):
        if file.is_file() and file.suffix not in (".pyc",):
            assert RENDERED not in file.read_bytes().decode(errors="replace"), file
    assert RENDERED not in company.dump()
    assert RENDERED not in "".join(company.printed)


def test_metricflow_is_told_the_texts_and_not_what_jinja_makes_of_them(company):
    text = semantic_models(registry(company.project / "seeds" / "metrics.csv"))
    assert text == (company.project / "models" / "marts" / "_registry__semantic_models.yml").read_text()
    labels = [metric["label"] for metric in yaml.safe_load(text)["metrics"]]
    assert not {label for label in labels if label.startswith(("{{ env_var", "{% do"))}
    manifest = json.loads((company.project / "target" / "manifest.json").read_text())
    assert set(ATTACKS) <= {metric["label"] for metric in manifest["metrics"].values()}


class Page(html.parser.HTMLParser):
    """What a browser would run of a page, and its texts."""

    def __init__(self, text: str):
        super().__init__()
        self.scripts, self.handlers, self.texts = 0, [], []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list) -> None:
        self.scripts += tag == "script"
        values = {name: (value or "").strip().lower() for name, value in attributes}
        self.handlers += [name for name in values if name.startswith("on")]
        self.handlers += [
            value for value in values.values() if value.startswith("javascript:") and tag in ("a", "form")
        ]
        self.handlers += [tag] if tag in ("iframe", "object", "embed", "img", "base", "form") else []

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_no_page_has_a_script_but_its_own(company):
    pages = [*(company.project / "site").glob("*.html"), *(company.project / "site-public").glob("*.html")]
    scripts, texts = Counter(), ""
    for path in pages:
        page = Page(path.read_text())
        assert page.handlers == [], path
        scripts[page.scripts] += 1
        texts += "\n".join(page.texts)
    # Theme, data, uPlot and page; the index draws nothing.
    assert set(scripts) == {2, 4}
    assert all(attack in texts for attack in ATTACKS)
    print(f"{len(pages)} pages, {len(ATTACKS)} attacks in their texts, 0 scripts of others")


def test_a_browser_runs_nothing_of_theirs(company):
    site = company.project / "site"
    explorers, texts = sorted(site.glob("metric-explorer--*hit*.html")), ""
    with browser() as chromium:
        for path in [*(site / f"{name}.html" for name in LOOKED_AT), *explorers]:
            visit = Visit(chromium, path)
            # Keys, tables and what stands beside a pointer are made when they are asked for.
            for details in visit.page.query_selector_all("details"):
                details.evaluate("details => { details.open = true; }")
            for plot in visit.page.query_selector_all(".plot"):
                plot.focus()
                visit.page.keyboard.press("ArrowLeft")
            visit.page.evaluate("() => new Promise(requestAnimationFrame)")
            made = visit.page.evaluate("document.documentElement.outerHTML")
            assert Page(made).handlers == [], path
            texts += visit.page.evaluate("document.body.textContent")
            assert visit.said == [], path
            assert visit.asked == [path.as_uri()]
            visit.close()
    assert explorers
    assert all(attack in texts for attack in ATTACKS)
    print(f"{len(LOOKED_AT) + len(explorers)} pages in Chromium")


def test_the_documentation_runs_nothing_of_theirs(company):
    """Its first page, and that of each metric whose texts are attacks."""
    page = company.project / "target" / "static_index.html"
    manifest = json.loads((company.project / "target" / "manifest.json").read_text())
    labels = {id: metric["label"] for id, metric in manifest["metrics"].items() if metric["label"] in ATTACKS}
    with browser() as chromium:
        visit = Visit(chromium, page)
        visit.page.get_by_role("heading", name="New here?").wait_for()
        for id, label in labels.items():
            visit.page.goto(f"{page.as_uri()}#!/metric/{id}")
            visit.page.locator("h1", has_text=label).first.wait_for()
        # dbt's page says much of its own icons; what an attack calls, it would say, is not defined.
        assert [said for said in visit.said if "hit" in said or "SyntaxError" in said] == []
        visit.close()
    assert set(labels.values()) == set(ATTACKS)


def test_a_value_of_grafanas_variables_is_a_value(company):
    """Each attack as the metric and as the series, in each statement of the explorer, as the reader."""
    ran = 0
    statements = [panel.sql for panel in EXPLORER.panels] + [
        each.sql for each in (*EXPLORER.annotations, *EXPLORER.variables)
    ]
    with closing(hostile.connect_as(company, "grafana_reader", password("grafana"))) as connection:
        connection.autocommit = True
        for attack in ATTACKS:
            for sql in statements:
                choice = {"metric": (attack,), "series": (attack, f"{attack}{{result={attack}}}")}
                statement = expand(sql, NOW.replace(day=1), NOW, choice)
                with connection.cursor() as cursor:
                    cursor.execute(statement)
                ran += 1
            with connection.cursor() as cursor:
                cursor.execute("select count(*) from marts.mart_hourly where metric = %s", [attack])
                wanted = cursor.fetchone()
                cursor.execute(
                    expand(
                        "select count(*) from marts.mart_hourly where metric = ${metric:sqlstring}",
                        NOW,
                        NOW,
                        {"metric": (attack,)},
                    )
                )
                assert cursor.fetchone() == wanted != (0,)
    print(f"{ran} statements with {len(ATTACKS)} attacks as values")


def test_prometheus_is_asked_what_the_settings_say_and_no_label(company):
    assert set(company.web.queries) == {
        "count(count_over_time(x[1h]))",
        "last_over_time(x[1h])",
        "count_over_time(x[1h])",
    }


@pytest.mark.parametrize(("setting", "value"), [("labels", '["a\\"} or x"]'), ("metric", '""')])
def test_a_label_that_is_none_of_prometheus_is_refused(company, setting, value):
    query = f'{{"q": {{"metric": "m", "expr": "x", "value": "last", "{setting}": {value}}}}}'
    done = company.run("ingest", "prometheus", SOURCES__PROMETHEUS__QUERIES=query)
    assert done.returncode == 78
    assert f"queries.q.{setting}" in done.stdout
