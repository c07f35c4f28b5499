def dumps(x): return "a json of its own"
