import atexit
import logging

things = []
handler = logging.NullHandler()
registered_at_import = []
atexit.register(lambda: registered_at_import and print("never"))


class Holder:
    thing = None


def function():
    pass
