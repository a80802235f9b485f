"""MLK90: settings that stand in conf/, where a run takes them from and keeps them."""

import ast
from collections.abc import Iterator
from pathlib import PurePosixPath

from mlkit.standards.project import Project
from mlkit.standards.rule import FileHit, Hit, ProjectRule, Rule
from mlkit.standards.source import Source

_SUFFIXES = (".yaml", ".yml", ".toml", ".ini", ".cfg")
#: What settings are called where other files of these kinds may lie, too.
_STEMS = ("config", "configuration", "settings", "params", "parameters", "hyperparameters")
_ESTIMATORS = (
    *(
        f"sklearn.{module}."
        for module in ("ensemble", "linear_model", "naive_bayes", "neighbors", "neural_network")
    ),
    *("sklearn.svm.", "sklearn.tree.", "lightgbm.LGBM", "xgboost.XGB", "catboost.CatBoost"),
)
#: Parameters that are no matter of the model's.
_NO_SETTINGS = ("n_jobs", "random_state", "verbose", "verbosity")
_READERS = (
    *("yaml.load", "yaml.safe_load", "yaml.full_load", "omegaconf.OmegaConf.load"),
    *("tomllib.load", "tomllib.loads", "configparser.ConfigParser"),
)


def _files(project: Project) -> Iterator[FileHit]:
    if not (project.folder / "conf").is_dir():
        return
    for name, path in project.files.items():
        place = PurePosixPath(name)
        is_named = place.stem.lower() in _STEMS and place.suffix in (*_SUFFIXES, ".json")
        is_among_code = place.parts[0] in ("src", "notebooks") and place.suffix in _SUFFIXES
        is_loose = is_named and (len(place.parts) == 1 or place.parts[0] in ("src", "notebooks"))
        if is_among_code or is_loose:
            yield path, 1, f"{place.name} holds settings outside conf/"


def _is_in_package(source: Source) -> bool:
    """Whether a module lies in a `src` that has a `conf` beside it."""
    path = source.path.absolute()
    return any(each.name == "src" and (each.parent / "conf").is_dir() for each in path.parents)


def _is_literal(node: ast.expr) -> bool:
    match node:
        case ast.Constant(value=value):
            return value is not None
        case ast.UnaryOp(operand=ast.Constant()):
            return True
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return all(map(_is_literal, parts))
    return False


def _literals(source: Source) -> Iterator[Hit]:
    if not _is_in_package(source):
        return
    for call in source.nodes(ast.Call):
        name = source.name(call.func)
        if name in _READERS:
            yield call, f"{name} reads settings that no run records"
        if not name.startswith(_ESTIMATORS):
            continue
        for given in call.keywords:
            if given.arg and given.arg not in _NO_SETTINGS and _is_literal(given.value):
                yield given, f"{given.arg} of {name.rpartition('.')[2]} is set in code"


_REASON = (
    "A run records what conf/ says, and can be told otherwise for once; of other settings "
    "nobody knows later with which a model was trained."
)

RULES = (
    ProjectRule(
        code="MLK901",
        name="a file of settings outside conf/",
        severity="error",
        reason=_REASON,
        fix="Move it to conf/, into the group that it belongs to.",
        bad="""
==> conf/config.yaml <==
seed: 0
==> src/flights/settings.yaml <==
max_iter: 200
""",
        good="""
==> conf/config.yaml <==
seed: 0
==> conf/model/logistic.yaml <==
max_iter: 200
""",
        hits=_files,
    ),
    Rule(
        code="MLK902",
        name="settings in the package",
        severity="error",
        reason=_REASON,
        fix="Set them in conf/model, and take them as an argument; load_config reads them.",
        bad="""
==> conf/config.yaml <==
seed: 0
==> src/flights/model.py <==
from sklearn.linear_model import LogisticRegression

model = LogisticRegression(C=0.1)
""",
        good="""
==> conf/config.yaml <==
seed: 0
==> conf/model/logistic.yaml <==
_target_: sklearn.linear_model.LogisticRegression
C: 0.1
""",
        hits=_literals,
    ),
)
