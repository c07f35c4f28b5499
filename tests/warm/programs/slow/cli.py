"""Runs until it is stopped, with a process below it."""
import os
import signal
import subprocess
import sys
import time

how = sys.argv[1]
if how == "deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if how == "tidy":
    signal.signal(signal.SIGTERM, lambda *_: (print("tidied"), sys.exit(5)))
child = subprocess.Popen(["sleep", "1000"])
print("begun", flush=True)
with open("child.new", "w") as file:
    file.write("%d %d" % (os.getpid(), child.pid))
os.rename("child.new", "child")
time.sleep(1000)
