"""What user code may raise and return that a host may stumble over, by name."""

import asyncio
import json
import math
import sys


class TextFails(Exception):
    def __str__(self):
        raise ValueError("no text")


class TextExits(Exception):
    def __str__(self):
        sys.exit(3)

    __repr__ = __str__


class TextIsNone(Exception):
    def __str__(self):
        return None


class TextRecurses(Exception):
    def __str__(self):
        return str(self)


class CannotBePickled(Exception):
    def __reduce__(self):
        raise TypeError("not this one")


class Unreadable(Exception):
    @property
    def __traceback__(self):
        raise RuntimeError("no traceback")

    @property
    def __cause__(self):
        raise RuntimeError("no cause")

    @property
    def __notes__(self):
        sys.exit(4)


class _Nameless(type):
    @property
    def __name__(cls):
        raise RuntimeError("no name")


class Nameless(Exception, metaclass=_Nameless):
    pass


class Text(str):
    def __str__(self):
        raise SystemExit(5)

    def __reduce__(self):
        raise SystemExit(6)


class TextIsNoPlainText(Exception):
    def __str__(self):
        return Text("a text of another class")


class Bytes(bytes):
    def __bytes__(self):
        return self

    def __reduce__(self):
        raise SystemExit(6)


class LengthExits(dict):
    def __len__(self):
        sys.exit(7)

    def items(self):
        sys.exit(7)


class IterationFails(list):
    def __iter__(self):
        raise KeyboardInterrupt


class EqualityFails:
    def __eq__(self, other):
        raise SystemExit(8)

    def __bool__(self):
        raise SystemExit(8)

    __hash__ = None


class ToJsonExits:
    @staticmethod
    def to_json(value):
        sys.exit(9)


class ToJsonIsOdd:
    @staticmethod
    def to_json(value):
        return {"\udce9": {1, 2}}


class Enum5(int):
    def __repr__(self):
        raise KeyboardInterrupt

    __str__ = __repr__


def _cycle():
    one, two = ValueError("one"), KeyError("two")
    one.__cause__, two.__cause__ = two, one
    one.__context__ = one
    return one


def _deep_group():
    group = ValueError("leaf")
    for _ in range(5_000):
        group = ExceptionGroup("level", [group])
    return group


def _long_chain():
    first = error = ValueError("first")
    for number in range(3_000):
        error.__cause__ = ValueError(number)
        error = error.__cause__
    return first


def _recurse():
    return _recurse()


def _too_large():
    return bytearray(2**62)


def _nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def _raise_limits_for(make):
    """Make a value that only a process which has raised its limits can write and read."""

    def made():
        sys.setrecursionlimit(20_000)
        sys.set_int_max_str_digits(0)
        return make()

    return made


def _named(name):
    return type(name, (Exception,), {})("strange name")


def _noted():
    error = ValueError("noted")
    error.__notes__ = 5
    return error


def _syntax():
    return SyntaxError("odd", ("f\udce9", "x", 5, object(), "y", -1))


ERRORS = {
    "plain": lambda: ValueError("plain"),
    "surrogate": lambda: ValueError("cannot open caf\udce9.txt"),
    "surrogates": lambda: OSError(2, "\ud83d", "\ude00\udcff"),
    "nul": lambda: ValueError("a\0b\0s" + "0" * 32 + "\0"),
    "empty": lambda: ValueError(),
    "no arguments of text": lambda: ValueError({1}, b"\xff", "\udce9"),
    "text fails": TextFails,
    "text exits": TextExits,
    "text is None": TextIsNone,
    "text recurses": TextRecurses,
    "text is no plain text": TextIsNoPlainText,
    "cannot be pickled": CannotBePickled,
    "unreadable": Unreadable,
    "nameless": Nameless,
    "odd name": lambda: _named("Ü\n\t"),
    "long name": lambda: _named("N" * 100_000),
    "SystemExit": lambda: SystemExit(3),
    "SystemExit of an object": lambda: SystemExit(TextFails()),
    "KeyboardInterrupt": KeyboardInterrupt,
    "GeneratorExit": GeneratorExit,
    "StopIteration": lambda: StopIteration(5),
    "StopAsyncIteration": StopAsyncIteration,
    "CancelledError": asyncio.CancelledError,
    "TimeoutError": TimeoutError,
    "BaseException": lambda: BaseException("\udce9"),
    "group": lambda: ExceptionGroup("group", [ValueError("\udce9"), TextFails()]),
    "base group": lambda: BaseExceptionGroup("group", [SystemExit(1), KeyboardInterrupt()]),
    "deep group": _deep_group,
    "cycle": _cycle,
    "long chain": _long_chain,
    "RecursionError": RecursionError,
    "MemoryError": MemoryError,
    "large": lambda: ValueError("ü" * 50_000 + "\udce9"),
    "noted": _noted,
    "syntax": _syntax,
    "unicode": lambda: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "caf\udce9"),
    "protocol": lambda: ValueError("x\n\n$OutOfProcData$:" + json.dumps({"actions": [[5]]})),
    "protocol done": lambda: ValueError('x\n\n$OutOfProcData$:{"isDone":true,"actions":[]}'),
}
# Ways to fail that are no `raise` of one object.
FAULTS = {
    "recursion": _recurse,
    "memory": _too_large,
    "exit": sys.exit,
    "exit with text": lambda: sys.exit("caf\udce9"),
}
# What takes seconds, for tests that ask for it by name.
HUGE = {"10 MB": lambda: ValueError("x" * 10_000_000 + "\udce9")}
VALUES = {
    "set": lambda: {1, 2},
    "nan": lambda: math.nan,
    "infinity": lambda: [math.inf, -math.inf],
    "long integer": lambda: 10**5_000,
    "64 bits and more": lambda: 2**70,
    "surrogate": lambda: "caf\udce9",
    "surrogate key": lambda: {"\udce9": "\ud800"},
    "nul": lambda: "\0s" + "0" * 32 + "\0",
    "bytes": lambda: b"\xff",
    "deep": lambda: _nested(100_000),
    "deep within bounds": lambda: _nested(900),
    "cycle": lambda: (value := [], value.append(value))[0],
    "generator": lambda: (n for n in range(3)),
    "class": lambda: ToJsonExits,
    "length exits": lambda: LengthExits(a=1),
    "iteration fails": lambda: IterationFails([1]),
    "equality fails": EqualityFails,
    "to_json exits": ToJsonExits,
    "to_json is odd": ToJsonIsOdd,
    "text of another class": lambda: Text("caf\udce9"),
    "bytes of another class": lambda: Bytes(b"x"),
    "integer of another class": lambda: Enum5(5),
    "integer keys": lambda: {1: 2, None: 3, 1.5: 4},
    "tuple keys": lambda: {(1, 2): 3},
    "exception": lambda: ValueError("\udce9"),
    "large": lambda: "ü" * 50_000,
    "metadata": lambda: {"$id": "1", "$ref": "2"},
    "none": lambda: None,
    "deeper than others read": _raise_limits_for(lambda: _nested(5_000)),
    "longer than others read": _raise_limits_for(lambda: 10**6_000),
}


def fail(name):
    """Fail in the way of this name."""
    if name in FAULTS:
        FAULTS[name]()
    raise (ERRORS | HUGE)[name]()
