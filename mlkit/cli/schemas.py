"""What the commands that write and describe a schema do."""

import argparse
from pathlib import Path
from typing import Any

from mlkit.core.dictionary import dictionary
from mlkit.core.errors import ConfigError
from mlkit.core.extras import load
from mlkit.core.files import written_file


def infer(arguments: argparse.Namespace) -> int:
    """Write a first schema from a table."""
    data, inference = _train_side("data"), _train_side("inference")
    name, output = "Record", arguments.output
    if Path(arguments.conf, "config.yaml").is_file():
        module, _, name = _settings(arguments).data.schema.rpartition(".")
        output = output or f"src/{module.replace('.', '/')}.py"
    frame = data.read_frame(arguments.file)
    schema = inference.infer(frame, target=arguments.target, name=name)
    note = (
        f"Inferred from {Path(arguments.file).name}: read it line by line, and correct roles,\n"
        "types, bounds and what is personal (pii) where the guess is wrong."
    )
    source = inference.source(schema, note)
    if output in (None, "-"):
        print(source, end="")
        return 0
    path = Path(output)
    if path.exists() and not arguments.force:
        raise ConfigError(f"{path} is there already. Use --force to replace it.")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source, encoding="utf-8")
    print(f"{len(schema.columns)} columns written as {name} to {path}. Read it, then: mlkit train")
    return 0


def describe(arguments: argparse.Namespace) -> int:
    """Write the data dictionary of the project's schema."""
    schema = _train_side("workflow").schema_of(_settings(arguments))
    page = dictionary(schema)
    if arguments.file == "-":
        print(page, end="")
        return 0
    path = Path(arguments.file)
    path.parent.mkdir(parents=True, exist_ok=True)
    with written_file(path) as draft:
        draft.write_text(page, encoding="utf-8")
    print(f"{len(schema.columns)} columns of {schema.__name__} are described in {path}")
    return 0


def _settings(arguments: argparse.Namespace) -> Any:
    return _train_side("config").load_config(arguments.conf)


def _train_side(module: str) -> Any:
    return load(f"mlkit.training.{module}", extra="train", purpose="mlkit schema")
