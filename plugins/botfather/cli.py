#!/usr/bin/env python3
"""A client of the Telegram Bot API on the command line.

Every command prints one JSON object. On failure the object is {"error": "..."} and the exit status is 1. The bot's
token comes from the environment and is never printed.
"""

import argparse
import json
import os
import re
import stat
import sys

import telegram

VERSION = "1.0.0"

PARSE_MODES = ["MarkdownV2", "HTML", "Markdown"]
SCOPES = [
    "default",
    "all_private_chats",
    "all_group_chats",
    "all_chat_administrators",
    "chat",
    "chat_administrators",
    "chat_member",
]
COMMAND_NAME = re.compile(r"[a-z0-9_]{1,32}")
MAX_COMMANDS = 100
MAX_DESCRIPTION_CHARS = 256
# The API closes a longer poll by itself; beyond this a caller should ask again.
MAX_POLL_SECONDS = 300
MAX_TIMEOUT_SECONDS = 600
MAX_RETRIES = 10

EPILOG = """\
environment:
  TELEGRAM_BOT_TOKEN       the bot's token from @BotFather (required)
  TELEGRAM_API_BASE        address of the API server (default: https://api.telegram.org)
  TELEGRAM_FILES_DIR       only files below this directory may be uploaded (default: any file)
  TELEGRAM_WEBHOOK_SECRET  secret that Telegram sends along with each webhook request (for set-webhook)

On failure the object is {"error": "..."} and the exit status is 1.
"""


# --- messages -------------------------------------------------------------------------------------


def run_get_me(bot, _args):
    """Who the bot is."""
    return {"bot": bot.call("getMe")}


def run_send_message(bot, args):
    """Send a text."""
    parameters = message_parameters(args)
    parameters["text"] = args.text
    if args.no_link_preview:
        parameters["link_preview_options"] = {"is_disabled": True}
    return {"message": bot.call("sendMessage", parameters)}


def run_send_photo(bot, args):
    """Send a picture, shown in the chat."""
    return send_file(bot, args, "sendPhoto", "photo")


def run_send_document(bot, args):
    """Send a file as it is."""
    return send_file(bot, args, "sendDocument", "document")


def send_file(bot, args, method, field):
    """Send what --file, --url or --file-id names; a local file is uploaded."""
    parameters = message_parameters(args)
    parameters["caption"] = args.caption
    upload = None
    if args.file is not None:
        upload = telegram.Upload(field, os.path.basename(args.file), read_upload(args.file))
    else:
        parameters[field] = args.url or args.file_id
    return {"message": bot.call(method, parameters, upload)}


def message_parameters(args):
    """What all messages have in common, in the API's own names."""
    reply = {"message_id": args.reply_to} if args.reply_to is not None else None
    buttons = [[parse_button(item)] for item in args.button]
    return {
        "chat_id": args.chat_id,
        "message_thread_id": args.thread_id,
        "parse_mode": args.parse_mode,
        "disable_notification": args.disable_notification or None,
        "protect_content": args.protect_content or None,
        "reply_parameters": reply,
        "reply_markup": {"inline_keyboard": buttons} if buttons else None,
    }


def parse_button(text):
    """Split TEXT=URL; the first equals sign that an address follows divides the two."""
    match = re.fullmatch(r"(.+?)=((?:https?|tg)://\S+)", text, re.DOTALL)
    if not match:
        raise telegram.TelegramError(f"--button '{text}' is not of the form TEXT=URL with an http, https or tg address")
    return {"text": match.group(1), "url": match.group(2)}


def read_upload(path):
    """The bytes of a local file, if it may be sent and is not too large."""
    resolved = os.path.realpath(os.path.expanduser(path))
    allowed = os.environ.get("TELEGRAM_FILES_DIR")
    if allowed:
        directory = os.path.realpath(os.path.expanduser(allowed))
        if os.path.commonpath([directory, resolved]) != directory:
            raise telegram.TelegramError(f"--file '{path}' is outside of TELEGRAM_FILES_DIR ({allowed})")
    try:
        # Not blocking: opening a pipe that nobody writes to would wait for ever.
        descriptor = os.open(resolved, os.O_RDONLY | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise telegram.TelegramError(f"--file '{path}' is not a regular file")
            data = file.read(telegram.MAX_UPLOAD_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise telegram.TelegramError(f"--file '{path}' cannot be read: {reason}") from error
    if not data:
        raise telegram.TelegramError(f"--file '{path}' is empty; the API accepts no empty files")
    if len(data) > telegram.MAX_UPLOAD_BYTES:
        raise telegram.TelegramError(f"--file '{path}' is larger than {telegram.MAX_UPLOAD_BYTES} bytes, the API's limit")
    return data


# --- updates and webhooks -------------------------------------------------------------------------


def run_get_updates(bot, args):
    """Fetch what was sent to the bot; says the offset that confirms these updates."""
    check_range("--limit", args.limit, 1, 100)
    check_range("--poll-seconds", args.poll_seconds, 0, MAX_POLL_SECONDS)
    parameters = {
        "offset": args.offset,
        "limit": args.limit,
        "timeout": args.poll_seconds,
        "allowed_updates": args.allowed_updates,
    }
    updates = bot.call("getUpdates", parameters, extra_time=args.poll_seconds)
    identifiers = [update["update_id"] for update in updates]
    next_offset = max(identifiers) + 1 if identifiers else args.offset
    return {"count": len(updates), "next_offset": next_offset, "updates": updates}


def run_webhook_info(bot, _args):
    """Where Telegram sends the bot's updates, and how that goes."""
    return {"webhook": bot.call("getWebhookInfo")}


def run_set_webhook(bot, args):
    """Have updates sent to an address."""
    check_range("--max-connections", args.max_connections, 1, 100)
    if not args.url.startswith("https://"):
        raise telegram.TelegramError(f"--url '{args.url}' is not an https:// address; delete-webhook removes a webhook")
    parameters = {
        "url": args.url,
        "ip_address": args.ip_address,
        "max_connections": args.max_connections,
        "allowed_updates": args.allowed_updates,
        "drop_pending_updates": args.drop_pending_updates or None,
        "secret_token": os.environ.get("TELEGRAM_WEBHOOK_SECRET") or None,
    }
    secret = parameters["secret_token"] is not None
    return {"set": bot.call("setWebhook", parameters), "url": args.url, "with_secret": secret}


def run_delete_webhook(bot, args):
    """Go back to get-updates."""
    parameters = {"drop_pending_updates": args.drop_pending_updates or None}
    return {"deleted": bot.call("deleteWebhook", parameters)}


# --- the bot's menu of commands -------------------------------------------------------------------


def run_set_commands(bot, args):
    """Replace the menu of commands."""
    commands = [parse_command(item) for item in args.commands]
    if len(commands) > MAX_COMMANDS:
        raise telegram.TelegramError(f"{len(commands)} commands were given; the API takes at most {MAX_COMMANDS}")
    parameters = {**scope_parameters(args), "commands": commands}
    return {"set": bot.call("setMyCommands", parameters), "commands": commands}


def run_get_commands(bot, args):
    """Read the menu of commands."""
    return {"commands": bot.call("getMyCommands", scope_parameters(args))}


def run_delete_commands(bot, args):
    """Remove the menu of commands; the next wider scope's menu shows instead."""
    return {"deleted": bot.call("deleteMyCommands", scope_parameters(args))}


def parse_command(text):
    """Split NAME=DESCRIPTION and check both against the API's rules."""
    name, separator, description = text.partition("=")
    name = name.lstrip("/")
    if not separator or not COMMAND_NAME.fullmatch(name):
        raise telegram.TelegramError(
            f"'{text}' is not of the form NAME=DESCRIPTION with a name of 1 to 32 small letters, digits and underscores"
        )
    if not 1 <= len(description) <= MAX_DESCRIPTION_CHARS:
        raise telegram.TelegramError(f"command '{name}' needs a description of 1 to {MAX_DESCRIPTION_CHARS} characters")
    return {"command": name, "description": description}


def scope_parameters(args):
    """The API's scope object and language; says which options a scope needs."""
    scope = {"type": args.scope}
    wanted = {"chat_id": args.scope.startswith("chat"), "user_id": args.scope == "chat_member"}
    for name, needed in wanted.items():
        value = getattr(args, "scope_" + name)
        flag = "--scope-" + name.replace("_", "-")
        if needed and value is None:
            raise telegram.TelegramError(f"--scope {args.scope} needs {flag}")
        if not needed and value is not None:
            raise telegram.TelegramError(f"--scope {args.scope} does not go with {flag}")
        if needed:
            scope[name] = value
    return {"scope": scope, "language_code": args.language_code}


# --- command line ---------------------------------------------------------------------------------


def check_range(name, value, low, high):
    """Refuse a number outside low..high; an option that was not given is fine."""
    if value is not None and not low <= value <= high:
        raise telegram.TelegramError(f"{name} must be from {low} to {high}, not {value}")


def connection_options():
    """Options of every command."""
    parser = argparse.ArgumentParser(add_help=False)
    group = parser.add_argument_group("connection")
    group.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="longest time for one request (default: %(default)s)"
    )
    group.add_argument(
        "--retries",
        type=int,
        default=0,
        metavar="N",
        help=f"how often to try again when Telegram asks to slow down, 0 to {MAX_RETRIES} (default: %(default)s)",
    )
    group.add_argument(
        "--max-wait",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="longest time to wait for retries in all (default: %(default)s)",
    )
    return parser


def message_options():
    """Options of everything that sends a message."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--chat-id", required=True, metavar="CHAT", help="where to send: a chat's number, or @name of a public channel or group"
    )
    parser.add_argument("--parse-mode", choices=PARSE_MODES, help="how formatting is written (default: plain text)")
    parser.add_argument("--reply-to", type=int, metavar="MESSAGE_ID", help="answer this message of the same chat")
    parser.add_argument("--thread-id", type=int, metavar="THREAD_ID", help="topic of a forum group to send to")
    parser.add_argument("--disable-notification", action="store_true", help="send silently")
    parser.add_argument("--protect-content", action="store_true", help="forbid forwarding and saving")
    parser.add_argument(
        "--button", action="append", default=[], metavar="TEXT=URL", help="add a button below that opens an address; repeatable"
    )
    return parser


def file_options(what):
    """Options of send-photo and send-document."""
    parser = argparse.ArgumentParser(add_help=False)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--file", metavar="PATH", help=f"upload this {what} from this machine; best an absolute path")
    source.add_argument("--url", help=f"have Telegram fetch the {what} from this address")
    source.add_argument("--file-id", metavar="ID", help=f"send a {what} again that Telegram already has")
    parser.add_argument("--caption", metavar="TEXT", help="text below, at most 1024 characters")
    return parser


def scope_options():
    """Options of the commands about the bot's menu."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--scope", choices=SCOPES, default="default", help="whose menu (default: %(default)s)")
    parser.add_argument("--scope-chat-id", metavar="CHAT", help="the chat, for the scopes that begin with chat")
    parser.add_argument("--scope-user-id", type=int, metavar="USER", help="the user, for the scope chat_member")
    parser.add_argument("--language-code", metavar="CODE", help="two-letter language that the menu is for (default: every one)")
    return parser


def build_parser():
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="botfather",
        description="Send and receive messages as a Telegram bot. Every command prints one JSON object.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {VERSION}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    connection = connection_options()

    def add(name, run, text, *parents):
        command = commands.add_parser(
            name, help=text[0].lower() + text[1:].rstrip("."), description=text, parents=[*parents, connection]
        )
        command.set_defaults(run=run)
        return command

    add("get-me", run_get_me, "Say who the bot is; a good first test of the token.")
    add_sending(add)
    add_receiving(add)
    add_menu(add)
    return parser


def add_sending(add):
    """Declare the commands that send."""
    common = message_options()
    command = add("send-message", run_send_message, "Send a text to a chat.", common)
    command.add_argument("--text", required=True, help="the text, at most 4096 characters")
    command.add_argument("--no-link-preview", action="store_true", help="show no preview of addresses in the text")
    add("send-photo", run_send_photo, "Send a picture to a chat, at most 10 MB.", common, file_options("picture"))
    add("send-document", run_send_document, "Send a file to a chat, at most 50 MB.", common, file_options("file"))


def add_receiving(add):
    """Declare the commands about updates."""
    command = add("get-updates", run_get_updates, "Fetch messages and other updates that were sent to the bot.")
    command.add_argument(
        "--offset", type=int, metavar="UPDATE_ID", help="first update to fetch; confirms all before it, which are then gone"
    )
    command.add_argument("--limit", type=int, default=100, help="at most so many updates, 1 to 100 (default: %(default)s)")
    command.add_argument(
        "--poll-seconds",
        type=int,
        default=0,
        metavar="SECONDS",
        help=f"wait so long for a first update, 0 to {MAX_POLL_SECONDS} (default: %(default)s)",
    )
    add_allowed_updates(command)
    add("webhook-info", run_webhook_info, "Say where Telegram sends the bot's updates, and how that goes.")
    command = add("set-webhook", run_set_webhook, "Have Telegram send the bot's updates to an address.")
    command.add_argument("--url", required=True, help="the https:// address that takes the updates")
    command.add_argument("--ip-address", metavar="ADDRESS", help="fixed address to use instead of looking the name up")
    command.add_argument("--max-connections", type=int, metavar="N", help="at most so many requests at once, 1 to 100")
    command.add_argument("--drop-pending-updates", action="store_true", help="forget updates that wait")
    add_allowed_updates(command)
    command = add("delete-webhook", run_delete_webhook, "Remove the webhook, so that get-updates works again.")
    command.add_argument("--drop-pending-updates", action="store_true", help="forget updates that wait")


def add_allowed_updates(command):
    """Declare --allowed-updates."""
    command.add_argument(
        "--allowed-updates",
        nargs="+",
        metavar="TYPE",
        help="kinds of updates wanted from now on, such as message or callback_query (default: as set before)",
    )


def add_menu(add):
    """Declare the commands about the bot's menu."""
    scope = scope_options()
    command = add("set-commands", run_set_commands, "Replace the menu of commands that Telegram shows for the bot.", scope)
    command.add_argument("commands", nargs="+", help="the commands, each NAME=DESCRIPTION, such as 'start=Begin here'")
    add("get-commands", run_get_commands, "Read the menu of commands.", scope)
    add("delete-commands", run_delete_commands, "Remove the menu of commands.", scope)


def make_bot(args):
    """The bot that the environment and the connection options describe."""
    check_range("--timeout", args.timeout, 0.1, MAX_TIMEOUT_SECONDS)
    check_range("--retries", args.retries, 0, MAX_RETRIES)
    check_range("--max-wait", args.max_wait, 0, MAX_TIMEOUT_SECONDS)
    token = os.environ.get("TELEGRAM_BOT_TOKEN", "").strip()
    if not token:
        raise telegram.TelegramError("TELEGRAM_BOT_TOKEN is not set; set it to the token that @BotFather gave you")
    base = os.environ.get("TELEGRAM_API_BASE") or telegram.DEFAULT_BASE
    return telegram.Bot(token, base, args.timeout, args.retries, args.max_wait)


def emit(result, status, scrub=str):
    """Print the result as one line of JSON in UTF-8, without the token, and return the exit status."""
    sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    print(scrub(json.dumps(result, ensure_ascii=False)))
    return status


def main(argv=None):
    """Run one command; returns the exit status."""
    args = build_parser().parse_args(argv)
    scrub = str
    try:
        bot = make_bot(args)
        scrub = bot.scrub
        return emit(args.run(bot, args), 0, scrub)
    except telegram.TelegramError as error:
        return emit({"error": str(error), **error.details}, 1, scrub)


if __name__ == "__main__":
    sys.exit(main())
