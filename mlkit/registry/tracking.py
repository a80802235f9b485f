"""Send runs to MLflow; what it does not take waits on disk."""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mlkit.core.bundle import Bundle
from mlkit.core.errors import RegistryError, UnreachableError, listed
from mlkit.registry import outbox
from mlkit.registry.connection import EXISTS, artifacts_of, code_of, connect, talk
from mlkit.registry.packaging import describe_model

if TYPE_CHECKING:
    from mlflow.entities import Run

#: Tags by which runs are found again.
RUN_ID = "mlkit.run"
KIND = "mlkit.kind"
DIGEST = "mlkit.bundle"
DATA = "mlkit.data"
#: In a run's artifacts: MLflow's model, and in it the bundle.
MODEL, BUNDLE = "model", "bundle"
#: The most that MLflow takes: of one call, and of one text.
_BATCH, _TEXT = 100, 6000


class Tracker:
    """The runs that MLflow keeps, one experiment a model.

    Parameters
    ----------
    uri
        Where MLflow is: `sqlite:///mlruns.db`, a server's address, …

    Raises
    ------
    UnreachableError
        Here, and by every method, if it does not answer.
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.client = connect(uri)

    def send(self, folder: Path) -> str:
        """Send a run that waits, and forget it here; return MLflow's id of it.

        A run that was sent in part is completed, so that a kill at any moment
        costs nothing but the time.
        """
        run = outbox.read(folder)
        experiment = self._experiment(run.name)
        found = self.find(run.name, {RUN_ID: run.id}) or talk(
            self.uri,
            lambda: self.client.create_run(
                experiment,
                start_time=run.started,
                tags={RUN_ID: run.id, KIND: run.kind, **run.tags},
                run_name=f"{run.kind} {run.id[:8]}",
            ),
        )
        run_id: str = found.info.run_id
        self._log(run_id, run)
        artifacts = folder / outbox.ARTIFACTS
        for path in sorted(artifacts.iterdir()):
            self._send_file(run_id, path)
        talk(self.uri, lambda: self.client.set_terminated(run_id, "FINISHED", run.ended))
        outbox.drop(folder)
        return run_id

    def find(self, name: str, tags: Mapping[str, str]) -> "Run | None":
        """Return the newest run of a model with these tags, or None."""
        found = self.search(name, tags, most=1)
        return found[0] if found else None

    def search(self, name: str, tags: Mapping[str, str], *, most: int = 100) -> "list[Run]":
        """Return the runs of a model with these tags, the newest first."""
        experiment = talk(self.uri, lambda: self.client.get_experiment_by_name(name))
        if experiment is None:
            return []
        asked = " and ".join(f"tags.`{key}` = '{value}'" for key, value in tags.items())
        return list(
            talk(
                self.uri,
                lambda: self.client.search_runs(
                    [experiment.experiment_id],
                    asked,
                    max_results=most,
                    order_by=["attributes.start_time DESC"],
                ),
            )
        )

    def _experiment(self, name: str) -> str:
        found = talk(self.uri, lambda: self.client.get_experiment_by_name(name))
        if found is not None:
            return str(found.experiment_id)
        try:
            place = artifacts_of(self.uri, name)
            return str(talk(self.uri, lambda: self.client.create_experiment(name, place)))
        except RegistryError as error:
            # Another run was the first.
            if code_of(error) != EXISTS:
                raise
            return self._experiment(name)

    def _log(self, run_id: str, run: outbox.Run) -> None:
        from mlflow.entities import Metric, Param

        metrics = [Metric(key, value, run.ended, 0) for key, value in run.metrics.items()]
        params = [Param(key, value[:_TEXT]) for key, value in run.params.items()]
        for start in range(0, max(len(metrics), len(params)), _BATCH):
            some = slice(start, start + _BATCH)
            log = partial(self.client.log_batch, run_id)
            talk(self.uri, partial(log, metrics=metrics[some], params=params[some]))

    def _send_file(self, run_id: str, path: Path) -> None:
        if path.name != BUNDLE:
            talk(self.uri, lambda: self.client.log_artifact(run_id, str(path)))
            return
        place = f"{MODEL}/{BUNDLE}"
        talk(self.uri, lambda: self.client.log_artifacts(run_id, str(path), place))
        # What makes it a model comes last: half a bundle is none.
        with tempfile.TemporaryDirectory() as draft:
            describe_model(Bundle.open(path), Path(draft))
            talk(self.uri, lambda: self.client.log_artifacts(run_id, draft, MODEL))


def sync(uri: str, folder: Path) -> list[str]:
    """Send every run that waits in the outbox `folder`; return MLflow's ids of them.

    Raises
    ------
    RegistryError
        If some were damaged, or MLflow refuses them; all others are sent.
    UnreachableError
        If MLflow does not answer; those before are sent.
    """
    if not outbox.pending(folder):
        return []
    tracker = Tracker(uri)
    sent: list[str] = []
    refused: list[str] = []
    with outbox.alone(folder):
        for path in outbox.pending(folder):
            try:
                sent.append(tracker.send(path))
            except UnreachableError:
                raise
            except RegistryError as error:
                refused.append(f"{path.name}: {error}")
    if refused:
        raise RegistryError(
            f"Of the runs in {folder}, {len(sent)} were sent, and {len(refused)} cannot be: "
            f"{listed(refused)} Mend it, or remove the folder to forget the run."
        )
    return sent
