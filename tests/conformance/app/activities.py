"""Activities: what they return and how they fail."""

import asyncio
import json
import time
from datetime import datetime

import azure.functions as func
from triggers import MARKS, activity, seen


@activity
def echo(x):
    return x


@activity
def kind(x):
    return seen(x)


@activity
def length(x):
    return len(x)


@activity
def nap(x):
    time.sleep(x if isinstance(x, (int, float)) else x["s"])
    if isinstance(x, dict) and x.get("fail"):
        raise ValueError(x["fail"])
    return x


@activity
async def anap(x):
    await asyncio.sleep(x)
    return x


class Custom:
    def __init__(self, value):
        self.value = value

    @staticmethod
    def to_json(obj):
        return {"v": obj.value}

    @staticmethod
    def from_json(data):
        return Custom(data["v"])


class Plain:
    pass


@activity
def make(x):
    made = {
        "none": lambda: None,
        "empty": lambda: "",
        "space": lambda: " ",
        "bytes": lambda: b"\x00\x01",
        "tuple": lambda: (1, 2),
        "set": lambda: {1},
        "datetime": lambda: datetime(2026, 1, 1),
        "nan": lambda: float("nan"),
        "inf": lambda: float("inf"),
        "big": lambda: 2**70,
        "jsontext": lambda: '{"a": 1}',
        "numbertext": lambda: "123",
        "nulltext": lambda: "null",
        "quoted": lambda: '"q"',
        "broken": lambda: "[1",
        "custom": lambda: Custom(7),
        "plain": lambda: Plain(),
        "datetext": lambda: "2026-01-02T03:04:05Z",
        "datetext2": lambda: "2026-01-02T03:04:05.1234567+02:00",
        "float1": lambda: 1.0,
        "tiny": lambda: 1e-7,
        "huge": lambda: 1e308,
        "neg0": lambda: -0.0,
        "surrogate": lambda: "\ud800",
        "nul": lambda: "a\u0000b",
        "intkeys": lambda: {1: 2},
        "generator": lambda: (i for i in range(2)),
        "type": lambda: {"$type": "System.Int32"},
        "dup": lambda: {"a": 1, "A": 2},
        "ref": lambda: {"$ref": "1"},
        "id": lambda: {"$id": "1", "a": 1},
        "taskdates": lambda: {"at": "2026-01-02T03:04:05Z", "in": ["/Date(1)/"]},
        "false": lambda: False,
        "zero": lambda: 0,
        "list": lambda: [],
        "dict": lambda: {},
        "http": lambda: func.HttpResponse("x"),
    }
    if x in made:
        return made[x]()
    return "x" * int(x)


class Odd(Exception):
    def __init__(self, a, b):
        super().__init__(a, b)


def broken_down(x):
    if x == "plain":
        raise ValueError("plain")
    if x == "cause":
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise RuntimeError("outer") from error
    if x == "context":
        try:
            raise KeyError("inner")
        except KeyError:
            raise RuntimeError("outer")
    if x == "notes":
        error = ValueError("noted")
        error.add_note("a note")
        raise error
    if x == "empty":
        raise ValueError()
    if x == "unicode":
        raise ValueError("ünï ☃ 😀")
    if x == "lines":
        raise ValueError("one\ntwo\r\nthree")
    if x == "labels":
        raise ValueError("Result: Failure\nException: fake\nStack: none")
    if x == "outofproc":
        raise ValueError('text\n\n$OutOfProcData$:{"isDone": true, "actions": [], "output": 1}')
    if x == "secret":
        raise ValueError("AccountKey=abc;EndpointSuffix=x 'and' key=zzz")
    if x == "url":
        raise ValueError("see https://user:pw@host:80/x?code=abc&sig=def")
    if x == "long":
        raise ValueError("y" * 100_000)
    if x == "odd":
        raise Odd(1, {"b": 2})
    if x == "group":
        raise ExceptionGroup("many", [ValueError("a"), KeyError("b")])
    if x == "exit":
        raise SystemExit(3)
    if x == "keyboard":
        raise KeyboardInterrupt()
    if x == "cancelled":
        raise asyncio.CancelledError()
    if x == "stop":
        raise StopIteration(5)
    if x == "json":
        raise ValueError(json.dumps({"a": [1, "x"]}))
    raise AssertionError(x)


@activity
def fail(x):
    broken_down(x)


@activity
def flaky(x):
    """Fails until the given attempt; x: [mark, attempts]."""
    path = MARKS / x[0]
    with path.open("a") as file:
        file.write("x")
    attempt = path.stat().st_size
    if attempt < x[1]:
        raise ValueError(f"attempt {attempt}")
    return attempt


@activity
def no_return(x):
    pass
