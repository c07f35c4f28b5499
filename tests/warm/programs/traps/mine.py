import sys

calls = []


def join(word):
    calls.append(word)
    return word


path = sys.modules[__name__]
