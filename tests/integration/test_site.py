"""The static copy, made of the demo and looked at in a real Chromium; and the site of dbt's documentation."""

import datetime as dt
import json
import sys
from pathlib import Path

import pytest

from dashboards.definitions import DASHBOARDS
from dashboards.definitions.pipeline import PIPELINE
from dashboards.macros import expand
from dashboards.panels import OVER_TIME
from dashboards.site import numbers, times
from dashboards.site.charts import digits
from tests.browser import Visit, browser
from tests.demo_warehouse import NOW, demo_warehouse

MOST_BYTES = 300_000
# Of the pages of the metric explorer those whose charts differ: a ratio, durations on a logarithmic scale, one of many.
LOOKED_AT = (
    "index",
    *(dashboard.slug for dashboard in DASHBOARDS),
    "metric-explorer--cache.hit_ratio",
    "metric-explorer--events.duration",
    "metric-explorer--http.requests",
)
SMALL = (0, 0.0003, 0.0104, 0.0195, 0.034, 0.5, 1, 1.25, 9.995, 42)
LARGE = (999.6, 1234.5, 9999, 10_000, 28_329, 999_960, 5.2e10)
VARIABLES = {"metric": ("events.count",), "series": ("events.count{type=login}",)}


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory):
    """Give the demo, read and built."""
    with demo_warehouse(tmp_path_factory) as made:
        yield made


@pytest.fixture(scope="module")
def site(warehouse, tmp_path_factory):
    """Give the folder with the pages, read as the role that Grafana is."""
    warehouse.module("roles", "--readers")
    folder = tmp_path_factory.mktemp("pages") / "site"
    warehouse.module("dashboards.site", "--into", str(folder))
    return folder


@pytest.fixture(scope="module")
def chromium():
    """Give the browser."""
    with browser() as started:
        yield started


@pytest.fixture
def open_page(chromium, site):
    """Give a function that opens a page of the site; all that it opened is closed."""
    visits = []

    def visit(name: str, **window) -> Visit:
        visits.append(Visit(chromium, site / f"{name}.html", **window))
        return visits[-1]

    yield visit
    for each in visits:
        each.close()


def names(site) -> list[str]:
    return sorted(path.stem for path in site.glob("*.html"))


def test_there_is_a_page_for_each_dashboard_and_each_metric(warehouse, site):
    metrics = warehouse.rows("select count(distinct metric) from marts.mart_series")[0][0]
    assert {"index", *(dashboard.slug for dashboard in DASHBOARDS)} <= set(names(site))
    assert len(names(site)) == 1 + len(DASHBOARDS) - 1 + metrics


def test_pages_are_small(site):
    sizes = {path.name: path.stat().st_size for path in site.glob("*.html")}
    assert max(sizes.values()) < MOST_BYTES, sizes


def test_each_page_is_drawn_whole_and_asks_nothing(open_page, site):
    for name in LOOKED_AT:
        visit = open_page(name)
        for theme in ("light", "dark"):
            visit.page.emulate_media(color_scheme=theme)
            for width in (1600, 390):
                visit.page.set_viewport_size({"width": width, "height": 900})
                visit.page.wait_for_function(IS_FITTED)
                seen = f"{name}, {theme}, {width} pixels"
                assert visit.page.evaluate(OVERFLOW) == 0, f"{seen}: it is wider than the window"
                plots, drawn = visit.page.evaluate(DRAWN)
                assert drawn == plots, f"{seen}: {drawn} of {plots} charts are drawn"
                assert plots or name == "index"
                assert (visit.page.evaluate(LIGHTNESS) > 500) == (theme == "light"), seen
        assert not visit.said, name
        assert visit.asked == [(site / f"{name}.html").as_uri()], name
        visit.close()


OVERFLOW = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
IS_FITTED = """
() => [...document.querySelectorAll(".plot")].every((plot) =>
    plot.querySelector(".u-wrap").clientWidth === plot.clientWidth)
"""
LIGHTNESS = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number).reduce((a, b) => a + b)"
# Between its axes a chart must have pixels of a series' colour: grid, target and letters are grey.
DRAWN = """
() => {
    const plots = [...document.querySelectorAll(".plot")];
    const isDrawn = (plot) => {
        const canvas = plot.querySelector("canvas");
        const over = plot.querySelector(".u-over").getBoundingClientRect();
        const box = canvas.getBoundingClientRect();
        const scale = canvas.width / box.width;
        const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
        copy.drawImage(canvas, 0, 0);
        const pixels = copy.getImageData((over.x - box.x) * scale, (over.y - box.y) * scale,
            over.width * scale, over.height * scale).data;
        let coloured = 0;
        for (let at = 0; at < pixels.length; at += 4) {
            const [red, green, blue, opacity] = pixels.slice(at, at + 4);
            if (opacity > 200 && Math.max(red, green, blue) - Math.min(red, green, blue) > 40) coloured += 1;
        }
        return coloured > 10;
    };
    return [plots.length, plots.filter(isDrawn).length];
}
"""


def answers(warehouse, sql: str, days: int = 90) -> list[dict]:
    """Return the rows that the warehouse's owner gets for a panel, by column."""
    until = dt.datetime.fromisoformat(NOW.replace("Z", "+00:00"))
    return warehouse.named_rows(expand(sql, until - dt.timedelta(days=days), until, VARIABLES))


def test_the_number_on_each_tile_is_what_sql_says(warehouse, open_page):
    tiles = 0
    for dashboard in DASHBOARDS:
        visit = open_page(dashboard.slug)
        for panel in (panel for panel in dashboard.panels if panel.kind == "stat"):
            value = answers(warehouse, panel.sql)[-1]["value"]
            shown = visit.page.locator(f"#panel-{panel.id} .value")
            assert float(shown.get_attribute("data-value")) == value, (dashboard.slug, panel.title)
            assert shown.inner_text() == numbers.short(value, panel.unit), (dashboard.slug, panel.title)
            tiles += 1
        visit.close()
    assert tiles > 10

    [(sign_ups,)] = warehouse.rows(
        "select sign_ups from marts.mart_acquisition where is_complete order by date_day desc limit 1"
    )
    assert open_page("overview").page.locator("#panel-1 .value").inner_text() == f"{sign_ups:,.0f}"


def test_each_number_of_the_index_says_of_when_it_is(warehouse, open_page):
    cards = open_page("index").page.evaluate(CARDS)
    shares = ("share_1_day", "share_7_days", "share_30_days")
    newest = ", ".join(f"max(date_day) filter (where {share} is not null) as {share}" for share in shares)
    [days] = warehouse.rows(f"select {newest} from marts.mart_activation")
    assert [when for _, when in cards["Activation"]] == [times.day(day) for day in days]
    assert len(set(days)) == 3, "of one cohort all three would be"
    assert [title for title, _ in cards["Pipeline health"]] == [panel.title for panel in PIPELINE.panels[:3]]
    assert all(when for card in cards.values() for _, when in card)


CARDS = """
() => Object.fromEntries([...document.querySelectorAll(".card")].map((card) => [
    card.querySelector("h2").textContent,
    [...card.querySelectorAll("dt")].map((tile) => [...tile.childNodes].map((node) => node.textContent.trim())),
]))
"""


def test_each_chart_has_a_table_of_all_its_numbers(warehouse, open_page):
    for dashboard in (dashboard for dashboard in DASHBOARDS if not dashboard.variables):
        visit = open_page(dashboard.slug)
        told = visit.page.evaluate(NUMBERS)
        for panel in (panel for panel in dashboard.panels if panel.kind in OVER_TIME):
            values = [row["value"] for row in answers(warehouse, panel.sql) if row.get("value") is not None]
            expected = {numbers.long(digits(value, panel.unit), panel.unit) for value in values}
            assert values, panel.title
            assert expected <= set(told[str(panel.id)]), (dashboard.slug, panel.title)
        visit.close()


NUMBERS = """
() => {
    [...document.querySelectorAll(".ranges button")].at(-1).click();
    const panels = [...document.querySelectorAll(".panel:has(.numbers)")];
    return Object.fromEntries(panels.map((panel) => {
        const details = panel.querySelector(".numbers");
        details.open = true;
        details.dispatchEvent(new Event("toggle"));
        return [panel.id.split("-")[1], [...details.querySelectorAll("td.number")].map((cell) => cell.textContent)];
    }));
}
"""


def test_a_browser_writes_numbers_as_python_does(open_page):
    page = open_page("overview").page
    for unit in ("count", "share", "milliseconds", "seconds", "minutes", "bytes"):
        for value in (sign * value for value in SMALL + LARGE for sign in (1, -1)):
            for form in ("short", "long"):
                written = page.evaluate(f"{form}({value}, {json.dumps(unit)})")
                assert written == getattr(numbers, form)(value, unit), (form, value, unit)


def test_it_can_be_read_by_keyboard_alone(open_page):
    page = open_page("overview").page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    reached = []
    while not reached or reached[-1] != "BODY":
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.dataset.days ?? document.activeElement.tagName"))
        assert page.evaluate(FOCUS_SHOWS), reached
        if reached[-1] == "7":
            page.keyboard.press("Space")
        if reached[-1] == "DIV" and page.locator(".plot:focus").count():
            page.keyboard.press("End")
            said = page.locator(".plot:focus + [aria-live]").inner_text()
            assert "2 Nov 2026" in said or "1 Nov 2026" in said, said
            page.keyboard.press("ArrowLeft")
            assert page.locator(".plot:focus + [aria-live]").inner_text() != said
    assert {"7", "30", "90", "SUMMARY", "DIV"} <= set(reached)
    assert page.locator(".ranges [aria-pressed=true]").inner_text() == "7 days"


FOCUS_SHOWS = """
document.activeElement === document.body || getComputedStyle(document.activeElement).outlineStyle !== "none"
"""


def test_what_is_pointed_at_is_told(warehouse, open_page):
    page = open_page("overview").page
    box = page.locator("#panel-4 .u-over").bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    [told] = page.locator("#panel-4 .tip caption").all_inner_texts()
    [value] = page.locator("#panel-4 .tip tr:first-of-type td").all_inner_texts()
    days = {
        f"{day:%a} {day.day} {day:%b %Y}": count
        for day, count in warehouse.rows("select date_day, sign_ups from marts.mart_acquisition")
    }
    assert value == f"{days[told]:,.0f}"


def test_the_days_shown_are_those_chosen(open_page):
    page = open_page("overview").page
    numbers = page.locator("#panel-4 .numbers")
    numbers.locator("summary").click()
    for days in (7, 30, 90):
        page.get_by_role("button", name=f"{days} days").click()
        assert abs(numbers.locator("tbody tr").count() - days) <= 1


def test_a_theme_that_is_chosen_stays(open_page, site):
    page = open_page("overview").page
    page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate(LIGHTNESS) < 500
    page.goto((site / "retention.html").as_uri())
    page.wait_for_function(f"{LIGHTNESS} < 500")
    assert page.get_by_role("button", name="Dark theme").get_attribute("aria-pressed") == "true"


def test_a_metric_is_chosen(open_page):
    page = open_page("metric-explorer").page
    page.get_by_label("Metric").select_option(label="Requests (http.requests)")
    page.wait_for_url("**/metric-explorer--http.requests.html")
    page.locator("#panel-2 .key button", has_text="200").click()
    page.locator("#panel-2 .numbers summary").click()
    assert "200" not in page.locator("#panel-2 .numbers thead").inner_text()


def test_the_public_copy_holds_nothing_private(warehouse, tmp_path):
    folder = tmp_path / "public"
    warehouse.module("dashboards.site", "--public", "--into", str(folder))
    text = "".join(path.read_text() for path in folder.glob("*.html"))
    assert sorted(path.name for path in folder.iterdir()) == ["index.html", "public.html"]
    assert "Pages crawled" in text

    private = warehouse.named_rows(
        "select metric, label, description, owner, stream from core.dim_metric where not is_public"
    )
    assert len(private) > 10
    for row in private:
        assert row["metric"] not in text
        assert row["description"] not in text
        assert row["stream"] is None or row["stream"] not in text
    for dashboard in DASHBOARDS:
        assert dashboard.is_public or dashboard.title not in text

    # Large enough to be no other number by chance.
    values = warehouse.rows(
        "select distinct round(value)::bigint::text from marts.mart_daily where value > 100000 "
        "and metric not in (select metric from core.dim_metric where is_public)"
    )
    assert len(values) > 100
    assert not [value for (value,) in values if value in text or f"{int(value):,}" in text]


def test_a_copy_that_fails_leaves_the_one_that_is_there(warehouse, tmp_path):
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text("the copy of yesterday")
    done = warehouse.run(sys.executable, "-m", "dashboards.site", "--into", str(folder), GRAFANA_DB_PASSWORD="wrong")
    assert done.returncode == 2
    assert done.stdout.startswith("site: ")
    assert done.stdout.count("\n") == 1
    assert (folder / "index.html").read_text() == "the copy of yesterday"
    assert list(tmp_path.iterdir()) == [folder]


@pytest.fixture(scope="module")
def docs(warehouse):
    """Give the folder with what `make docs` makes."""
    warehouse.dbt("--quiet", "docs", "generate")
    warehouse.module("dashboards.documentation")
    return Path(warehouse.environment["DBT_TARGET_PATH"])


def documented(docs) -> dict[str, dict]:
    """Return the project's own models, seeds, sources, macros and exposures by their id."""
    manifest = json.loads((docs / "manifest.json").read_text())
    kinds = [manifest[kind] for kind in ("nodes", "sources", "macros", "exposures")]
    own = {id: node for kind in kinds for id, node in kind.items() if node["package_name"] == "business_dashboards"}
    return {id: node for id, node in own.items() if node["resource_type"] not in ("test", "operation")}


def test_everything_is_described(docs):
    catalog = json.loads((docs / "catalog.json").read_text())
    built = {id: list(node["columns"]) for kind in ("nodes", "sources") for id, node in catalog[kind].items()}
    found = documented(docs)
    undescribed = [id for id, node in found.items() if not node["description"].strip()]
    for id, node in found.items():
        columns = node.get("columns", {})
        described = {name for name, column in columns.items() if column["description"].strip()}
        undescribed += [f"{id}: {name}" for name in {*columns, *built.get(id, [])} - described]
    assert not undescribed
    assert len(built) > 60
    assert sum(id.startswith("macro.") for id in found) > 60
    assert sum(id.startswith("exposure.") for id in found) == len(DASHBOARDS)


def test_the_documentation_is_one_page_with_its_lineage(docs, chromium):
    visit = Visit(chromium, docs / "static_index.html")
    page = visit.page
    page.get_by_role("heading", name="New here?").wait_for()
    linked = {link.split("/")[-1] for link in page.locator(".panel-body a").evaluate_all(HREFS) if "#!/" in link}
    assert len(linked) > 10
    assert linked <= documented(docs).keys()

    page.goto(f"{(docs / 'static_index.html').as_uri()}#!/overview?g_v=1&g_i=%2Bexposure:dashboard_overview")
    page.reload()
    page.wait_for_function(f"{GRAPH}?.nodes(':visible').length > 10")
    shown = set(page.evaluate(f"{GRAPH}.nodes(':visible').map((node) => node.id())"))
    assert {
        "source.business_dashboards.website.website_objects",
        "exposure.business_dashboards.dashboard_overview",
    } <= shown
    assert not [url for url in visit.asked if not url.startswith("file://")]
    visit.close()


HREFS = "(links) => links.map((link) => link.getAttribute('href'))"
GRAPH = "[...document.querySelectorAll('div')].map((div) => div._cyreg?.cy).find(Boolean)"
