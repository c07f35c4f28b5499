"""Starts other processes."""
import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys


def square(number):
    return number * number, __name__


async def child():
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "print('of asyncio')", stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    print(output.decode(), process.returncode)


def main(how):
    if how == "run":
        done = subprocess.run([sys.executable, "-c", "import sys; print(sys.argv, sys.path[1:]); sys.exit(3)", "a"])
        print(done.returncode, flush=True)
        print(subprocess.check_output("echo shell; exit 0", shell=True))
    if how == "fork":
        if os.fork() == 0:
            print("the child", flush=True)
            os._exit(0)
        os.wait()
        print("the parent")
    if how in ("spawn", "fork pool"):
        context = multiprocessing.get_context(how.split()[0])
        with context.Pool(2) as pool:
            print(pool.map(square, range(4)))
        print(multiprocessing.current_process().name, multiprocessing.parent_process())
    if how == "asyncio":
        asyncio.run(child())
    if how == "no children":
        try:
            print(os.waitpid(-1, os.WNOHANG))
        except ChildProcessError as error:
            print(error)
    if how == "left":
        subprocess.Popen(["sleep", "1000"])
        print("left one behind")
    if how == "left quiet":
        subprocess.Popen(["sleep", "1000"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print("left one behind")
    if how == "alarm":
        signal.signal(signal.SIGALRM, lambda *_: print("rang"))
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        signal.pause()
    if how == "exec":
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, "-c", "import sys; print('another', sys.argv)", "x"])
    if how == "children":
        signal.signal(signal.SIGCHLD, lambda *_: None)
        print(os.system("exit 3") >> 8, os.popen("echo popen").read())


if __name__ == "__main__":
    main(sys.argv[1])
