"""Settings are read, checked at once, and errors say where and what to write."""

import re

import msgspec
import pytest
from projects import ROOT

from mlkit.core.errors import ConfigError
from mlkit.serving.settings import Canary, Limits, Log, Model, Settings, read_settings


@pytest.fixture
def read(tmp_path):
    """Return what reads a YAML text as settings."""

    def read(text: str, **changes: object) -> Settings:
        path = tmp_path / "serving.yaml"
        path.write_text(text, encoding="utf-8")
        return read_settings(path, changes)

    return read


def test_reads_all_levels(read):
    """Models, canaries and limits are what the file says."""
    found = read("""
        port: 8080
        models:
          - bundle: bundles/flight-delay
            canary: {bundle: flight-delay@challenger, share: 0.1, key: tailnum}
        limits: {waiting: 8}
        """)
    canary = Canary(bundle="flight-delay@challenger", share=0.1, key="tailnum")
    assert found == Settings(
        port=8080,
        models=(Model(bundle="bundles/flight-delay", canary=canary),),
        limits=Limits(waiting=8),
    )
    assert found.models[0].bundles() == ("bundles/flight-delay", "flight-delay@challenger")


def test_a_service_is_for_this_machine_alone_by_default(tmp_path):
    """Without a file, and without a word, it listens on the loopback."""
    assert read_settings(tmp_path / "absent.yaml", {}).host == "127.0.0.1"


def test_a_change_goes_into_a_part(read):
    """What the command line says of the log leaves the rest of the log as it is."""
    found = read("log: {folder: a, flush_seconds: 0}", log={"folder": "b"}, port=1)
    assert (found.log.folder, found.log.flush_seconds, found.port) == ("b", 0, 1)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("prot: 1", r"serving\.yaml: .*`prot`\. Did you mean port\?"),
        ("limits: {waitin: 1}", r"limits: .*`waitin`\. Did you mean waiting\?"),
        ("models: [{bundel: a}]", r"models\[0\]: .*`bundel`\. Did you mean bundle\?"),
        (
            "models: [{bundle: a, canary: {bundle: b, shar: 0.1}}]",
            r"models\[0\]\.canary: .*`shar`\. Did you mean share\?",
        ),
        ("log: {port: 1}", r"log: .*`port`\. Valid: flush_seconds, folder"),
        ("models: [{name: a}]", r"models\[0\]: .*missing required field `bundle`"),
        ("models: [{bundle: a, name: a/b}]", r"models\[0\]\.name: "),
        ("models: [{bundle: a, canary: {bundle: b, share: 2}}]", r"canary\.share: .*<= 1"),
        ("port: 65536", "port: .*<= 65535"),
        ("port: -1", "port: .*>= 0"),
        ("workers: 0", "workers: .*>= 1"),
        ("watch_seconds: 0", "watch_seconds: .*> 0"),
        ("log: {flush_seconds: -1}", r"log\.flush_seconds: .*>= 0"),
        ("limits: {body_mib: 0}", r"limits\.body_mib: .*> 0"),
        ("limits: {drain_seconds: soon}", r"limits\.drain_seconds: .*got `str`"),
        ("[1, 2]", "must map names to settings; found list"),
        ("a: [", "cannot be read"),
    ],
)
def test_a_wrong_setting_is_named(read, text, told):
    """The file, the way to the setting, what was found, and the nearest valid name."""
    with pytest.raises(ConfigError, match=told):
        read(text)


def test_a_wrong_option_is_not_blamed_on_a_file(tmp_path):
    """Without a file the setting alone is named."""
    with pytest.raises(ConfigError, match=r"^port: "):
        read_settings(tmp_path / "absent.yaml", {"port": 70_000})


def test_a_token_must_be_there(monkeypatch):
    """An empty variable does not open the service to all."""
    variable = {"token_env": "SERVICE_TOKEN"}
    monkeypatch.delenv("SERVICE_TOKEN", raising=False)
    with pytest.raises(ConfigError, match="SERVICE_TOKEN should hold the token"):
        Settings(**variable).token()
    assert Settings().token() is None


def test_settings_are_all_documented():
    """The table of a service's settings has every key with its default, and no other."""
    page = (ROOT / "docs" / "reference" / "serving.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.\[\]]+)` \| (?:`(.*?)`|required) \|", page, re.M)
    models = [("models", "()"), *_keys(Model, "models[]."), *_keys(Canary, "models[].canary.")]
    rest = [*_keys(Settings), *_keys(Log, "log."), *_keys(Limits, "limits.")]
    nodes = ("models", "models[].canary", "log", "limits")
    assert dict(rows) == dict(models) | {k: v for k, v in rest if k not in nodes}


def _keys(node: type, path: str = "") -> list[tuple[str, str]]:
    return [
        (f"{path}{field.name}", "" if field.required else repr(field.default))
        for field in msgspec.structs.fields(node)
        if field.name != "canary"
    ]


def test_a_wrong_option_is_not_blamed_on_the_file(tmp_path):
    """The file is named where it is wrong, and nowhere else."""
    path = tmp_path / "serving.yaml"
    path.write_text("workers: 2")
    with pytest.raises(ConfigError, match=r"^port: Expected"):
        read_settings(path, {"port": 99_999})
    path.write_text("port: 99999")
    with pytest.raises(ConfigError, match=r"serving\.yaml: port: Expected"):
        read_settings(path, {"workers": 2})
