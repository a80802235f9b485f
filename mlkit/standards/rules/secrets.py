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


def _texts(source: Source) -> Iterator[ast.Constant]:
    # What documents is no setting.
    documents = {
        id(statement.value)
        for statement in source.nodes(ast.Expr)
        if isinstance(statement.value, ast.Constant)
    }
    for node in source.nodes(ast.Constant):
        if isinstance(node.value, str) and id(node) not in documents:
            yield node


def _paths(source: Source) -> Iterator[Hit]:
    asking = [call for call, _ in source.calls("os.environ.get", "os.getenv")]
    defaults = {id(each) for call in asking for each in call.args[1:]}
    for node in _texts(source):
        if _PATH.match(str(node.value)) and id(node) not in defaults:
            yield node, f"{node.value!r} is a path of one machine"


def _secrets(source: Source) -> Iterator[Hit]:
    for node in _texts(source):
        found = _CONNECTION.search(str(node.value))
        if _KEYS.search(str(node.value)):
            yield node, "a key stands in the code"
        elif found and not _PLACEHOLDER.search(found["secret"]):
            yield node, "a password stands in the address"
    for name, value in _named(source):
        text = value.value if isinstance(value, ast.Constant) else None
        is_secret = isinstance(text, str) and len(text) >= _LEAST_SECRET
        if is_secret and _NAMES.search(name) and not _PLACEHOLDER.search(str(text)):
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
