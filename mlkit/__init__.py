"""From a notebook's model to one verified function in production.

The map, in the order of a model's life:

========================  =====================================================
`Schema`, `column`        what a record is, for frames, records and documents
`Featurizer`              your pandas code: one row of features for one row
`TableEncoder`            the default way from features to numbers
`Splitter`                which rows are held out, so that nothing leaks
`Target`                  what is predicted, and how it follows from the data
`Trainer`                 fits featurizer, encoder and estimator as one pipeline
`Evaluator`               how good a model is, how sure that is, where it fails
`Gate`                    one rule that a model must pass to ship
`read_frame`              a Parquet or CSV file, as a frame
`load_config`, `train`    a project's settings, and the run that they describe
`pack`                    writes the bundle that crosses the fence
`Predictor`               the scoring side: a record in, a prediction out
`get_logger`              structlog, the team's way
`MlkitError`              the root of everything that mlkit refuses
========================  =====================================================

Names are loaded when they are first used: importing mlkit costs next to
nothing, and a plain install can use all that needs no extra.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mlkit.core.version import __version__ as __version__

if TYPE_CHECKING:
    from mlkit.core.column import column as column
    from mlkit.core.errors import MlkitError as MlkitError
    from mlkit.core.log import get_logger as get_logger
    from mlkit.core.schema import Schema as Schema
    from mlkit.scoring.prediction import Predictor as Predictor
    from mlkit.training.config import load_config as load_config
    from mlkit.training.data import read_frame as read_frame
    from mlkit.training.encoding import TableEncoder as TableEncoder
    from mlkit.training.features import Featurizer as Featurizer
    from mlkit.training.judging.evaluator import Evaluator as Evaluator
    from mlkit.training.judging.gates import Gate as Gate
    from mlkit.training.packing import pack as pack
    from mlkit.training.splitting import Splitter as Splitter
    from mlkit.training.target import Target as Target
    from mlkit.training.trainer import Trainer as Trainer
    from mlkit.training.workflow import train as train

_HOMES = {
    "Schema": "mlkit.core.schema",
    "column": "mlkit.core.column",
    "Featurizer": "mlkit.training.features",
    "TableEncoder": "mlkit.training.encoding",
    "Splitter": "mlkit.training.splitting",
    "Target": "mlkit.training.target",
    "Trainer": "mlkit.training.trainer",
    "Evaluator": "mlkit.training.judging.evaluator",
    "Gate": "mlkit.training.judging.gates",
    "read_frame": "mlkit.training.data",
    "load_config": "mlkit.training.config",
    "train": "mlkit.training.workflow",
    "pack": "mlkit.training.packing",
    "Predictor": "mlkit.scoring.prediction",
    "get_logger": "mlkit.core.log",
    "MlkitError": "mlkit.core.errors",
}
__all__ = list(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mlkit' has no attribute {name!r}")
    module = _HOMES[name]
    if module.startswith("mlkit.training."):
        from mlkit.core.extras import load

        return getattr(load(module, extra="train", purpose=f"mlkit.{name}"), name)
    return getattr(import_module(module), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
