"""Tell machines what was found: Prometheus by gauges in a file, and anybody by JSON."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from math import isnan
from time import time

import msgspec
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from mlkit.monitoring.findings import SEVERITIES, Monitoring, Window
from mlkit.monitoring.newest import by_column, newest_labelled, newest_tested, quality_of
from mlkit.monitoring.verdict import served_name

_DAY = 86_400.0
#: Labels that tell a gauge's samples apart, and the sample itself.
type _Sample = tuple[dict[str, str], float]
