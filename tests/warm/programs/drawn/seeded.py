import random


def draw():
    return random.randrange(10**12)
