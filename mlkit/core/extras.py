"""Cross the fence by name: load what the plain install does not have.

The scoring side never imports the training side; where it may use it, it asks
here, at the moment of use, and a plain install answers with one clear error.
"""

from importlib import import_module
from types import ModuleType

from mlkit.core.errors import MissingExtraError

DISTRIBUTION = "mlkit-ship"


def load(module: str, *, purpose: str, extra: str = "", packages: str = "") -> ModuleType:
    """Import `module`, or say what to install.

    Parameters
    ----------
    module
        Its dotted name: of mlkit, or of another package.
    purpose
        What it is needed for, as the subject of a sentence.
    extra
        The extra of the distribution that installs what it needs; by default
        the plain install does.
    packages
        All that it needs beside the plain install, where that is less than an extra.

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
        install = f"what mlkit needs: pip install '{DISTRIBUTION}'"
        if extra:
            install = f"the extra: pip install '{DISTRIBUTION}[{extra}]'"
        elif packages:
            install = f"what it takes: pip install {packages}"
        raise MissingExtraError(
            f"{purpose} needs the package {error.name}, which is not installed. Install {install}."
        ) from error
