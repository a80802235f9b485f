"""Settings are composed by Hydra and checked key by key."""

import pytest

from mlkit import load_config
from mlkit.core.errors import ConfigError
from mlkit.training.project import build, find_schema
from mlkit.training.settings import Config

TRUSTED = ("flight_delay",)


def test_overrides_and_groups_compose(config):
    """Keys are set, groups are swapped, and the rest stays as the files say."""
    composed = config("model=logistic", "split.test_fraction=0.3", "seed=7")
    assert composed.model.estimator["_target_"] == "sklearn.linear_model.LogisticRegression"
    assert (composed.split.test_fraction, composed.seed) == (0.3, 7)
    assert composed.data.target.edges == [30.0]
    assert composed.name == "flight-delay"


def test_a_parameter_can_be_added(config):
    """What the files leave to its default is set with a plus."""
    composed = config("+model.estimator.min_samples_leaf=7", "model.estimator.max_iter=3")
    assert composed.model.estimator["min_samples_leaf"] == 7
    assert composed.model.estimator["max_iter"] == 3


def test_a_group_can_be_taken_out(config):
    """A tilde removes what the files say, as in Hydra."""
    assert config("~model").model.estimator == {}


def test_composing_leaves_nothing_behind(config, in_project):
    """No outputs folder, no other file."""
    before = sorted(in_project.iterdir())
    config("seed=3")
    assert sorted(in_project.iterdir()) == before


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("sead=7", "no setting sead. Did you mean seed"),
        (
            "split.test_fractoin=0.3",
            r"no setting split\.test_fractoin. Did you mean split\.test_fr",
        ),
        ("modle=logistic", "no setting modle. Did you mean model"),
        ("model=logstic", "conf/model has no 'logstic'. Did you mean logistic"),
        ("model.estimator.max_itr=3", r"Did you mean model\.estimator\.max_iter"),
        ("seed.deep=3", r"no setting seed\.deep"),
        ("+sede=7", "no setting sede. Did you mean seed"),
        ("~nowhere", "nowhere"),
        ("seed=soon", "seed.*soon"),
        ("split.test_fraction=[1]", "test_fraction"),
        ("seed", "is no override. Write key=value"),
        ("name=Big Model", "name may hold lower-case"),
        ("logging.level=loud", r"logging\.level is 'loud'"),
        ("seed=${nowhere}", "nowhere"),
        ("retraining.when.age_days=-1", r"retraining\.when\.age_days must be at least 0, got -1"),
        ("retraining.cool_down_days=-1", r"retraining\.cool_down_days must be at least 0"),
        (
            "evaluation.gates=[{metric: f1, at_least: 0}, {metric: f1, at_leat: 0.6}]",
            r"no setting evaluation\.gates\[1\]\.at_leat\. Did you mean at_least",
        ),
    ],
)
def test_a_wrong_override_is_named(config, override, message):
    """One line says which key or value is wrong, and what is nearest."""
    with pytest.raises(ConfigError, match=message) as caught:
        config(override)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name: a\nmonitoring: {windw: day}\n", r"monitoring\.windw.*window"),
        ("name: a\nretraining: {when: {drft: never}}\n", r"retraining\.when\.drft.*drift"),
        ("name: a\nseed: seven\n", "Setting seed"),
    ],
)
def test_a_wrong_file_is_named(tmp_path, text, message):
    """A key that there is not, and a value of another kind, at any depth of the files."""
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_config(tmp_path)


def test_a_folder_without_settings_is_named(tmp_path):
    """Without config.yaml there is nothing to compose."""
    with pytest.raises(ConfigError, match=r"There is no .*config\.yaml"):
        load_config(tmp_path)
    (tmp_path / "config.yaml").write_text("a: [1")
    with pytest.raises(ConfigError, match="YAML"):
        load_config(tmp_path)
    (tmp_path / "config.yaml").write_text("seed: 1\n")
    with pytest.raises(ConfigError, match="name"):
        load_config(tmp_path)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("os.system", r"not in a trusted package"),
        ("sklearn.utils._joblib.joblib.load", "is no estimator|no such class|no module"),
        ("sklearn.linear_model.LogisticRegresion", "Did you mean LogisticRegression"),
        ("sklearn.linear_model.os", "no such class"),
        ("sklearn.nowhere.Thing", r"no module sklearn\.nowhere\. Check the path\.$"),
        ("mlkit.Schema", "is no estimator"),
        ("flight_delay.features.pd", "no such class"),
    ],
)
def test_only_estimators_of_trusted_packages_are_built(project, target, message):
    """A path that leads elsewhere is refused before anything is called."""
    with pytest.raises(ConfigError, match=message):
        build({"_target_": target}, TRUSTED, "model.estimator")


def test_nested_targets_are_checked_too(project):
    """A forbidden class within a parameter is refused."""
    node = {
        "_target_": "sklearn.calibration.CalibratedClassifierCV",
        "estimator": {"_target_": "subprocess.Popen", "args": ["true"]},
    }
    with pytest.raises(ConfigError, match=r"subprocess\.Popen is not in a trusted package"):
        build(node, TRUSTED, "model.estimator")


def test_an_interpolation_cannot_bring_a_class(project, tmp_path):
    """A node that only comes up while building is a plain value, never called."""
    trap = "${oc.create:{_target_: pandas.read_pickle, filepath_or_buffer: x}}"
    node = {"_target_": "sklearn.linear_model.Ridge", "alpha": trap}
    assert build(node, TRUSTED, "model.estimator").alpha == trap
    with pytest.raises(ConfigError, match="refuses its parameters"):
        build({"_target_": "sklearn.linear_model.Ridge", "_partial_": True}, TRUSTED, "model")


def test_a_refused_parameter_is_named(project):
    """What the class does not take is in the error, with the setting and the nearest name."""
    node = {"_target_": "sklearn.linear_model.Ridge", "alhpa": 1}
    with pytest.raises(ConfigError, match=r"model\.estimator.*no alhpa\. Did you mean alpha\?"):
        build(node, TRUSTED, "model.estimator")
    with pytest.raises(ConfigError, match="needs a _target_"):
        build({}, TRUSTED, "features")


def test_a_class_that_takes_any_parameter_gets_it(project):
    """LightGBM knows names that its signature has not."""
    node = {"_target_": "lightgbm.LGBMClassifier", "max_bin": 15}
    assert build(node, TRUSTED, "model.estimator").get_params()["max_bin"] == 15


def test_a_schema_is_a_schema(project):
    """Another class, or an unknown one, is refused."""
    assert find_schema("flight_delay.schema.Flight", TRUSTED).__name__ == "Flight"
    with pytest.raises(ConfigError, match="is no Schema"):
        find_schema("flight_delay.features.FlightFeaturizer", TRUSTED)
    with pytest.raises(ConfigError, match="Did you mean Flight"):
        find_schema("flight_delay.schema.Fligth", TRUSTED)
    with pytest.raises(ConfigError, match=r"no module flight_delay\.order\. .* mlkit schema infer"):
        find_schema("flight_delay.order.Order", TRUSTED)


def test_a_library_that_is_not_installed_is_named(project):
    """The error says how to add it, and nothing of schemas."""
    with pytest.raises(ConfigError, match=r"no module notlib\. Is it .* uv add notlib\.$"):
        build({"_target_": "notlib.Trees"}, ("notlib",), "model.estimator")


def test_a_name_has_no_line_break():
    """It becomes part of paths, and of a registry's references."""
    with pytest.raises(ConfigError, match=r"name may hold lower-case .* got 'late\\n'"):
        Config(name="late\n")
