"""MLflow itself loads what mlkit registered."""

import pandas as pd
import pytest
from registry_of_tests import register, variant

from mlkit.registry.pyfunc import Scorer


@pytest.fixture(scope="module")
def loaded(registry, packed, tmp_path_factory):
    """Return a registered model as MLflow loads it."""
    import mlflow

    folder = tmp_path_factory.mktemp("pyfunc")
    version = register(registry, variant(packed, folder, "served"), folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MLFLOW_TRACKING_URI", registry.uri)
        return mlflow.pyfunc.load_model(f"models:/{version}")


def test_it_predicts_what_the_predictor_does(loaded, predictor, flights):
    """Every row, missing values included."""
    rows = flights.head(200)
    found = loaded.predict(rows)
    for name, values in predictor.predict(rows).columns().items():
        assert found[name].tolist() == values.tolist()


def test_predictions_keep_the_index(predictor, flights):
    """They can be joined to the rows that they belong to."""
    rows = flights.head(5).set_index(pd.Index(list("abcde")))
    assert Scorer(predictor).predict(rows).index.equals(rows.index)


def test_its_signature_is_the_schema(loaded, predictor):
    """What is known only afterwards is not asked for; what may be missing is optional."""
    columns = predictor.bundle.schema.columns.values()
    known = {column.name: not column.nullable for column in columns if column.known_before}
    inputs = loaded.metadata.signature.inputs
    assert {column.name: column.required for column in inputs} == known
    outputs = {column.name: column.type.name for column in loaded.metadata.signature.outputs}
    assert outputs == {"prediction": "boolean", "probability": "double"}


def test_its_example_is_a_real_record(loaded, predictor):
    """It can be predicted as it stands."""
    example = loaded.input_example
    assert [*example] == [column.name for column in loaded.metadata.signature.inputs]
    answer = loaded.predict(example)
    golden = predictor.bundle.golden
    assert answer["probability"][0] == predictor.predict(golden.records[0]).probability
