"""Events are JSON or for people, carry their context, and never personal data."""

import json
import logging

import pytest
import structlog

from mlkit import get_logger
from mlkit.core.log import configure_logging, stage


def events(capsys) -> list[dict]:
    """Return the events on stderr."""
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_an_event_is_one_json_object(capsys):
    """With its level, its time in UTC, and the context that is bound."""
    configure_logging("info", "json")
    with structlog.contextvars.bound_contextvars(run="r1"):
        get_logger("project.features").info("model_evaluated", value=0.7)
    (event,) = events(capsys)
    assert event.pop("timestamp").endswith("Z")
    assert event == {"event": "model_evaluated", "level": "info", "run": "r1", "value": 0.7}


def test_personal_data_are_redacted(capsys):
    """The value of a redacted key never reaches a handler, from any logger."""
    configure_logging("info", "json", redact=["email"])
    get_logger("project").info("row_read", email="a@x", n=1)
    logging.getLogger("elsewhere").warning("plain", extra={"email": "a@x"})
    text = capsys.readouterr().err
    configure_logging("info", "json")
    assert "a@x" not in text
    assert json.loads(text.splitlines()[0])["email"] == "[redacted]"


def test_levels_below_are_silent(capsys):
    """What is below the level is not shown."""
    configure_logging("warning", "json")
    get_logger("project").info("row_read")
    assert events(capsys) == []


def test_the_news_of_libraries_are_silent_and_their_warnings_are_not(capsys):
    """Such as that matplotlib has listed the fonts, in the first run on a machine."""
    configure_logging("info", "json")
    fonts = logging.getLogger("matplotlib.font_manager")
    fonts.info("generated new fontManager")
    fonts.warning("no such font")
    assert [event["event"] for event in events(capsys)] == ["no such font"]


def test_console_style_is_for_people(capsys):
    """In the console style an event is a line of text."""
    configure_logging("info", "console")
    get_logger("project").info("row_read", n=1)
    assert "row_read" in capsys.readouterr().err


def test_a_stage_says_when_it_ends(capsys):
    """Started, then finished with its seconds; only started when it fails."""
    configure_logging("info", "json")
    with stage(get_logger("project"), "reading", path="x"):
        pass
    with pytest.raises(ValueError, match="no"), stage(get_logger("project"), "packing"):
        raise ValueError("no")
    names = [event["event"] for event in events(capsys)]
    assert names == ["reading_started", "reading_finished", "packing_started"]


def test_a_stage_of_little_interest_is_told_at_debug_alone(capsys):
    """What is soon done, or lies within another stage, would hide the others."""
    for level, wanted in (("info", []), ("debug", ["checking_started", "checking_finished"])):
        configure_logging(level, "json")
        with stage(get_logger("project"), "checking", level=logging.DEBUG):
            pass
        assert [event["event"] for event in events(capsys)] == wanted
