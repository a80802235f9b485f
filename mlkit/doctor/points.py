"""The 28 tests of the ML Test Score, and what earns the point of each.

E. Breck, S. Cai, E. Nielsen, M. Salib, D. Sculley: "The ML Test Score: A Rubric for ML
Production Readiness and Technical Debt Reduction", IEEE Big Data 2017. There a test earns half
a point when it is done by hand and a whole one when it is automated; here only the whole one.
"""

from dataclasses import dataclass

from mlkit.doctor.needs import (
    Need,
    either,
    gated,
    notified,
    renewed,
    reviewed,
    tested,
    tuned,
    watched,
)

SECTIONS = ("data", "model", "infra", "monitor")


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One of the 28.

    Attributes
    ----------
    name
        Its section and its number in the paper: `data-1`.
    title
        What must be so.
    needs
        All that must be there for the point.
    """

    name: str
    title: str
    needs: tuple[Need, ...]

    @property
    def section(self) -> str:
        """The first part of the name."""
        return self.name.partition("-")[0]


def _tested(name: str, title: str, *others: Need) -> Point:
    return Point(name=name, title=title, needs=(tested(name), *others))


def _held(name: str, title: str, need: Need) -> Point:
    return Point(name=name, title=title, needs=(need,))


_ON_SLICES = gated("with `slice`", lambda gate: gate.slice is not None)
_BETWEEN = gated("with `disparity`", lambda gate: gate.disparity is not None)
_BESIDE_SIMPLE = gated("beside `simple`", lambda gate: "simple" in (gate.at_least, gate.at_most))
_ANY_GATE = gated("on a metric", lambda _: True)

POINTS: tuple[Point, ...] = (
    _tested("data-1", "What data must be is in a schema"),
    _tested("data-2", "All features are beneficial"),
    _tested("data-3", "No feature costs too much"),
    _tested("data-4", "Features keep to what is allowed"),
    _tested("data-5", "Personal data are guarded"),
    _tested("data-6", "A feature is added quickly"),
    _tested("data-7", "The code of all features is tested"),
    _held("model-1", "What makes the model is reviewed", reviewed),
    _tested("model-2", "Offline metrics go with online ones"),
    _held("model-3", "All hyperparameters are tuned", tuned),
    _tested("model-4", "It is known how a model ages"),
    _tested("model-5", "A simpler model is not better", _BESIDE_SIMPLE),
    _tested("model-6", "Quality holds on important slices", _ON_SLICES),
    _tested("model-7", "The model is fair to all groups", _BETWEEN),
    _tested("infra-1", "Training is reproducible"),
    _tested("infra-2", "What makes the model is unit tested"),
    _tested("infra-3", "The pipeline is tested as a whole"),
    _tested("infra-4", "Quality is judged before serving", _ANY_GATE),
    _tested("infra-5", "A single prediction can be debugged"),
    _tested("infra-6", "A canary goes before a new model"),
    _tested("infra-7", "A model can be rolled back"),
    _held("monitor-1", "Changes of dependencies are told", notified),
    _tested("monitor-2", "Inputs keep to what data must be", watched("violations")),
    _tested("monitor-3", "Training and serving are not skewed", watched("psi")),
    _held("monitor-4", "Models are not too old", either(renewed, watched("age_days"))),
    _tested("monitor-5", "Models are numerically stable"),
    _held("monitor-6", "Computing gets no slower", watched("latency_ms")),
    _held("monitor-7", "Predictions get no worse", watched("quality")),
)
