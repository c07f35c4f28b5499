"""Ends in the way that it is told."""
import os
import signal
import sys
import threading


class Own(SystemExit):
    pass


def main(how):
    print("ends by", how)
    print("says so", file=sys.stderr)
    if how == "text":
        sys.exit("a text")
    if how == "none":
        sys.exit(None)
    if how == "tuple":
        sys.exit((1, 2))
    if how == "own":
        raise Own(5)
    if how == "quit":
        quit(4)
    if how == "at once":
        sys.stdout.flush()
        os._exit(9)
    if how == "thread":
        thread = threading.Thread(target=sys.exit, args=(3,))
        thread.start()
        thread.join()
    if how.startswith("SIG"):
        sys.stdout.flush()
        os.kill(os.getpid(), getattr(signal, how))
    if how == "pipe":
        reading, writing = os.pipe()
        os.close(reading)
        os.write(writing, b"x")
    if how == "closed":
        sys.stdout.close()
    if how == "full":
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1)
    if how.lstrip("-").isdigit():
        sys.exit(int(how))


if __name__ == "__main__":
    main(sys.argv[1])
