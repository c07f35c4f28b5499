from .. import middle

name = "inner of " + middle.name


class Thing:
    pass
