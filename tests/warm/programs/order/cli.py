"""Does things between its imports that change what they do."""
from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import not_there
if sys.version_info >= (3, 8):
    import math
else:
    import nor_this
try:
    import neither_this
except ImportError:
    neither_this = None

VERSION = "1"
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "lib"))
import in_lib

_keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True
import unwritten

sys.dont_write_bytecode = _keep
del sys.path[0]


def defined(number: int = 1) -> "x":
    return number


class Defined(in_lib.Base):
    value = 1


os.environ["ORDER_SEEN"] = "by the module"
import reads_it

sys.argv[0] = "renamed"
import reads_argv

print(in_lib.name, unwritten.name, reads_it.seen, reads_argv.seen, neither_this, math.pi, defined(), Defined.value)
print(sys.path[:1] == [HERE], sys.argv, sys.dont_write_bytecode, os.path.exists("lib/__pycache__"))
print(sorted(n for n in globals() if not n.startswith("__")))
