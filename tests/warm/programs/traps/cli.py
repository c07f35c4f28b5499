"""Looks as if paths were computed before an import, and does other things."""
import sys

import mine
from mine import join
from os.path import dirname

HERE = join("a")
sys.path.insert(0, HERE)
import first


def dirname(path):
    mine.calls.append(path)
    return path


sys.path.insert(0, dirname("b"))
import second

os = mine
sys.path.append(os.path.join("c"))
import json as third

print(mine.calls, first.calls, second.calls, sys.path[:3], sys.path[-1], third.dumps(1))
