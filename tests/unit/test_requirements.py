"""Every package is pinned with the hashes of its files, and nothing is installed without them."""

import re

import pytest

from ingest.project import ROOT

PINNED = ("requirements-uv.txt", "requirements.txt", "requirements-dev.txt", "airflow/requirements.txt")


@pytest.mark.parametrize("name", PINNED)
def test_each_package_has_its_version_and_hashes(name):
    text = (ROOT / name).read_text()
    entries = re.findall(r"^(\S.*?)(?:\n(?=\S)|\Z)", text, re.MULTILINE | re.DOTALL)
    assert entries
    for entry in entries:
        assert re.match(r"[a-z0-9.-]+(\[[a-z0-9,-]+\])?==\S+", entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), entry
    assert "://" not in text


def test_nothing_is_installed_without_hashes():
    makefile = (ROOT / "Makefile").read_text().replace("\\\n", " ")
    installs = [line for line in makefile.splitlines() if re.search(r"\bpip install\b", line)]
    assert len(installs) == len(PINNED)
    assert all("--require-hashes" in line for line in installs)
    assert all(any(f"--requirement {name}" in line for line in installs) for name in PINNED)
