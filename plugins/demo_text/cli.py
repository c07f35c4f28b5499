#!/usr/bin/env python3
"""Echo, word counts, slugs and hash previews on the command line.

Every command prints one JSON object. On failure the object is {"error": "..."} and the exit status is 1.
"""

import argparse
import base64
import collections
import hashlib
import json
import re
import sys
import unicodedata

VERSION = "1.0.0"

# Keeps the output of `echo` within what a terminal or a client can show.
MAX_ECHO_CHARS = 1000000
DEFAULT_TOP = 5
MAX_TOP = 1000
MAX_SLUG_CHARS = 200
ALGORITHMS = ["blake2b", "md5", "sha1", "sha256", "sha3_256", "sha512"]

# Letters, digits and marks, with apostrophes and hyphens inside a word: "don't" and "well-known" are one word each.
WORD = re.compile(r"\w+(?:['’-]\w+)*")


class DemoTextError(Exception):
    """A request that cannot be answered; its text is for the person who made it."""


def run_echo(args):
    """Repeat the message, changed as the options say."""
    check_range("--repeat", args.repeat, 1, 100)
    text = {"upper": str.upper, "lower": str.lower}.get(args.case, str)(args.message)
    text = args.prefix + text + "!" * args.exclaim
    if len(text) * args.repeat > MAX_ECHO_CHARS:
        raise DemoTextError(f"the echo would have more than {MAX_ECHO_CHARS} characters; use a smaller --repeat")
    return {"echo": "\n".join([text] * args.repeat)}


def run_word_count(args):
    """Count words, distinct words, characters and lines; list the most frequent words if asked to."""
    check_range("--top", args.top, 1, MAX_TOP)
    fold = str if args.case_sensitive else str.casefold
    ignored = {fold(word) for word in args.ignore}
    words = [word for word in map(fold, WORD.findall(args.text)) if word not in ignored]
    counts = collections.Counter(words)
    result = {
        "words": len(words),
        "unique": len(counts),
        "characters": len(args.text),
        "lines": len(args.text.splitlines()),
    }
    if args.top is not None:
        # Ties in alphabetical order, so that the same text always gives the same list.
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        result["top"] = [{"word": word, "count": count} for word, count in ranked[: args.top]]
    return result


def run_slugify(args):
    """Make a name for URLs and files out of a title."""
    check_range("--max-length", args.max_length, 1, MAX_SLUG_CHARS)
    text = unicodedata.normalize("NFKD", args.title)
    text = "".join(char for char in text if not unicodedata.combining(char))
    text = unicodedata.normalize("NFC", text).casefold()
    letters = r"[^\W_]+" if args.keep_unicode else r"[a-z0-9]+"
    slug = shorten(re.findall(letters, text), args.separator, args.max_length)
    if not slug:
        hint = "" if args.keep_unicode else "; with --keep-unicode letters of every script are kept"
        raise DemoTextError(f"nothing of the title '{args.title}' can be part of a slug{hint}")
    return {"title": args.title, "slug": slug, "length": len(slug)}


def shorten(words, separator, limit):
    """Join as many whole words as fit; a first word that is too long is cut."""
    slug = words[0][:limit] if words else ""
    for word in words[1:]:
        if len(slug) + len(separator) + len(word) > limit:
            break
        slug += separator + word
    return slug


def run_hash_preview(args):
    """Hash the text's UTF-8 bytes and show the beginning of the digest."""
    try:
        # What was no valid UTF-8 on the command line is hashed as the bytes that were typed.
        digest = hashlib.new(args.algorithm, args.text.encode("utf-8", "surrogateescape")).digest()
    except UnicodeEncodeError as error:
        raise DemoTextError("the text holds characters that have no UTF-8 form") from error
    except ValueError as error:
        raise DemoTextError(f"this Python has no '{args.algorithm}'; choose another --algorithm") from error
    whole = digest.hex() if args.encoding == "hex" else base64.b64encode(digest).decode("ascii")
    check_range("--length", args.length, 1, len(whole))
    return {
        "algorithm": args.algorithm,
        "encoding": args.encoding,
        "preview": whole[: args.length],
        "complete": args.length == len(whole),
        "digest_length": len(whole),
    }


def check_range(name, value, low, high):
    """Refuse a number outside low..high; an option that was not given is fine."""
    if value is not None and not low <= value <= high:
        raise DemoTextError(f"{name} must be from {low} to {high}, not {value}")


def build_parser():
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="demo_text",
        description="Echo, word counts, slugs and hash previews. Every command prints one JSON object.",
        epilog='On failure the object is {"error": "..."} and the exit status is 1.',
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    add_echo(commands)
    add_word_count(commands)
    add_slugify(commands)
    add_hash_preview(commands)
    return parser


def add_echo(commands):
    """Declare `echo`."""
    parser = commands.add_parser(
        "echo", help="print a message back", description="Print a message back, changed as the options say."
    )
    parser.add_argument("message", help="the message")
    parser.add_argument("--prefix", default="", metavar="TEXT", help="text to put before the message")
    parser.add_argument("--repeat", type=int, default=1, metavar="N", help="how many times, 1 to 100 (default: %(default)s)")
    parser.add_argument("-e", "--exclaim", action="count", default=0, help="add an exclamation mark; repeatable")
    case = parser.add_mutually_exclusive_group()
    case.add_argument("--upper", dest="case", action="store_const", const="upper", help="in capital letters")
    case.add_argument("--lower", dest="case", action="store_const", const="lower", help="in small letters")
    parser.set_defaults(run=run_echo)


def add_word_count(commands):
    """Declare `word_count`."""
    parser = commands.add_parser(
        "word_count",
        help="count words, characters and lines",
        description="Count the words, distinct words, characters and lines of a text.",
        epilog="A text that follows --ignore is written after two dashes: word_count --ignore a the -- 'the text'",
    )
    parser.add_argument("text", help="the text")
    parser.add_argument(
        "--top",
        type=int,
        nargs="?",
        const=DEFAULT_TOP,
        metavar="N",
        help=f"list the most frequent words, N of them ({DEFAULT_TOP} where no number is given)",
    )
    parser.add_argument("--ignore", nargs="*", default=[], metavar="WORD", help="words that are not counted")
    parser.add_argument("--case-sensitive", action="store_true", help="count 'The' and 'the' as two words")
    parser.set_defaults(run=run_word_count)


def add_slugify(commands):
    """Declare `slugify`."""
    parser = commands.add_parser(
        "slugify",
        help="make a name for URLs and files out of a title",
        description="Make a name for URLs and files out of a title: small letters and digits, the rest separated.",
    )
    parser.add_argument("title", help="the title")
    parser.add_argument(
        "-s", "--separator", choices=["-", "_", "."], default="-", help="what stands between words (default: %(default)s)"
    )
    parser.add_argument(
        "-m",
        "--max-length",
        type=int,
        default=80,
        metavar="CHARS",
        help=f"longest slug, 1 to {MAX_SLUG_CHARS}; whole words are kept (default: %(default)s)",
    )
    parser.add_argument("--keep-unicode", action="store_true", help="keep letters of every script, not only a to z")
    parser.set_defaults(run=run_slugify)


def add_hash_preview(commands):
    """Declare `hash_preview`."""
    parser = commands.add_parser(
        "hash_preview",
        help="show the beginning of a text's hash",
        description="Hash the UTF-8 bytes of a text and show the beginning of the digest.",
    )
    parser.add_argument("text", help="the text")
    parser.add_argument(
        "-a", "--algorithm", choices=ALGORITHMS, default="sha256", help="the hash function (default: %(default)s)"
    )
    parser.add_argument(
        "-l", "--length", type=int, default=12, metavar="CHARS", help="characters to show (default: %(default)s)"
    )
    parser.add_argument(
        "--encoding", choices=["hex", "base64"], default="hex", help="how the digest is written (default: %(default)s)"
    )
    parser.set_defaults(run=run_hash_preview)


def emit(result, status):
    """Print the result as one line of JSON in UTF-8, whatever the locale, and return the exit status."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(json.dumps(result, ensure_ascii=False))
    return status


def main(argv=None):
    """Run one command; returns the exit status."""
    args = build_parser().parse_args(argv)
    try:
        return emit(args.run(args), 0)
    except DemoTextError as error:
        return emit({"error": str(error)}, 1)


if __name__ == "__main__":
    sys.exit(main())
