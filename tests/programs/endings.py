"""The features that a program returns, and how."""

from programs.writer import COLUMNS, Writer


def _as_dict(w: Writer, names: list[str]) -> list[str]:
    w.use("pd.DataFrame({…})")
    return [f"return {_frame(names)}"]


def _assigned(w: Writer, names: list[str]) -> list[str]:
    w.used |= {"frame.assign", "frame[[…]]"}
    items = ", ".join(f"{n}={n}" for n in names)
    return [f"return frame.assign({items})[{[*names, 'share', 'on']}]"]


def _set(w: Writer, names: list[str]) -> list[str]:
    w.used |= {"frame.copy", "frame[…] = …", "frame.name = …", "frame.drop", "frame.rename"}
    dropped = [t.code[7:-2] for t in COLUMNS if t.code != 'frame["level"]']
    return [
        "frame = frame.copy()",
        *(f'frame["{n}"] = {n}' for n in names),
        "frame.level = frame.level * 2",
        f"frame = frame.drop(columns={dropped})",
        'return frame.rename(columns={"level": "height"})',
    ]


def _side_by_side(w: Writer, names: list[str]) -> list[str]:
    w.used |= {"pd.concat(…, axis=1)", "frame.fillna", "frame.clip", "frame.astype"}
    w.used |= {"frame.add_prefix", "frame[[…]]"}
    return [
        'numbers = frame[["share", "level", "rank"]].fillna({"level": self.median_, "rank": 0})',
        "numbers = numbers.clip(-2, 3)",
        'flags = frame[["on", "off"]].astype(int).add_prefix("is_")',
        f"return pd.concat([{_frame(names)}, numbers, flags], axis=1)",
    ]


def _in_steps(w: Writer, names: list[str]) -> list[str]:
    w.used |= {"frame.loc[:, …]", "frame.insert", "frame.pop", "del frame[…]", "frame.join"}
    w.used |= {"frame.add_suffix", "frame.columns", "frame.copy", "frame[…] = …"}
    return [
        'made = frame.loc[:, ["share", "level", "word"]].copy()',
        'words = made.pop("word")',
        *(f'made["{n}"] = {n}' for n in names),
        'made.insert(0, "label", words + "!")',
        'del made["level"]',
        "made.columns = [name.lower() for name in made.columns]",
        'return made.join(frame[["rank"]].add_suffix("_raw"))',
    ]


def _by_name(w: Writer, names: list[str]) -> list[str]:
    w.used |= {"frame.reindex", "isinstance(frame, pd.DataFrame)", "for name in frame"}
    w.used |= {"pd.DataFrame({…})", "pd.Series(…, index=frame.index)", "frame[…] = …"}
    return [
        "assert isinstance(frame, pd.DataFrame)",
        f"made = {_frame(names)}",
        'made["one"] = 1',
        'made["two"] = pd.Series(2.0, index=frame.index)',
        'for name in [name for name in frame if name.startswith("sh")]:',
        '    made[f"{name} squared"] = frame[name] ** 2',
        f"return made.reindex(columns={[*names, 'two', 'share squared', 'one']})",
    ]


def _frame(names: list[str]) -> str:
    items = ", ".join(f'"{n}": {n}' for n in names)
    return f"pd.DataFrame({{{items}}}, index=frame.index)"


ENDINGS = [_as_dict, _assigned, _set, _side_by_side, _in_steps, _by_name]
