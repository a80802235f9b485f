"""From a prediction to what made it, and from data to all that was made from them."""

import pytest
from logs_of_tests import altered, logged
from registry_of_tests import LINEAGE, register, variant

from mlkit.core.errors import RegistryError
from mlkit.registry.provenance import trace
from mlkit.serving.settings import Model

DATA = {"fingerprint": "da7a" * 16, "n_rows": 4_210}


@pytest.fixture(scope="module")
def versions(registry, packed, tmp_path_factory):
    """Return three versions: two of one model, the later two from the same data."""
    folder = tmp_path_factory.mktemp("versions")
    bundles = [
        variant(packed, folder, "early", data={"fingerprint": "beef" * 16}),
        variant(packed, folder, "early", data=DATA, config={"seed": 3}),
        variant(packed, folder, "other", data=DATA),
    ]
    return [register(registry, bundle, folder) for bundle in bundles]


def test_a_prediction_leads_to_what_made_it(registry, versions, predictor, flights):
    """By the name that it carries, or by its version, an alias, or the bundle's digits."""
    version = versions[1]
    registry.set_alias(version, "champion")
    named = predictor.predict(flights.head(1))[0].model.split("/")[1]
    assert len(named) == 12
    short = version.digest[:12]
    for text in (f"early/{short}", short, version.digest, "early/2", "early@champion"):
        (found,) = trace(registry, text)
        assert found.version.number == version.number
        told = found.to_dict()
        assert told["model"] == "early/2"
        assert told["bundle"] == version.digest
        assert told["run"] == version.run_id
        assert told["data"] == DATA
        assert told["config"] == {"seed": 3}
        assert (told["code"], told["lock"]) == (LINEAGE["code"], LINEAGE["lock"])


def test_a_request_leads_to_what_answered_it(registry, packed, predictor, tmp_path):
    """Though it had a shadow that is in no registry."""
    bundle = variant(packed, tmp_path, "asked")
    version = register(registry, bundle, tmp_path)
    shadow = altered(packed, tmp_path / "shadow", threshold=0.2)
    model = Model(bundle=str(bundle.path), shadow=str(shadow))
    log = tmp_path / "predictions"
    logged(log, {"a-request": predictor.bundle.golden.records}, model)
    (found,) = trace(registry, "a-request", log)
    assert found.version.digest == version.digest
    assert found.to_dict()["request"]["role"] == "champion"


def test_data_lead_to_all_that_was_made_from_them(registry, versions):
    """The fingerprint, or its first digits, name every version of every model."""
    for digits in ("da7a" * 16, "da7ada7a"):
        found = trace(registry, digits)
        assert [str(each.version) for each in found] == ["early/2", "other/1"]
    assert [str(each.version) for each in trace(registry, "other/da7ada7a")] == ["other/1"]


@pytest.mark.parametrize(
    "text", ["", "early", "da7a", "0123456789ab", "early/0123456789ab", "nobody/da7ada7a", "../x"]
)
def test_what_nothing_is_known_by_is_told(registry, versions, text):
    """With what could be given instead."""
    with pytest.raises(RegistryError, match=r"Nothing is known by .* at least 8 digits"):
        trace(registry, text)
