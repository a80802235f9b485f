"""MLK7: what differs from machine to machine, or is nobody's business."""

import ast
import re
from collections.abc import Iterator

from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

_PATH = re.compile(r"(/(home|Users|mnt|media|data|root)/[^\s/]+|[A-Za-z]:\\[^\s\\]+)")
_CONNECTION = re.compile(r"[a-z][a-z0-9+]*://[^\s:/@]+:(?P<secret>[^\s:/@]+)@")
_KEYS = re.compile(r"(AKIA[0-9A-Z]{16}|ghp_[A-Za-z0-9]{36}|-----BEGIN [A-Z ]*PRIVATE KEY-----)")
_NAMES = re.compile(r"(?i)(^|_)(password|passwd|secret|token|api_?key|access_?key)$")
#: What stands where a secret will be.
_PLACEHOLDER = re.compile(r"(?i)^$|[<>{}$*]|^(x+|changeme|secret|token|password|none|test\w*)$|\s")
_LEAST_SECRET = 8


def _paths(source: Source) -> Iterator[Hit]:
    asking = [call for call, _ in source.calls("os.environ.get", "os.getenv")]
    defaults = {id(each) for call in asking for each in call.args[1:]}
    for node, text in source.texts:
        if _PATH.match(text) and id(node) not in defaults:
            yield node, f"{text!r} is a path of one machine"


def _secrets(source: Source) -> Iterator[Hit]:
    for node, text in source.texts:
        if _KEYS.search(text):
            yield node, "a key stands in the code"
        # What all addresses have is looked for first: it is found sooner.
        found = _CONNECTION.search(text) if "://" in text else None
        if found and not _PLACEHOLDER.search(found["secret"]):
            yield node, "a password stands in the address"
    for name, value in _named(source):
        if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
            continue
        is_secret = len(value.value) >= _LEAST_SECRET and _NAMES.search(name)
        if is_secret and not _PLACEHOLDER.search(value.value):
            yield value, f"{name} stands in the code"


def _named(source: Source) -> Iterator[tuple[str, ast.expr]]:
    for node in source.nodes(ast.Assign):
        for target in node.targets:
            yield getattr(target, "id", getattr(target, "attr", "")), node.value
    for keyword in source.nodes(ast.keyword):
        yield keyword.arg or "", keyword.value


RULES = (
    Rule(
        code="MLK701",
        name="a path of one machine",
        severity="error",
        reason="It is nowhere else: the run fails for everybody but who wrote it.",
        fix="Put a path below the project into conf/, such as data.path.",
        bad="""
frame = read("/home/ana/flights.parquet")
""",
        good="""
frame = read(config.data.path)
""",
        hits=_paths,
    ),
    Rule(
        code="MLK702",
        name="a secret in the code",
        severity="error",
        reason="Who can read the repository has it, for good: history forgets nothing.",
        fix="Read it from the environment, and change it now: it is known.",
        bad="""
engine = connect("postgresql://app:s3cr3t-Kq9@db/flights")
""",  # mlkit: ignore[MLK702] nobody's
        good="""
import os

engine = connect(os.environ["DATABASE_URL"])
""",
        hits=_secrets,
    ),
)
