#!/usr/bin/env python3
"""Arithmetic, byte sizes and coin flips on the command line.

Every command prints one JSON object. On failure the object is {"error": "..."} and the exit status is 1.
"""

import argparse
import ast
import json
import math
import operator
import random
import sys

VERSION = "1.0.0"

# An expression a person would type is far below these; they keep a hostile one from using time or memory.
MAX_EXPRESSION_CHARS = 1000
MAX_NESTING = 50
# 4096 bits are 1233 decimal digits, below the limit that Python itself sets for printing integers.
MAX_INTEGER_BITS = 4096
# The largest factorial that still fits MAX_INTEGER_BITS.
MAX_FACTORIAL = 500
MAX_PRECISION = 15
MAX_FLIPS = 10000

BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB")
DECIMAL_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")

CONSTANTS = {"pi": math.pi, "e": math.e, "tau": math.tau}


class DemoMathError(Exception):
    """A request that cannot be answered; its text is for the person who made it."""


# --- calculate ------------------------------------------------------------------------------------


def power(base, exponent):
    """Raise base to exponent, refusing integers that would grow beyond the bound before they are computed."""
    if isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1 and exponent > 0:
        if (abs(base).bit_length() - 1) * exponent > MAX_INTEGER_BITS:
            raise DemoMathError(
                f"a power in the expression has more than {MAX_INTEGER_BITS} bits; "
                "use a smaller exponent, or a decimal base such as 2.0"
            )
    return base ** exponent


def factorial(number):
    """The factorial of a whole number that is small enough."""
    if not isinstance(number, int) or not 0 <= number <= MAX_FACTORIAL:
        raise DemoMathError(f"factorial() takes a whole number from 0 to {MAX_FACTORIAL}, not {number}")
    return math.factorial(number)


BINARY_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: power,
}
UNARY_OPERATORS = {ast.UAdd: operator.pos, ast.USub: operator.neg}
FUNCTIONS = {
    "abs": abs,
    "ceil": math.ceil,
    "cos": math.cos,
    "exp": math.exp,
    "factorial": factorial,
    "floor": math.floor,
    "log": math.log,
    "log10": math.log10,
    "log2": math.log2,
    "max": max,
    "min": min,
    "round": round,
    "sin": math.sin,
    "sqrt": math.sqrt,
    "tan": math.tan,
}


def bounded(value):
    """Pass a number on, or refuse what is too large or no real number."""
    if isinstance(value, int) and value.bit_length() > MAX_INTEGER_BITS:
        raise DemoMathError(f"a number in the expression has more than {MAX_INTEGER_BITS} bits; use decimals")
    if isinstance(value, complex):
        raise DemoMathError("the result is not a real number: a negative number has no real root of this kind")
    if isinstance(value, float) and not math.isfinite(value):
        raise DemoMathError("a number in the expression is too large, or undefined")
    return value


class Evaluator:
    """Computes an expression's syntax tree; whatever is not arithmetic is refused by name."""

    def __init__(self, variables):
        self.names = {**CONSTANTS, **variables}

    def evaluate(self, node, depth=0):
        """The value of one node, its depth counted against MAX_NESTING."""
        if depth > MAX_NESTING:
            raise DemoMathError(f"the expression is nested more than {MAX_NESTING} levels deep; split it")
        handler = getattr(self, "visit_" + type(node).__name__.lower(), None)
        if handler is None:
            raise DemoMathError(f"{type(node).__name__} is not arithmetic; use numbers, + - * / // % **, and functions")
        return bounded(handler(node, depth + 1))

    def visit_expression(self, node, depth):
        return self.evaluate(node.body, depth)

    def visit_constant(self, node, _depth):
        if type(node.value) not in (int, float):
            raise DemoMathError(f"{node.value!r} is not a number")
        return node.value

    def visit_name(self, node, _depth):
        if node.id not in self.names:
            known = ", ".join(sorted(self.names))
            raise DemoMathError(f"unknown name '{node.id}'; known are {known}; define others with --let NAME=NUMBER")
        return self.names[node.id]

    def visit_unaryop(self, node, depth):
        apply = UNARY_OPERATORS.get(type(node.op))
        if apply is None:
            raise DemoMathError(f"operator {type(node.op).__name__} is not arithmetic; signs are + and -")
        return apply(self.evaluate(node.operand, depth))

    def visit_binop(self, node, depth):
        apply = BINARY_OPERATORS.get(type(node.op))
        if apply is None:
            hint = "; a power is written **" if isinstance(node.op, ast.BitXor) else "; use + - * / // % **"
            raise DemoMathError(f"operator {type(node.op).__name__} is not supported{hint}")
        return apply(self.evaluate(node.left, depth), self.evaluate(node.right, depth))

    def visit_call(self, node, depth):
        name = getattr(node.func, "id", None)
        if name not in FUNCTIONS:
            raise DemoMathError(f"unknown function '{name or '?'}'; known are {', '.join(sorted(FUNCTIONS))}")
        if node.keywords:
            raise DemoMathError(f"{name}() takes no named arguments here")
        return FUNCTIONS[name](*[self.evaluate(argument, depth) for argument in node.args])


def parse_expression(text):
    """Turn the text into a syntax tree, or say where it stops making sense."""
    if len(text) > MAX_EXPRESSION_CHARS:
        raise DemoMathError(f"the expression has {len(text)} characters; the limit is {MAX_EXPRESSION_CHARS}")
    try:
        return ast.parse(text.strip(), mode="eval")
    except SyntaxError as error:
        raise DemoMathError(f"'{text}' is not a complete expression (column {error.offset or 1})") from error
    except (ValueError, MemoryError, RecursionError) as error:
        raise DemoMathError("the expression cannot be read: it is nested too deeply or holds a NUL") from error


def parse_variable(text):
    """Split NAME=NUMBER into the name and an integer or a finite float."""
    name, separator, value = text.partition("=")
    if not separator or not name.isidentifier():
        raise DemoMathError(f"--let '{text}' is not of the form NAME=NUMBER")
    for number_type in (int, float):
        try:
            return name, bounded(number_type(value))
        except ValueError:
            continue
    raise DemoMathError(f"--let '{text}': '{value}' is not a number")


def run_calculate(args):
    """Evaluate the expression and round the result if asked to."""
    check_range("--precision", args.precision, 0, MAX_PRECISION)
    evaluator = Evaluator(dict(parse_variable(item) for item in args.let))
    try:
        result = evaluator.evaluate(parse_expression(args.expression))
    except ZeroDivisionError as error:
        raise DemoMathError("division by zero") from error
    except OverflowError as error:
        raise DemoMathError("a number in the expression is too large for a decimal") from error
    except (TypeError, ValueError) as error:
        raise DemoMathError(f"the expression cannot be computed: {error}") from error
    if isinstance(result, float) and args.precision is not None:
        result = round(result, args.precision)
    kind = "integer" if isinstance(result, int) else "number"
    return {"expression": args.expression, "result": result, "type": kind, "text": str(result)}


# --- format_bytes ---------------------------------------------------------------------------------


def run_format_bytes(args):
    """Choose the largest unit in which the rounded number is at least 1."""
    check_range("--precision", args.precision, 0, MAX_PRECISION)
    base, units = (1024, BINARY_UNITS) if args.units == "binary" else (1000, DECIMAL_UNITS)
    check_range("value", args.value, 0, base ** len(units) - 1)
    number, unit = args.value, units[0]
    for exponent, unit in enumerate(units):
        # Rounded first, so that 1048575 becomes "1.0 MiB" and never "1024.0 KiB".
        number = round(args.value / base ** exponent, args.precision) if exponent else args.value
        if number < base:
            break
    digits = args.precision if unit != "B" else 0
    return {"value": args.value, "number": number, "unit": unit, "formatted": f"{number:.{digits}f} {unit}"}


# --- coin_flip ------------------------------------------------------------------------------------


def run_coin_flip(args):
    """Flip the coin; the same seed gives the same flips."""
    check_range("--count", args.count, 1, MAX_FLIPS)
    check_range("--bias", args.bias, 0.0, 1.0)
    heads, tails = args.labels
    if heads == tails:
        raise DemoMathError(f"--labels: both sides are called '{heads}'; give two different names")
    source = random.SystemRandom() if args.seed is None else random.Random(args.seed)
    flips = [heads if source.random() < args.bias else tails for _ in range(args.count)]
    result = {"count": args.count, "totals": {side: flips.count(side) for side in (heads, tails)}}
    if not args.summary_only:
        result["flips"] = flips
    return result


# --- command line ---------------------------------------------------------------------------------


def check_range(name, value, low, high):
    """Refuse a number outside low..high; an option that was not given is fine."""
    if value is not None and not low <= value <= high:
        raise DemoMathError(f"{name} must be from {low} to {high}, not {value}")


def build_parser():
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="demo_math",
        description="Arithmetic, byte sizes and coin flips. Every command prints one JSON object.",
        epilog='On failure the object is {"error": "..."} and the exit status is 1.',
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    add_calculate(commands)
    add_format_bytes(commands)
    add_coin_flip(commands)
    return parser


def add_calculate(commands):
    """Declare `calculate`."""
    parser = commands.add_parser(
        "calculate",
        help="compute an arithmetic expression",
        description="Compute an arithmetic expression with + - * / // % **, parentheses, the constants pi, e and tau, "
        "and the functions " + ", ".join(sorted(FUNCTIONS)) + ".",
        epilog="An expression that begins with a minus is written after two dashes: calculate -- '-2 + 5'",
    )
    parser.add_argument("expression", help="the expression, such as '2 * (3 + 4) ** 2'; at most 1000 characters")
    parser.add_argument(
        "--let", action="append", default=[], metavar="NAME=NUMBER", help="define a name for the expression; repeatable"
    )
    parser.add_argument("--precision", type=int, metavar="DIGITS", help="round a decimal result to so many digits (0 to 15)")
    parser.set_defaults(run=run_calculate)


def add_format_bytes(commands):
    """Declare `format_bytes`."""
    parser = commands.add_parser(
        "format_bytes",
        help="write a number of bytes in a readable unit",
        description="Write a number of bytes in the largest unit that keeps it at 1 or above.",
    )
    parser.add_argument("value", type=int, help="the number of bytes, 0 or more")
    parser.add_argument(
        "--units",
        choices=["binary", "decimal"],
        default="binary",
        help="binary counts in 1024 (KiB, MiB), decimal in 1000 (kB, MB) (default: %(default)s)",
    )
    parser.add_argument(
        "--precision", type=int, default=1, metavar="DIGITS", help="digits after the point, 0 to 15 (default: %(default)s)"
    )
    parser.set_defaults(run=run_format_bytes)


def add_coin_flip(commands):
    """Declare `coin_flip`."""
    parser = commands.add_parser(
        "coin_flip",
        help="flip a coin one or more times",
        description="Flip a coin one or more times. Without a seed the operating system's random source is used.",
    )
    parser.add_argument("-n", "--count", type=int, default=1, help="how many flips, 1 to 10000 (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="make the flips repeatable: the same seed gives the same flips")
    parser.add_argument(
        "--bias", type=float, default=0.5, help="probability of the first side, 0 to 1 (default: %(default)s)"
    )
    parser.add_argument(
        "--labels",
        nargs=2,
        default=["heads", "tails"],
        metavar=("FIRST", "SECOND"),
        help="names of the two sides (default: heads tails)",
    )
    parser.add_argument("--summary-only", action="store_true", help="print the totals without the single flips")
    parser.set_defaults(run=run_coin_flip)


def emit(result, status):
    """Print the result as one line of JSON in UTF-8, whatever the locale, and return the exit status."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(json.dumps(result, ensure_ascii=False))
    return status


def main(argv=None):
    """Run one command; returns the exit status."""
    args = build_parser().parse_args(argv)
    try:
        return emit(args.run(args), 0)
    except DemoMathError as error:
        return emit({"error": str(error)}, 1)


if __name__ == "__main__":
    sys.exit(main())
