name = "in lib"


class Base:
    pass
