"""What a run does: the settings, and what each may be."""

from dataclasses import dataclass, field
from typing import Any

from omegaconf import OmegaConf

from mlkit.core.errors import ConfigError, nearest
from mlkit.core.names import NAME

_LEVELS = ("debug", "info", "warning", "error")
_STYLES = ("auto", "console", "json")
_WINDOWS = ("hour", "day", "week", "month", "all")
_SEVERITIES = ("warning", "alarm", "never")
_SCHEDULES = ("hourly", "daily", "weekly", "monthly", "never")
_SOURCES = ("file", "log")


@dataclass(kw_only=True)
class CostsConfig:
    """What wrong decisions cost; both or none. See `Costs`."""

    false_positive: float | None = None
    false_negative: float | None = None

    def __post_init__(self) -> None:
        if (self.false_positive is None) != (self.false_negative is None):
            raise ConfigError(
                "data.target.costs needs both false_positive and false_negative, or neither."
            )


@dataclass(kw_only=True)
class TargetConfig:
    """What is predicted; without a column, the one whose role is `target`. See `Target`."""

    column: str | None = None
    edges: list[float] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    positive: Any = None
    costs: CostsConfig = field(default_factory=CostsConfig)


@dataclass(kw_only=True)
class DataConfig:
    """The file to train on, the schema class that its rows follow, and the target."""

    path: str = "???"
    schema: str = "???"
    target: TargetConfig = field(default_factory=TargetConfig)


@dataclass(kw_only=True)
class ModelConfig:
    """The estimator and what stands before it; `_target_` names each one's class.

    `tuning_rows` is the file with the fingerprints of the rows that these settings
    were chosen on, as `mlkit tune` writes it.
    """

    estimator: dict[str, Any] = field(default_factory=dict)
    encoder: dict[str, Any] = field(default_factory=dict)
    selector: dict[str, Any] = field(default_factory=dict)
    calibration: str | None = None
    tuning_rows: str | None = None


@dataclass(kw_only=True)
class SplitConfig:
    """How rows are held out for evaluation; see `Splitter`."""

    kind: str = "auto"
    test_fraction: float = 0.2
    cut: str | None = None
    gap: str | None = None
    holdout: str | None = None


@dataclass(kw_only=True)
class GateConfig:
    """What a model must reach to ship; see `Gate`."""

    metric: str = "???"
    at_least: Any = None
    at_most: Any = None
    champion: Any = None
    slice: str | None = None
    disparity: str | None = None


@dataclass(kw_only=True)
class EvaluationConfig:
    """How a model is judged; see `Evaluator`. Without metrics, all that fit the task."""

    metrics: list[str] = field(default_factory=list)
    n_resamples: int = 500
    level: float = 0.95
    slices: list[str] = field(default_factory=list)
    least_rows: int = 100
    gates: list[GateConfig] = field(default_factory=list)
    banned: list[str] = field(default_factory=list)
    champion: str | None = None
    n_repeats: int = 5
    honest: list[str] = field(default_factory=list)
    compare_splits: bool = True


@dataclass(kw_only=True)
class TuningConfig:
    """Which settings are tried, how each is judged, and for how long; see `tune`."""

    space: dict[str, Any] = field(default_factory=dict)
    trials: int | None = 50
    minutes: float | None = None
    folds: int = 5
    metric: str | None = None
    pruning: bool = True
    jobs: int = 1
    folder: str = "tuning"

    def __post_init__(self) -> None:
        if self.trials is None and self.minutes is None:
            raise ConfigError("tuning.trials and tuning.minutes are both null: set at least one.")
        for key, value in (("trials", self.trials), ("minutes", self.minutes)):
            if value is not None and value <= 0:
                raise ConfigError(f"tuning.{key} must be above 0, or null, got {value}.")
        if self.jobs < 1 and self.jobs != -1:
            raise ConfigError(f"tuning.jobs must be at least 1, or -1 for all, got {self.jobs}.")


@dataclass(kw_only=True)
class LoggingConfig:
    """Which events are shown, and in which style; see `configure_logging`."""

    level: str = "info"
    style: str = "auto"

    def __post_init__(self) -> None:
        for key, value, valid in (("level", self.level, _LEVELS), ("style", self.style, _STYLES)):
            if value not in valid:
                raise ConfigError(f"logging.{key} is {value!r}. {nearest(value, valid)}")


@dataclass(kw_only=True)
class TrackingConfig:
    """Where runs and versions are kept, and how much of the data beside them."""

    uri: str | None = None
    folder: str = ".mlkit"
    snapshot_mib: float = 64


@dataclass(kw_only=True)
class LimitsConfig:
    """From where on something is wrong; null: never.

    `psi` is a population stability index, `unseen` a share of values beyond all of the
    reference, `missing` a change of a share, `auc` how well reference and window are told
    apart, `quality` a loss as a share of what was expected, `violations` a share of rows,
    `latency_ms` of 99 of 100 requests, `age_days` of the newest row that the model was
    trained on.
    """

    psi: float | None = None
    unseen: float | None = None
    missing: float | None = None
    auc: float | None = None
    quality: float | None = None
    violations: float | None = None
    latency_ms: float | None = None
    age_days: float | None = None


@dataclass(kw_only=True)
class MonitoringConfig:
    """What is watched of a model in use, in which spans of time; see `monitor`.

    `time` is the column by which rows are put into windows; null: when they were predicted.
    Without `metrics` it is the first three of the bundle's evaluation; the first one decides.
    """

    log: str = "predictions"
    window: str = "day"
    time: str | None = None
    level: float = 0.01
    least_rows: int = 500
    metrics: list[str] = field(default_factory=list)
    warning: LimitsConfig = field(
        default_factory=lambda: LimitsConfig(
            psi=0.1, unseen=0.01, missing=0.05, auc=0.65, quality=0.05, violations=0.0
        )
    )
    alarm: LimitsConfig = field(
        default_factory=lambda: LimitsConfig(
            psi=0.25, unseen=0.05, missing=0.2, auc=0.85, quality=0.1, violations=0.01
        )
    )

    def __post_init__(self) -> None:
        if self.window not in _WINDOWS:
            raise ConfigError(
                f"monitoring.window is {self.window!r}. {nearest(self.window, _WINDOWS)}"
            )
        if not 0 < self.level < 1:
            raise ConfigError(f"monitoring.level must lie between 0 and 1, got {self.level}.")
        if self.least_rows < 1:
            raise ConfigError(f"monitoring.least_rows must be at least 1, got {self.least_rows}.")
        for name, alarm in vars(self.alarm).items():
            warning = getattr(self.warning, name)
            if warning is not None and alarm is not None and alarm < warning:
                raise ConfigError(
                    f"monitoring.alarm.{name} is {alarm}, below monitoring.warning.{name}, which "
                    f"is {warning}. An alarm is graver than a warning: swap them."
                )


@dataclass(kw_only=True)
class PolicyConfig:
    """What makes a new model due; each alone does. See `decide`.

    `drift` and `quality` take the severity of a finding from which on they do (`warning`,
    `alarm`, or `never`), `schedule` is `hourly`, `daily`, `weekly`, `monthly` or `never`.
    """

    drift: str = "alarm"
    quality: str = "warning"
    age_days: float | None = None
    new_rows: int | None = None
    schedule: str = "never"

    def __post_init__(self) -> None:
        for key, value, valid in (
            ("drift", self.drift, _SEVERITIES),
            ("quality", self.quality, _SEVERITIES),
            ("schedule", self.schedule, _SCHEDULES),
        ):
            if value not in valid:
                raise ConfigError(f"retraining.when.{key} is {value!r}. {nearest(value, valid)}")
        _check_not_negative("retraining.when", age_days=self.age_days, new_rows=self.new_rows)


@dataclass(kw_only=True)
class RetrainingConfig:
    """When a model is trained anew, and on what; see `retrain`.

    `source` is `file` (data.path as it is then) or `log` (its rows, and those of the
    prediction log whose answers have come). `least_rows` must have come with answers since
    the champion was trained; `keep_days` before the newest row are trained on, null: all.
    """

    when: PolicyConfig = field(default_factory=PolicyConfig)
    source: str = "file"
    least_rows: int = 1000
    cool_down_days: float = 7
    keep_days: float | None = None
    tune: bool = False

    def __post_init__(self) -> None:
        if self.source not in _SOURCES:
            raise ConfigError(
                f"retraining.source is {self.source!r}. {nearest(self.source, _SOURCES)}"
            )
        _check_not_negative(
            "retraining",
            least_rows=self.least_rows,
            cool_down_days=self.cool_down_days,
            keep_days=self.keep_days,
        )


@dataclass(kw_only=True)
class Config:
    """Everything that decides what a run does."""

    name: str = "???"
    description: str = ""
    task: str = "???"
    seed: int = 0
    bundles: str = "bundles"
    reports: str = "reports"
    data: DataConfig = field(default_factory=DataConfig)
    features: dict[str, Any] = field(default_factory=dict)
    model: ModelConfig = field(default_factory=ModelConfig)
    split: SplitConfig = field(default_factory=SplitConfig)
    evaluation: EvaluationConfig = field(default_factory=EvaluationConfig)
    tuning: TuningConfig = field(default_factory=TuningConfig)
    logging: LoggingConfig = field(default_factory=LoggingConfig)
    tracking: TrackingConfig = field(default_factory=TrackingConfig)
    monitoring: MonitoringConfig = field(default_factory=MonitoringConfig)
    retraining: RetrainingConfig = field(default_factory=RetrainingConfig)

    def __post_init__(self) -> None:
        if not NAME.fullmatch(self.name):
            raise ConfigError(
                f"name may hold lower-case letters, digits, - and _, got {self.name!r}."
            )


def as_dict(config: Config) -> dict[str, Any]:
    """Return the settings as plain JSON-able values, for a run's lineage."""
    plain: dict[str, Any] = OmegaConf.to_container(OmegaConf.structured(config))  # type: ignore[assignment]
    return plain


def _check_not_negative(group: str, **values: float | None) -> None:
    for key, value in values.items():
        if value is not None and value < 0:
            raise ConfigError(f"{group}.{key} must be at least 0, got {value}.")
