"""Cross the fence by name: load what only an extra installs.

The scoring side never imports the training side; where it may use it, it asks
here, at the moment of use, and a plain install answers with one clear error.
"""

from importlib import import_module
from types import ModuleType

from mlkit.core.errors import MissingExtraError

DISTRIBUTION = "mlkit-ship"


def load(module: str, *, extra: str, purpose: str) -> ModuleType:
    """Import `module`, or say which extra brings it.

    Parameters
    ----------
    module
        Dotted name of a module of mlkit.
    extra
        The extra of the distribution that installs what it needs.
    purpose
        What it is needed for, as the subject of a sentence.

    Raises
    ------
    MissingExtraError
        If a package that `module` imports is not installed.
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] == "mlkit":
            raise
        raise MissingExtraError(
            f"{purpose} needs the package {error.name}, which is not installed. "
            f"Install the extra: pip install '{DISTRIBUTION}[{extra}]'."
        ) from error
