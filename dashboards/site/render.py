"""Templates, scripts and styles put together into one page that needs nothing beside it."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

HERE = Path(__file__).parent


def render(template: str, **values: Any) -> str:
    """Return a template with its values and the style in it."""
    style = _asset("vendor/uplot/uPlot.min.css") + _asset("assets/style.css")
    return _templates().get_template(template).render(style=style, **values)


@cache
def _templates() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def as_json(data: dict) -> Markup:
    """Return data as JSON that can stand in a script: no text of it can end the element."""
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Markup(text.replace("<", "\\u003c"))


def scripts(*names: str) -> Markup:
    """Return scripts of `assets/`, one after the other."""
    return Markup("\n").join(_asset(f"assets/{name}") for name in names)


def uplot() -> Markup:
    """Return uPlot with the licence that goes with each copy of it."""
    return Markup("/*\n") + _asset("vendor/uplot/LICENSE") + Markup("\n*/\n") + _asset("vendor/uplot/uPlot.iife.min.js")


def _asset(name: str) -> Markup:
    return Markup((HERE / name).read_text())
