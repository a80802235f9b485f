"""Search for the settings that cross-validate best, without a look at the holdout.

`space` says what is tried, `folded` how good it is, `study` keeps what was tried in
a database, `tuned` writes the best as settings, and `tune` does all of it.
"""

from mlkit.training.tuning.tune import tune as tune
from mlkit.training.tuning.tuned import Tuned as Tuned
