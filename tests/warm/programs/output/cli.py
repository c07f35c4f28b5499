"""Writes much and in many ways."""
import sys


def main(how):
    if how == "both":
        for number in range(300):
            print("out", number)
            print("err", number, file=sys.stderr)
    if how == "bytes":
        sys.stdout.buffer.write(bytes(range(256)))
        sys.stderr.buffer.write(b"\xff\x00")
    if how == "long":
        sys.stdout.write("x" * 3000000)
        sys.stderr.write("y" * 200000)
    if how == "text":
        print("\u00e9 \U0001f600 \x1b[31mred\x1b[0m \r\n tab\t")
    if how == "echo":
        print(sys.argv[2:])


main(sys.argv[1])
