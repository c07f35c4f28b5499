#!/usr/bin/env python3
"""The tools that the official suite asks a server for, as a plain program: plugin.toml gives them the suite's names."""
import argparse
import base64
import io
import json
import struct
import sys
import time
import wave
import zlib


def png():
    """One red pixel."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    pixel = zlib.compress(b"\0\xff\0\0")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixel) + chunk(b"IEND", b"")


def wav():
    """Ten milliseconds of silence."""
    file = io.BytesIO()
    with wave.open(file, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(160))
    return file.getvalue()


def text_file(uri, kind, text):
    return {"type": "resource", "resource": {"uri": uri, "mimeType": kind, "text": text}}


def simple_text(args):
    print("This is a simple text response for testing.")


def image(args):
    sys.stdout.buffer.write(png())


def audio(args):
    sys.stdout.buffer.write(wav())


def embedded_resource(args):
    block = text_file("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    print(json.dumps({"content": [block]}))


def multiple_content_types(args):
    print(json.dumps({"content": [
        {"type": "text", "text": "Multiple content types test:"},
        {"type": "image", "data": base64.b64encode(png()).decode(), "mimeType": "image/png"},
        text_file("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ]}))


def logging(args):
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        print(line, file=sys.stderr, flush=True)
        time.sleep(0.05)
    print("Three lines were logged.")


def log(args):
    print("warning: this line is for those who asked for the log", file=sys.stderr, flush=True)
    print("One line was logged.")


def progress(args):
    for done in (0, 50, 100):
        print(f"{done}/100", file=sys.stderr, flush=True)
        time.sleep(0.05)
    print("Done.")


def error(args):
    return "This tool intentionally returns an error for testing"


COMMANDS = {
    "simple-text": (simple_text, "print a line of text"),
    "image": (image, "print a PNG image"),
    "audio": (audio, "print a WAV sound"),
    "embedded-resource": (embedded_resource, "print an MCP result with a text file in it"),
    "multiple-content-types": (multiple_content_types, "print an MCP result of text, an image and a text file"),
    "logging": (logging, "write three lines to standard error"),
    "log": (log, "write a warning to standard error"),
    "progress": (progress, "tell on standard error how far it is"),
    "error": (error, "fail"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (run, description) in COMMANDS.items():
        commands.add_parser(name, help=description, description=description).set_defaults(run=run)
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
