"""Each bench still runs, and the table keeps what it did not measure; no figure is held to anything here."""

import tempfile

import pytest

from bench import __main__, table, warehouse
from bench.benches import BENCHES
from bench.comparison import Bar, Comparison, Scale, Side
from bench.cost import Cost
from tests.conftest import free_port, memory

# The same steps as those of job_2018, dirty_day and history.
SAME = ("job_2018_1000x", "backfill", "history_5y")
BARS = (Bar("wall x", 1.5, 1.3), Bar("wall s", 12))


@pytest.fixture(scope="module")
def parsed_once(tmp_path_factory):
    """Let all benches find the project parsed, which takes longer than most of them: that needs one port; in memory."""
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", memory())
        patch.setattr(warehouse, "free_port", lambda: port)
        patch.setitem(warehouse.SETTINGS, "DBT_TARGET_PATH", str(tmp_path_factory.mktemp("target")))
        yield


@pytest.mark.parametrize("name", [name for name in BENCHES if name not in SAME])
def test_each_bench_runs(name, parsed_once):
    for found in BENCHES[name].run(Scale(is_small=True)):
        row = table.cells(found)
        assert row[0] == name
        assert len(row) == len(table.HEADINGS)
        assert all(cost.wall > 0 and cost.cpu > 0 for cost in found.costs + found.against_costs)


def comparison(bench: str, wall: float) -> Comparison:
    sides = [Side(name, lambda: None) for name in ("work", "other")]
    costs = [Cost(each * wall, 1, 1, 2**20) for each in (4, 5, 60)]
    return Comparison(bench, *sides, BARS, costs, [Cost(each, 1, 1, 2**20) for each in (4, 5, 6)])


@pytest.mark.parametrize(
    ("wall", "result"),
    [(1.2, "met, stretch too"), (1.4, "met"), (1.6, "missed: wall x 1.60"), (2.6, "missed: wall x 2.60, wall s 13.00")],
)
def test_a_figure_is_the_median_and_is_held_to_its_bar(wall, result):
    row = dict(zip(table.HEADINGS, table.cells(comparison("a", wall)), strict=True))
    assert row["wall"] == f"{wall:.2f}x"
    assert row["bar (stretch)"] == "wall x <= 1.5 (1.3), wall s <= 12"
    assert row["result"] == result


def test_time_is_compared_for_each_of_the_amounts():
    found = comparison("a", 5)
    tenfold = found._replace(work=found.work._replace(amount=10))
    assert table.cells(tenfold)[3:6] == ("0.50x", "0.10x", "1.00x")


def test_a_run_of_some_benches_leaves_the_rows_of_others(tmp_path, monkeypatch):
    page = tmp_path / "performance.md"
    page.write_text(f"# Before\n\n{table.BEGIN}\n{table.END}\n\nAfter\n")
    monkeypatch.setattr(table, "PAGE", page)
    table.write([table.cells(comparison(name, 1)) for name in ("b", "gone", "a")], ["a", "b", "gone"])
    table.write([table.cells(comparison("a", 2))], ["a", "b"])
    text = page.read_text()
    assert text.startswith("# Before\n")
    assert text.endswith("\n\nAfter\n")
    rows = [line.split(" | ")[:4] for line in text.splitlines() if line.startswith(("| a", "| b", "| gone"))]
    assert rows == [
        ["| bench", "work", "against", "wall"],
        ["| a", "work", "other", "2.00x"],
        ["| b", "work", "other", "1.00x"],
    ]


def test_rows_of_another_machine_are_left_out(tmp_path, monkeypatch):
    page = tmp_path / "performance.md"
    page.write_text(f"{table.BEGIN}{table.END}")
    monkeypatch.setattr(table, "PAGE", page)
    monkeypatch.setattr(table, "_processor", lambda: "Another processor")
    table.write([table.cells(comparison("a", 1))], ["a", "b"])
    monkeypatch.undo()
    monkeypatch.setattr(table, "PAGE", page)
    table.write([table.cells(comparison("b", 1))], ["a", "b"])
    assert "| b |" in page.read_text()
    assert "| a |" not in page.read_text()


def test_an_unknown_bench_is_named(capsys):
    with pytest.raises(SystemExit):
        __main__.main(["nothing"])
    assert "there is no bench nothing" in capsys.readouterr().err
