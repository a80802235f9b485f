"""How Sphinx builds these pages: offline, and with no warning let through."""

import mlkit

project = "mlkit"
author = "the authors of mlkit"
version = release = mlkit.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
# A term, and below it a colon and what it means.
myst_enable_extensions = ["deflist"]
# Headings can be linked to: page.md#heading.
myst_heading_anchors = 2

html_theme = "furo"
html_title = f"mlkit {release}"

# Docstrings write names in single backticks; here they are code.
default_role = "code"
napoleon_google_docstring = False
napoleon_use_rtype = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"

# Names of other projects and of the standard library: offline there is no inventory of them.
nitpick_ignore_regex = [
    (r"py:.*", r"(collections|datetime|np|numpy|pandas|pathlib|pd|pyarrow|sklearn|structlog)\..*"),
    (r"py:.*", r"mlkit\.training\.settings\.\w+"),  # the page of settings has them
    (r"py:.*", r"ModelVersion"),  # MLflow's, named for type checkers only
]
