"""Name the libraries that a model was made with."""

from importlib.metadata import PackageNotFoundError, version

from sklearn.pipeline import Pipeline

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "pandas", "skops")
_COMPILERS = ("onnx", "onnxruntime", "skl2onnx", "spox")


def versions(pipeline: Pipeline, *, is_compiled: bool) -> dict[str, str]:
    """Return the versions of the libraries that a model was made with, by their names.

    Parameters
    ----------
    pipeline
        The packages of its steps, and of the estimators in these, are among them.
    is_compiled
        Whether those that made and checked a graph are among them.
    """
    homes = {type(part).__module__.partition(".")[0] for part in pipeline.get_params().values()}
    found = {}
    for library in sorted({*_LIBRARIES, *(_COMPILERS if is_compiled else ()), *homes}):
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found
