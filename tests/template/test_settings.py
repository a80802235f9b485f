"""What a generated project is watched and retrained by: its settings are the defaults."""

from mlkit.training.config import load_config
from mlkit.training.settings import Config, as_dict


def test_the_settings_say_what_holds_without_them(in_project):
    """They are there to be read and changed; by themselves, they only ask for a model a month."""
    found, plain = as_dict(load_config()), as_dict(Config(name="x"))
    assert found["retraining"]["when"].pop("schedule") == "monthly"
    assert plain["retraining"]["when"].pop("schedule") == "never"
    assert found["retraining"] == plain["retraining"]
    assert found["monitoring"] == plain["monitoring"]
