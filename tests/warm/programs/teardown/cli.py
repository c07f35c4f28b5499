"""What happens when a program ends: finalizers, callbacks, threads, files that nobody closed."""
import atexit
import concurrent.futures
import logging
import sys
import tempfile
import threading
import time
import weakref

import registry


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone:", self.name, flush=True)


class Quiet:
    pass


how = sys.argv[1]
if how == "global":
    kept = Loud("a global")
if how == "cycle":
    cycle = Loud("a cycle")
    cycle.itself = cycle
    del cycle
if how == "module":
    registry.things.append(Loud("held by a module"))
if how == "class":
    registry.Holder.thing = Loud("held by a class")
if how == "shared cycle":
    registry.Holder.itself = registry.Holder
    registry.Holder.things = [Loud("below a cycle")]
if how == "file":
    registry.Holder.file = open("left-open", "w")
    registry.Holder.file.write("written, and never closed")
if how == "read":
    print(open("left-open").read())
if how == "attribute":
    registry.function.thing = Loud("of a function")
if how == "generator":
    def suspended():
        try:
            yield
        finally:
            print("closed", flush=True)
    registry.generator = suspended()
    next(registry.generator)
if how == "atexit":
    atexit.register(print, "first registered")
    atexit.register(lambda: print("second", sorted(registry.things), "registry" in sys.modules))
if how == "nested atexit":
    def later():
        import colorsys
        print(colorsys.rgb_to_hsv(1, 1, 1))
        atexit.register(print, "even later")
    atexit.register(later)
if how == "finalize":
    thing = Quiet()
    weakref.finalize(thing, print, "finalized")
if how == "weak":
    thing = Quiet()
    registry.weak = weakref.ref(thing, lambda _: print("weakly", flush=True))
if how == "thread":
    threading.Thread(target=lambda: (time.sleep(0.2), print("a thread ends"))).start()
if how == "daemon":
    threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
if how == "pool":
    pool = concurrent.futures.ThreadPoolExecutor(2)
    pool.submit(lambda: (time.sleep(0.1), print("pooled")))
if how == "logging":
    registry.handler.setLevel(logging.INFO)
    logging.getLogger("x").addHandler(logging.StreamHandler(sys.stdout))
    logging.getLogger("x").error("logged")
if how == "temporary":
    kept = tempfile.TemporaryDirectory()
    print(len(kept.name) > 0)
if how == "unflushed":
    sys.stdout.write("no end of line")
if how == "early":
    print(registry.registered_at_import)
if how == "exit":
    kept = Loud("a global")
    atexit.register(print, "at exit")
    sys.exit(3)
if how == "error":
    kept = Loud("a global")
    raise ValueError("fails")
print("main is through")
