"""What a generated project retrains by: its settings are the defaults, its workflow is tame."""

import re

import yaml

from mlkit.training.config import load_config
from mlkit.training.settings import Config, as_dict


def test_the_settings_say_what_holds_without_them(in_project):
    """They are there to be read and changed, and change nothing by themselves."""
    found, plain = as_dict(load_config()), as_dict(Config(name="x"))
    assert found["retraining"] == plain["retraining"]
    assert found["monitoring"] == plain["monitoring"]


def test_the_workflow_may_little_and_does_what_make_does(project):
    """It reads the repository, runs one at a time, and types no command but make's."""
    text = (project / ".github" / "workflows" / "retrain.yaml").read_text(encoding="utf-8")
    found = yaml.safe_load(text)
    assert found["permissions"] == {}
    assert found["concurrency"] == {"group": "retrain", "cancel-in-progress": False}
    # YAML 1.1 reads `on` as a truth.
    assert set(found[True]) == {"schedule", "workflow_dispatch"}
    [job] = found["jobs"].values()
    assert job["permissions"] == {"contents": "read"}
    steps = job["steps"]
    assert [step["run"].split()[:2] for step in steps if "run" in step] == [
        ["make", "setup"],
        ["make", "retrain"],
    ]
    # What comes from outside reaches a shell as a variable only.
    assert not [step for step in steps if "${{" in step.get("run", "")]
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", s["uses"]) for s in steps if "uses" in s)
    targets = (project / "Makefile").read_text(encoding="utf-8")
    assert "\nmonitor: setup" in targets
    assert "mlkit retrain $(ARGS)" in targets
