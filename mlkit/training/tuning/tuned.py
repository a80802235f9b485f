"""Write the best settings as a configuration that `mlkit train` takes."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import OmegaConf

from mlkit.core.files import written_file
from mlkit.training.judging.findings import figure
from mlkit.training.settings import Config

#: The name of the choice in `conf/model`, and in `conf/features` where those were tuned.
CHOICE = "tuned"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuned:
    """What a search found.

    Attributes
    ----------
    metric, value
        The mean over the folds, of the best trial.
    as_is
        The same of the settings as they stood; None if these lie outside of the space,
        or their trial failed.
    parameters
        The best values, by their dotted key.
    n_trials, n_pruned, n_failed
        How many trials came to an end, and of these were stopped early or failed.
    n_before
        How many of them an earlier run had tried: all, if its budget was spent.
    files
        What was written.
    """

    metric: str
    value: float
    as_is: float | None
    parameters: Mapping[str, Any]
    n_trials: int
    n_pruned: int
    n_failed: int
    n_folds: int
    # What was found is the same, whichever run tried it.
    n_before: int = field(compare=False)
    files: tuple[Path, ...] = ()

    @property
    def choices(self) -> tuple[str, ...]:
        """The overrides with which `mlkit train` takes what was found."""
        has_features = any(key.startswith("features.") for key in self.parameters)
        # The model's file has the rows that were seen, whatever was tuned.
        return (f"model={CHOICE}", *([f"features={CHOICE}"] if has_features else []))

    @property
    def is_better(self) -> bool:
        """Whether a trial was better than the settings as they stood, or these were no trial."""
        # Where they were one, the best is never worse.
        return self.value != self.as_is

    def headline(self) -> str:
        """Return the figures in one sentence."""
        before = "" if self.as_is is None else f", {figure(self.as_is)} as it was"
        return (
            f"{self.metric} {figure(self.value)} over {self.n_folds} folds{before}; the best of "
            f"{self.n_trials} trials, {self.n_pruned} pruned, {self.n_failed} failed."
        )

    def summary(self) -> str:
        """Return the figures, the values and the files."""
        width = max(map(len, self.parameters))
        lines = [f"  {key:<{width}}  {value}" for key, value in self.parameters.items()]
        written = [f"Written: {file}" for file in self.files]
        said = [self.headline()]
        if self.as_is is None:
            said.append(
                "This is only the best of what was tried: the settings as they are lie outside of "
                "the space, or failed."
            )
        elif not self.is_better:
            said.append("No trial was better than the settings as they are.")
        if self.n_before == self.n_trials:
            said.append(
                "The budget was spent before; raise tuning.trials (or tuning.minutes) to go on."
            )
        return "\n".join([*said, "", *lines, "", *written])


def write_tuned(
    tuned: Tuned, config: Config, folder: Path, rows: Sequence[np.ndarray]
) -> tuple[Path, ...]:
    """Write `model/tuned.yaml`, what it was tuned on, and `features/tuned.yaml` if need be.

    Parameters
    ----------
    tuned
        Says how good the settings are.
    config
        The settings with the best values in their place.
    folder
        Where the configuration lies.
    rows
        Fingerprints of the rows that were seen: by this search, and by those before.
    """
    seen = folder / "model" / f"{CHOICE}.npy"
    with written_file(seen) as draft, draft.open("wb") as file:
        np.save(file, _merged(rows), allow_pickle=False)
    model = {key: value for key, value in asdict(config.model).items() if value}
    model["tuning_rows"] = str(seen)
    files = [_write(folder / "model", model, tuned)]
    if len(tuned.choices) > 1:
        files.append(_write(folder / "features", config.features, tuned))
    return (*files, seen)


def _write(folder: Path, node: Mapping[str, Any], tuned: Tuned) -> Path:
    path = folder / f"{CHOICE}.yaml"
    header = (
        f"# By mlkit tune, which writes it anew: {tuned.headline()}\n"
        f"# To use it: mlkit train {' '.join(tuned.choices)}\n"
    )
    with written_file(path) as draft:
        draft.write_text(header + OmegaConf.to_yaml(OmegaConf.create(dict(node))), encoding="utf-8")
    return path


def _merged(rows: Sequence[np.ndarray]) -> np.ndarray:
    """Return sorted fingerprints, each as often as where it is most frequent."""
    counts = pd.concat([pd.Series(prints).value_counts() for prints in rows], axis=1).max(axis=1)
    merged = np.repeat(counts.index.to_numpy("uint64"), counts.to_numpy("int64"))
    return np.sort(merged)
