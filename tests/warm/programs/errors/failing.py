class Own(Exception):
    pass


def inner():
    raise ValueError("inner")


def interrupt():
    try:
        raise KeyboardInterrupt
    finally:
        print("cleaned up")


async def coroutine():
    raise Own("in a coroutine")
