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


def template_data(args):
    print(json.dumps({"id": args.id, "templateTest": True, "data": f"Data for ID: {args.id}"}))


def message(content):
    return {"role": "user", "content": content}


def resource_prompt(args):
    embedded = text_file(args.resourceUri, "text/plain", "Embedded resource content for testing.")
    question = {"type": "text", "text": "Please process the embedded resource above."}
    print(json.dumps({"messages": [message(embedded), message(question)]}))


def image_prompt(args):
    picture = {"type": "image", "data": base64.b64encode(png()).decode(), "mimeType": "image/png"}
    question = {"type": "text", "text": "Please analyze the image above."}
    print(json.dumps({"messages": [message(picture), message(question)]}))


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
    "template-data": (template_data, "print what belongs to an id"),
    "resource-prompt": (resource_prompt, "print a prompt with a resource in it"),
    "image-prompt": (image_prompt, "print a prompt with an image in it"),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    made = {}
    for name, (run, description) in COMMANDS.items():
        made[name] = commands.add_parser(name, help=description, description=description)
        made[name].set_defaults(run=run)
    made["template-data"].add_argument("id", help="which one")
    made["resource-prompt"].add_argument("--resourceUri", required=True, help="the URI of the resource")
    args = parser.parse_args()
    return args.run(args)


if __name__ == "__main__":
    sys.exit(main())
