"""Look at calls: what is called, with what."""

import ast


def method(call: ast.Call) -> str:
    """Return the name of the method that is called on something; empty for a plain call."""
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def receiver(call: ast.Call) -> ast.expr | None:
    """Return what a method is called on; None for a plain call."""
    return call.func.value if isinstance(call.func, ast.Attribute) else None


def argument(call: ast.Call, name: str) -> ast.expr | None:
    """Return what is given by a keyword; None where it is not."""
    return next((each.value for each in call.keywords if each.arg == name), None)


def may_have(call: ast.Call, name: str) -> bool:
    """Whether a keyword is given, or may be among those that `**` brings."""
    return any(each.arg in (name, None) for each in call.keywords)


def is_constant(node: ast.expr | None, *values: object) -> bool:
    """Whether an expression is one of some constants."""
    if not isinstance(node, ast.Constant):
        return False
    # To Python, 1 is True.
    return any(type(node.value) is type(value) and node.value == value for value in values)


def is_true(node: ast.expr | None) -> bool:
    """Whether an expression is True itself."""
    return isinstance(node, ast.Constant) and node.value is True


def is_false(node: ast.expr | None) -> bool:
    """Whether an expression is False itself."""
    return isinstance(node, ast.Constant) and node.value is False
