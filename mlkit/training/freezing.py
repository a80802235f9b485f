"""Keep a holdout for good: the fingerprints of its rows, whatever rows come later."""

from pathlib import Path

import numpy as np
import pandas as pd

from mlkit.core.errors import ConfigError, DataError
from mlkit.core.files import written_file
from mlkit.core.log import get_logger
from mlkit.core.schema import Schema
from mlkit.training.archive import load_prints
from mlkit.training.frames import fingerprints

log = get_logger(__name__)


def freeze(path: str | Path, holdout: pd.DataFrame, schema: type[Schema]) -> None:
    """Write the fingerprints (uint64, sorted, each once) of rows to hold out from now on.

    They are of what is known before, so that an answer that is corrected later
    makes no other row of it.

    Parameters
    ----------
    path
        A file that ends in .npy.
    holdout
        Validated rows of `schema`.
    schema
        Names the columns.

    Raises
    ------
    ConfigError
        If the file's name ends otherwise, or there is one.
    """
    path = Path(path)
    if path.suffix != ".npy":
        raise ConfigError(f"A frozen holdout goes to a file that ends in .npy, got {path}.")
    if path.exists():
        raise ConfigError(
            f"{path} is there already, and a holdout that changes is none. Name another file, or "
            "delete it and train anew."
        )
    prints = np.unique(_prints(holdout, schema))
    with written_file(path) as draft, draft.open("wb") as file:
        np.save(file, prints, allow_pickle=False)


def are_frozen(path: str | Path, frame: pd.DataFrame, schema: type[Schema]) -> np.ndarray:
    """Return which rows (n_rows,) of a validated frame were frozen in a file of `freeze`.

    Raises
    ------
    DataError
        If the file cannot be read, or none of its rows is in the frame.
    """
    frozen = _read(Path(path))
    prints = _prints(frame, schema)
    is_held: np.ndarray = np.isin(prints, frozen)
    n_absent = len(frozen) - int(np.isin(frozen, prints).sum())
    if not is_held.any():
        raise DataError(
            f"None of the {len(frozen):,} rows frozen in {path} is among the {len(frame):,} rows: "
            "the data are others, or the schema's columns changed. Freeze a holdout anew."
        )
    if n_absent:
        log.warning("frozen_rows_missed", n_rows=n_absent, path=str(path))
    return is_held


def _prints(frame: pd.DataFrame, schema: type[Schema]) -> np.ndarray:
    return fingerprints(frame[schema.names(known_before=True)])


def _read(path: Path) -> np.ndarray:
    try:
        return load_prints(path.read_bytes())
    except OSError as error:
        raise DataError(
            f"{path} cannot be read: {error.strerror}. Write it: mlkit freeze {path}."
        ) from None
    except ValueError as error:
        raise DataError(
            f"{path} is no frozen holdout: {error}. Write one: mlkit freeze {path}."
        ) from None
