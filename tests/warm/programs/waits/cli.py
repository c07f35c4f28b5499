"""Waits, with a process below it."""
import argparse
import os
import subprocess
import time

parser = argparse.ArgumentParser()
parser.add_argument("--seconds", type=float, required=True)
arguments = parser.parse_args()
if arguments.seconds > 1:
    child = subprocess.Popen(["sleep", "1000"])
    with open("begun.new", "w") as file:
        file.write(str(child.pid))
    os.rename("begun.new", "begun")
time.sleep(arguments.seconds)
print("waited")
