"""What a generated project is watched and retrained by: its settings are the defaults."""

from mlkit.training.config import load_config
from mlkit.training.settings import Config, as_dict


def test_the_settings_say_what_holds_without_them(in_project):
    """They are there to be read and changed; they add a model a month, and a bound on latency."""
    found, plain = as_dict(load_config()), as_dict(Config(name="x"))
    assert found["retraining"]["when"].pop("schedule") == "monthly"
    assert plain["retraining"]["when"].pop("schedule") == "never"
    assert found["retraining"] == plain["retraining"]
    assert found["monitoring"]["alarm"].pop("latency_ms") == 1000
    assert plain["monitoring"]["alarm"].pop("latency_ms") is None
    assert found["monitoring"] == plain["monitoring"]
