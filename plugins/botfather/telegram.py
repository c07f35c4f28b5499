"""One call of the Telegram Bot API: parameters and files in, the API's `result` out, or a TelegramError.

Knows HTTP and the API's envelope; knows nothing of the command line or of single methods. The bot's token is part
of every address, so whatever leaves this module goes through `scrub` first.
"""

import collections
import contextlib
import http.client
import json
import re
import signal
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

DEFAULT_BASE = "https://api.telegram.org"
TOKEN_FORM = re.compile(r"[0-9]+:[A-Za-z0-9_-]{20,}")

# A full page of 100 updates is far smaller; an endless answer stops here.
MAX_ANSWER_BYTES = 16 * 1024 * 1024
# What the API itself accepts in one upload.
MAX_UPLOAD_BYTES = 50 * 1024 * 1024
# How much of an answer that is no JSON is quoted in the error.
QUOTED_CHARS = 200

# What to do about an answer, by its code and the beginning of its description.
HINTS = (
    (401, "", "check TELEGRAM_BOT_TOKEN: the API does not know this token"),
    (404, "", "check TELEGRAM_BOT_TOKEN and TELEGRAM_API_BASE: the API answers so to a malformed token"),
    (403, "", "the bot may write only to people who started it and to chats that it is a member of"),
    (409, "Conflict: can't use getUpdates method while webhook", "run delete-webhook first"),
    (409, "", "another program is reading this bot's updates; stop it first"),
    (413, "", "the file is larger than the API accepts"),
    (400, "Bad Request: chat not found", "check the chat id; a person has to start the bot before it can write"),
    (400, "Bad Request: can't parse entities", "escape the special characters of the parse mode, or leave it out"),
)

Upload = collections.namedtuple("Upload", "field filename data")


class TelegramError(Exception):
    """A call that did not succeed. `details` holds what a program may want: error_code, retry_after."""

    def __init__(self, message, **details):
        super().__init__(message)
        self.details = details


class OutOfTime(Exception):
    """The whole call took longer than it may."""


class RefuseRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token to another host, so it is an error."""

    def redirect_request(self, *_args):
        return None


@contextlib.contextmanager
def deadline(seconds):
    """Bound a block of work as a whole: a socket's own time-out starts anew with every byte that arrives."""

    def expire(_signal, _frame):
        raise OutOfTime

    previous = signal.signal(signal.SIGALRM, expire)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


class Bot:
    """One bot at one API server.

    timeout: seconds that one request may take. retries: how often a refusal with `retry_after` is tried again;
    max_wait: seconds that may be spent waiting for that in all.
    """

    def __init__(self, token, base=DEFAULT_BASE, timeout=30.0, retries=0, max_wait=30.0):
        if not TOKEN_FORM.fullmatch(token):
            raise TelegramError(
                "TELEGRAM_BOT_TOKEN is not a bot token: it is digits, a colon and a long secret; copy it from @BotFather again"
            )
        if urllib.parse.urlsplit(base).scheme not in ("http", "https"):
            raise TelegramError("TELEGRAM_API_BASE is not an http:// or https:// address")
        self.token = token
        self.base = base.rstrip("/")
        self.timeout = timeout
        self.retries = retries
        self.max_wait = max_wait
        self.opener = urllib.request.build_opener(RefuseRedirects)

    def scrub(self, text):
        """Replace the token, whole or its secret half, plain or percent-encoded, wherever it stands in the text."""
        for secret in (self.token, self.token.replace(":", "%3A"), self.token.partition(":")[2]):
            text = text.replace(secret, "<token>")
        return text

    def call(self, method, parameters=None, upload=None, extra_time=0.0):
        """Call a method and return its result; a refusal that says when to come back is tried again within bounds.

        Parameters that are None are left out. extra_time: seconds that the server may hold the request on purpose.
        """
        given = {name: value for name, value in (parameters or {}).items() if value is not None}
        patience = self.max_wait
        for attempt in range(self.retries + 1):
            try:
                return self.attempt(method, given, upload, self.timeout + extra_time)
            except TelegramError as error:
                wait = error.details.get("retry_after")
                if wait is None or wait > patience or attempt == self.retries:
                    raise
                patience -= wait
                time.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    def attempt(self, method, parameters, upload, seconds):
        """One request and its answer."""
        body, content_type = encode(parameters, upload)
        request = urllib.request.Request(
            f"{self.base}/bot{self.token}/{method}",
            data=body,
            headers={"Content-Type": content_type, "Accept": "application/json", "User-Agent": "botfather/1"},
            method="POST",
        )
        status, answer = self.exchange(method, request, seconds)
        return self.unwrap(method, status, answer)

    def exchange(self, method, request, seconds):
        """Send the request; returns the HTTP status and the bytes of the answer, whatever the status."""
        host = urllib.parse.urlsplit(self.base).netloc.rpartition("@")[2]
        try:
            with deadline(seconds):
                with self.opener.open(request, timeout=seconds) as response:
                    return response.status, response.read(MAX_ANSWER_BYTES + 1)
        except urllib.error.HTTPError as error:
            return error.code, self.read_refusal(error)
        except (OutOfTime, socket.timeout) as error:
            raise self.too_slow(method, host, seconds) from error
        except urllib.error.URLError as error:
            if isinstance(error.reason, socket.timeout):
                raise self.too_slow(method, host, seconds) from error
            reason = self.scrub(str(error.reason))
            raise TelegramError(f"{method}: {host} cannot be reached: {reason}; check the network and TELEGRAM_API_BASE") from error
        except (http.client.HTTPException, OSError, ValueError) as error:
            reason = self.scrub(str(error)) or type(error).__name__
            raise TelegramError(f"{method}: the connection to {host} failed: {reason}; try again") from error

    def read_refusal(self, error):
        """The body of an answer with an error status; none where it does not arrive."""
        try:
            with error, deadline(self.timeout):
                return error.read(MAX_ANSWER_BYTES + 1)
        except (OutOfTime, http.client.HTTPException, OSError):
            return b""

    @staticmethod
    def too_slow(method, host, seconds):
        """The error for an answer that did not come in time."""
        return TelegramError(
            f"{method}: no complete answer from {host} within {seconds:g} s; it may have been carried out all the same; "
            "raise --timeout if the connection is slow"
        )

    def unwrap(self, method, status, answer):
        """Take the result out of the API's envelope, or raise what it says instead."""
        if len(answer) > MAX_ANSWER_BYTES:
            raise TelegramError(f"{method}: the answer is larger than {MAX_ANSWER_BYTES} bytes")
        try:
            envelope = json.loads(answer.decode("utf-8"))
        except ValueError:
            envelope = None
        if not isinstance(envelope, dict) or not isinstance(envelope.get("ok"), bool):
            quoted = self.scrub(answer[:QUOTED_CHARS].decode("utf-8", "replace")).strip()
            raise TelegramError(
                f"{method}: the server answered HTTP {status} with something that is no Bot API answer: {quoted!r}; "
                "check TELEGRAM_API_BASE"
            )
        if envelope["ok"]:
            return envelope.get("result")
        raise self.refusal(method, envelope, status)

    def refusal(self, method, envelope, status):
        """The error for an envelope with ok: false."""
        code = envelope.get("error_code", status)
        description = self.scrub(str(envelope.get("description", "no reason given")))
        details = {"error_code": code}
        parameters = envelope.get("parameters")
        parameters = parameters if isinstance(parameters, dict) else {}
        hint = next((text for number, start, text in HINTS if code == number and description.startswith(start)), "")
        if isinstance(parameters.get("retry_after"), (int, float)):
            details["retry_after"] = max(parameters["retry_after"], 0)
            hint = f"try again in {details['retry_after']} s, or raise --retries and --max-wait"
        if isinstance(parameters.get("migrate_to_chat_id"), int):
            details["migrate_to_chat_id"] = parameters["migrate_to_chat_id"]
            hint = f"the group is now chat {details['migrate_to_chat_id']}"
        return TelegramError(f"{method}: {description} (error {code})" + (f"; {hint}" if hint else ""), **details)


def encode(parameters, upload):
    """The request's body and content type: JSON, or multipart where a file goes along."""
    if upload is None:
        return json.dumps(parameters).encode("utf-8"), "application/json"
    return encode_multipart(parameters, upload, uuid.uuid4().hex)


def encode_multipart(parameters, upload, boundary):
    """multipart/form-data as RFC 7578 has it; values that are no strings are sent as JSON."""
    parts = []
    for name, value in parameters.items():
        text = value if isinstance(value, str) else json.dumps(value)
        parts += [part_head(boundary, name), text.encode("utf-8"), b"\r\n"]
    parts += [part_head(boundary, upload.field, upload.filename), upload.data, b"\r\n"]
    parts.append(f"--{boundary}--\r\n".encode("ascii"))
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def part_head(boundary, name, filename=None):
    """The lines before a part's content. A name's quotes and line ends are escaped as browsers do it."""
    disposition = f'form-data; name="{name}"'
    content_type = ""
    if filename is not None:
        safe = filename.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
        disposition += f'; filename="{safe}"'
        content_type = "Content-Type: application/octet-stream\r\n"
    head = f"--{boundary}\r\nContent-Disposition: {disposition}\r\n{content_type}\r\n"
    return head.encode("utf-8", "surrogateescape")
