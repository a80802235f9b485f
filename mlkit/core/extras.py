"""Cross the fence by name: load what only an extra installs.

The scoring side never imports the training side; where it may use it, it asks
here, at the moment of use, and a plain install answers with one clear error.
"""

from importlib import import_module
from types import ModuleType

from mlkit.core.errors import MissingExtraError

DISTRIBUTION = "mlkit-ship"


def load(module: str, *, purpose: str, extra: str = "") -> ModuleType:
    """Import `module`, or say what to install.

    Parameters
    ----------
    module
        Dotted name of a module of mlkit.
    purpose
        What it is needed for, as the subject of a sentence.
    extra
        The extra of the distribution that installs what it needs; by default
        the plain install does.

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
        what, package = "what mlkit needs", DISTRIBUTION
        if extra:
            what, package = "the extra", f"{DISTRIBUTION}[{extra}]"
        raise MissingExtraError(
            f"{purpose} needs the package {error.name}, which is not installed. "
            f"Install {what}: pip install '{package}'."
        ) from error
