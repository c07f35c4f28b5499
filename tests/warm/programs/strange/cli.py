# -*- coding: latin-1 -*-
"""A source in another encoding, with a warning in it."""
import pickle
import sys

if len(sys.argv) > 1 and sys.argv[1] == "x":
    pattern = "\d"


class Mine:
    def __eq__(self, other):
        return type(self) is type(other)


copy = pickle.loads(pickle.dumps(Mine()))
print(ascii("é"), copy == Mine(), Mine.__module__, pickle.dumps(Mine(), 0)[:40])
