"""The dashboards, one a file, in the order in which people read them."""

from dashboards.definitions.overview import OVERVIEW

DASHBOARDS = (OVERVIEW,)
