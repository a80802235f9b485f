"""Score a whole file, and write it back with its predictions."""

from pathlib import Path

from mlkit.core.errors import ConfigError, DataError, listed
from mlkit.core.files import written_file
from mlkit.core.log import get_logger, stage
from mlkit.scoring.prediction import Predictor
from mlkit.training.data import SUFFIXES, is_csv, read_frame

log = get_logger(__name__)


def score_file(predictor: Predictor, source: Path, output: Path) -> int:
    """Score the rows of `source`, and write them with their predictions to `output`.

    Returns
    -------
    int
        The number of rows.

    Raises
    ------
    DataError
        If the rows break the schema; `output` is then not touched.
    ConfigError
        If `output` ends in neither .parquet nor .csv.
    """
    if not output.name.lower().endswith(SUFFIXES):
        raise ConfigError(f"{output} must end in {listed(SUFFIXES)}.")
    frame = read_frame(source, predictor.schema)
    with stage(log, "scoring", n_rows=len(frame)):
        columns = predictor.predict(frame).columns()
    doubled = [name for name in columns if name in frame]
    if doubled:
        raise DataError(f"{source} has columns called {listed(doubled)} already. Rename them.")
    scored = frame.assign(**columns)
    with written_file(output) as draft:
        if is_csv(output):
            is_zipped = output.name.lower().endswith(".gz")
            scored.to_csv(draft, index=False, compression="gzip" if is_zipped else None)
        else:
            scored.to_parquet(draft, index=False)
    return len(scored)
