"""What a model may be called, in settings, runs, versions and paths alike."""

import re

#: One plain part of a path; only a whole text counts (`fullmatch`).
NAME = re.compile("[a-z0-9][a-z0-9_-]*", re.ASCII)
