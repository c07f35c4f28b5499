"""Is made of packages, and reads data beside itself."""
import importlib
import sys
from pathlib import Path

import parts.deep.inner as inner
from parts import middle as m, deep
from parts.lists import *

HERE = Path(__file__).resolve().parent


def lazily():
    from parts import lazy
    return lazy.name


print(inner.name, m.name, deep.__name__, listed, "hidden" in globals())
print((HERE / "data.txt").read_text(), open("data.txt").read())
print(lazily(), importlib.import_module("parts.lazy").__file__, sorted(n for n in sys.modules if n.startswith("parts")))
print(inner.Thing.__module__, sys.modules["parts.deep.inner"] is inner, inner.__spec__.name, Path(inner.__cached__).name)
