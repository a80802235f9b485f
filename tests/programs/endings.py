"""The features that a program returns, and how."""

from programs.writer import COLUMNS, Writer


def _as_dict(w: Writer, names: list[str]) -> list[str]:
    w.use("pd.DataFrame({…})")
    items = ", ".join(f'"{n}": {n}' for n in names)
    return [f"return pd.DataFrame({{{items}}}, index=frame.index)"]


def _assigned(w: Writer, names: list[str]) -> list[str]:
    w.used |= {".assign", "[[…]]"}
    items = ", ".join(f"{n}={n}" for n in names)
    listed = ", ".join(f'"{n}"' for n in [*names, "share", "on"])
    return [f"return frame.assign({items})[[{listed}]]"]


def _set(w: Writer, names: list[str]) -> list[str]:
    w.used |= {".copy", "frame[…] = …", ".drop", ".rename"}
    lines = ["frame = frame.copy()", *(f'frame["{n}"] = {n}' for n in names)]
    dropped = [t.code[7:-2] for t in COLUMNS if t.code != 'frame["level"]']
    return [*lines, f"return frame.drop(columns={dropped}).rename(columns={{'level': 'height'}})"]


def _side_by_side(w: Writer, names: list[str]) -> list[str]:
    w.used |= {
        "pd.concat(…, axis=1)",
        "frame.fillna",
        "frame.clip",
        "frame.astype",
        "frame.add_prefix",
    }
    items = ", ".join(f'"{n}": {n}' for n in names)
    return [
        f"made = pd.DataFrame({{{items}}}, index=frame.index)",
        'numbers = frame[["share", "level", "rank"]].fillna({"level": self.median_, "rank": 0}).clip(-2, 3)',
        'flags = frame[["on", "off"]].astype(int).add_prefix("is_")',
        "return pd.concat([made, numbers, flags], axis=1)",
    ]


def _in_steps(w: Writer, names: list[str]) -> list[str]:
    w.used |= {
        "frame.loc[:, …]",
        "frame.insert",
        "frame.pop",
        "del frame[…]",
        "frame.join",
        "frame.rename",
    }
    lines = ['made = frame.loc[:, ["share", "level", "word"]].copy()', 'words = made.pop("word")']
    lines += [f'made["{n}"] = {n}' for n in names]
    return [
        *lines,
        'made.insert(0, "label", words + "!")',
        'del made["level"]',
        "made.columns = [name.lower() for name in made.columns]",
        'return made.join(frame[["rank"]].add_suffix("_raw"))',
    ]


def _by_name(w: Writer, names: list[str]) -> list[str]:
    w.used |= {
        "pd.Series(constant)",
        "frame.reindex",
        "isinstance(frame, pd.DataFrame)",
        "for name in frame",
    }
    items = ", ".join(f'"{n}": {n}' for n in names)
    return [
        "assert isinstance(frame, pd.DataFrame)",
        f"made = pd.DataFrame({{{items}}}, index=frame.index)",
        'made["one"] = 1',
        'made["two"] = pd.Series(2.0, index=frame.index)',
        'for name in [name for name in frame if name.startswith("sh")]:',
        '    made[f"{name} squared"] = frame[name] ** 2',
        f'return made.reindex(columns=[*{names!r}, "two", "share squared", "one"])',
    ]


ENDINGS = [_in_steps, _by_name, _as_dict, _assigned, _set, _side_by_side]
