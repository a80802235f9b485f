"""MLK5: parameters whose default suits nothing in particular."""

import ast
from collections.abc import Iterator

from mlkit.standards.calls import may_have
from mlkit.standards.rule import Hit, Rule
from mlkit.standards.source import Source

#: What each needs to be told, and what it does otherwise.
_NEEDED = {
    "sklearn.cluster.KMeans": ("n_clusters", "there are eight clusters"),
    "sklearn.cluster.MiniBatchKMeans": ("n_clusters", "there are eight clusters"),
    "sklearn.cluster.DBSCAN": ("eps", "neighbours lie within 0.5, whatever the unit"),
    "sklearn.mixture.GaussianMixture": ("n_components", "the mixture has one part"),
    "sklearn.decomposition.TruncatedSVD": ("n_components", "two components are kept"),
    "sklearn.decomposition.LatentDirichletAllocation": ("n_components", "there are ten topics"),
    "sklearn.linear_model.Lasso": ("alpha", "coefficients vanish by the unit of the target"),
    "sklearn.linear_model.ElasticNet": ("alpha", "coefficients vanish by the unit of the target"),
    "sklearn.svm.OneClassSVM": ("nu", "half of the rows may be outliers"),
}


def _unset(source: Source) -> Iterator[Hit]:
    # A test may well ask what the default does.
    if source.is_test:
        return
    for call, name in source.calls(*_NEEDED):
        parameter, otherwise = _NEEDED[name]
        if not call.args and not may_have(call, parameter) and parameter not in _set(source):
            kind = name.rpartition(".")[2]
            yield call, f"{kind} is not told {parameter}: {otherwise}"


def _set(source: Source) -> set[str]:
    """Return what is set by name: in a search's grid, or by set_params."""
    texts = (node.value for node in source.nodes(ast.Constant) if isinstance(node.value, str))
    found = {text.rpartition("__")[2] for text in texts}
    for call, _ in source.methods("set_params"):
        found |= {(each.arg or "").rpartition("__")[2] for each in call.keywords}
    return found


RULES = (
    Rule(
        code="MLK504",
        name="a parameter that nobody chose",
        severity="warning",
        reason="Its default is in no relation to the data, and decides what comes out.",
        fix="Set it, by what is known of the data or by a search (mlkit tune).",
        bad="""
from sklearn.cluster import KMeans

groups = KMeans(random_state=seed).fit_predict(features)
""",
        good="""
from sklearn.cluster import KMeans

groups = KMeans(n_clusters=5, random_state=seed).fit_predict(features)
""",
        hits=_unset,
    ),
)
