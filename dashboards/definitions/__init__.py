"""The dashboards, one a file, in the order in which people read them."""

from dashboards.definitions.acquisition import ACQUISITION
from dashboards.definitions.activation import ACTIVATION
from dashboards.definitions.explorer import EXPLORER
from dashboards.definitions.overview import OVERVIEW
from dashboards.definitions.pipeline import PIPELINE
from dashboards.definitions.public import PUBLIC
from dashboards.definitions.quality import QUALITY
from dashboards.definitions.retention import RETENTION
from dashboards.shared import marked

DASHBOARDS = tuple(
    map(marked, (OVERVIEW, ACQUISITION, ACTIVATION, RETENTION, QUALITY, EXPLORER, PIPELINE, PUBLIC)),
)
