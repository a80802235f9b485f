"""Programs from seeds."""

import random
from dataclasses import dataclass, replace

from programs import arithmetic, choices, conditions, moments, texts
from programs.endings import ENDINGS
from programs.writer import FLOATS, NoTerm, Term, Writer

_RULES = {
    rule: weight
    for module in (arithmetic, choices, conditions, moments, texts)
    for rule, weight in module.RULES.items()
}


@dataclass(frozen=True)
class Program:
    """The body of a `transform`, with the operations that it uses."""

    seed: int
    body: str
    terms: dict[str, Term]
    used: frozenset[str]

    @property
    def function(self) -> str:
        """It as a function of the featurizer and the frame."""
        lines = self.body.splitlines()
        return "\n".join([f"def program_{self.seed}(self, frame):", *(f"    {x}" for x in lines)])


def write(seed: int, n_statements: int = 3) -> Program:
    """Return the program of that seed."""
    w = Writer(random.Random(seed))  # noqa: S311
    lines, made = [], {}
    while len(made) < n_statements:
        (rule,) = w.rng.choices(list(_RULES), list(_RULES.values()))
        noted = set(w.used)
        w.picked.clear()
        try:
            term = rule(w)
        except NoTerm:
            w.used = noted
            continue
        name = f"f{len(made)}"
        lines.append(f"{name} = {term.code}")
        is_signed = rule in arithmetic.KEEP_SIGNS and all(t.is_signed for t in w.picked)
        made[name] = replace(term, code=name, is_signed=is_signed or term.kind not in FLOATS)
        w.terms.append(made[name])
    lines += w.rng.choice(ENDINGS)(w, list(made))
    return Program(seed, "\n".join(lines), made, frozenset(w.used))
