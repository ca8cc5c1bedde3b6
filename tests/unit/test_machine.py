"""A missing piece is one line that says what to do."""

import importlib.util
import shutil
import sys
from collections import namedtuple

from ingest import machine

Usage = namedtuple("Usage", "total used free")


def test_nothing_is_missing_here():
    assert machine.problem() is None


def test_an_old_python_is_named(monkeypatch):
    monkeypatch.setattr(sys, "version_info", namedtuple("Version", "major minor")(3, 9))
    assert "Python 3.9 is too old" in machine.problem()


def test_a_missing_venv_module_is_named_with_its_package(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else found(name))
    assert f"apt install python{sys.version_info.major}.{sys.version_info.minor}-venv" in machine.problem()


def test_a_full_disk_is_named(monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**12, 10**12 - 10**9, 10**9))
    assert "only 1.0 GB are free" in machine.problem()
