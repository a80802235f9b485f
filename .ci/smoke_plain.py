"""Hold the plain wheel to its promises; run in an environment that has nothing else."""

import subprocess
import sys
import time
from importlib.util import find_spec

import mlkit
from mlkit import MlkitError, Predictor, Schema, column

assert "site-packages" in mlkit.__file__, mlkit.__file__
for absent in ("pandas", "sklearn", "scipy", "hydra", "skops"):
    assert find_spec(absent) is None, absent


class Flight(Schema):
    """One flight."""

    distance: float = column(ge=0)


assert Flight.parse({"distance": 3}) == {"distance": 3.0}
for refused in (
    lambda: Flight.parse({"distance": -1}),
    lambda: Flight.infer(None),
    lambda: mlkit.Trainer,
    lambda: Predictor.load("nowhere"),
):
    try:
        refused()
    except MlkitError as error:
        print(f"  {type(error).__name__}: {error}")
    else:
        raise SystemExit(f"{refused} was not refused")


def median_seconds(*command: str) -> float:
    """Return the median wall time of five runs of a command."""
    times = []
    for _ in range(5):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True)
        times.append(time.perf_counter() - start)
    return sorted(times)[2]


bare = median_seconds(sys.executable, "-c", "pass")
imported = median_seconds(sys.executable, "-c", "import mlkit") - bare
shown = median_seconds(sys.argv[1], "--help")
print(f"  import mlkit adds {imported:.3f} s; mlkit --help answers in {shown:.3f} s")
