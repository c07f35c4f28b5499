"""botfather against a Bot API server that this test runs on 127.0.0.1."""

import os
import socket
import tempfile
import time
import unittest

import fake_telegram
import support
from fake_telegram import TOKEN, Refused


class BotCase(support.PluginCase, unittest.TestCase):
    plugin = "botfather"

    def setUp(self):
        self.server = fake_telegram.FakeTelegram()
        self.server.start()
        self.addCleanup(self.server.stop)

    def settings(self, changes):
        return {"TELEGRAM_BOT_TOKEN": TOKEN, "TELEGRAM_API_BASE": self.server.base, **changes}

    def success(self, *words, **changes):
        return super().success(*words, **self.settings(changes))

    def failure(self, *words, **changes):
        error = super().failure(*words, **self.settings(changes))
        self.assertNotIn(TOKEN.partition(":")[2], error)
        return error

    def last_call(self):
        return self.server.calls[-1]


class Messages(BotCase):
    def test_get_me(self):
        self.assertEqual(self.success("get-me"), {"bot": fake_telegram.BOT})

    def test_a_plain_message_sends_nothing_but_what_was_given(self):
        result = self.success("send-message", "--chat-id=-1001", "--text=-x & \"naïve\" 🙂\n2")
        self.assertEqual(result["message"]["text"], "-x & \"naïve\" 🙂\n2")
        self.assertEqual(
            self.last_call(), ("sendMessage", {"chat_id": "-1001", "text": "-x & \"naïve\" 🙂\n2"}, {})
        )

    def test_every_option_of_a_message(self):
        self.success(
            "send-message", "--chat-id", "@channel", "--text", "<b>x</b>", "--parse-mode", "HTML", "--reply-to", 5,
            "--thread-id", 6, "--disable-notification", "--protect-content", "--no-link-preview",
            "--button", "a=b=https://example.org/?x=1", "--button", "c=tg://user?id=1",
        )
        self.assertEqual(
            self.last_call()[1],
            {
                "chat_id": "@channel",
                "text": "<b>x</b>",
                "parse_mode": "HTML",
                "reply_parameters": {"message_id": 5},
                "message_thread_id": 6,
                "disable_notification": True,
                "protect_content": True,
                "link_preview_options": {"is_disabled": True},
                "reply_markup": {
                    "inline_keyboard": [
                        [{"text": "a=b", "url": "https://example.org/?x=1"}],
                        [{"text": "c", "url": "tg://user?id=1"}],
                    ]
                },
            },
        )

    def test_what_the_api_refuses_comes_with_a_hint(self):
        cases = [
            (["--chat-id=-100404", "--text", "x"], "start the bot"),
            (["--chat-id=-7", "--text", "x"], "-1007"),
            (["--chat-id=1", "--text", ""], "message text is empty"),
            (["--chat-id=1", "--text", "a < b", "--parse-mode", "HTML"], "escape"),
            (["--chat-id=1", "--text", "x", "--button", "nonsense"], "TEXT=URL"),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.assertIn(expected, self.failure("send-message", *words))


class Files(BotCase):
    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def write(self, name, data):
        path = os.path.join(self.directory, name)
        with open(path, "wb") as file:
            file.write(data)
        return path

    def test_uploads_arrive_byte_for_byte(self):
        data = bytes(range(256)) * 300 + b"\r\n--x\r\n\r\n"
        for command, method, field in [("send-photo", "sendPhoto", "photo"), ("send-document", "sendDocument", "document")]:
            with self.subTest(command=command):
                path = self.write("bild ü.png", data)
                self.success(command, "--chat-id", 1, "--file", path, "--caption", "naïve", "--reply-to", 3)
                self.assertEqual(
                    self.last_call(),
                    (
                        method,
                        {"chat_id": "1", "caption": "naïve", "reply_parameters": '{"message_id": 3}'},
                        {field: ("bild ü.png", data)},
                    ),
                )

    def test_a_file_name_cannot_break_out_of_its_header(self):
        path = self.write('a"; name="chat_id', b"x")
        self.success("send-document", "--chat-id", 1, "--file", path)
        self.assertEqual(self.last_call()[1], {"chat_id": "1"})
        self.assertEqual(self.last_call()[2], {"document": ("a%22; name=%22chat_id", b"x")})

    def test_addresses_and_identifiers_are_passed_on(self):
        for words, expected in [(["--url", "https://example.org/a.png"], "https://example.org/a.png"), (["--file-id=-A"], "-A")]:
            with self.subTest(words=words):
                self.success("send-photo", "--chat-id", 1, *words)
                self.assertEqual(self.last_call(), ("sendPhoto", {"chat_id": "1", "photo": expected}, {}))

    def test_files_that_cannot_be_sent(self):
        os.mkfifo(os.path.join(self.directory, "pipe"))
        large = self.write("large", b"")
        os.truncate(large, 50 * 1024 * 1024 + 1)
        cases = [
            (os.path.join(self.directory, "absent"), "No such file"),
            (self.directory, "irectory"),
            (os.path.join(self.directory, "pipe"), "not a regular file"),
            (self.write("empty", b""), "is empty"),
            (large, "larger than"),
        ]
        for path, expected in cases:
            with self.subTest(path=path):
                self.assertIn(expected, self.failure("send-document", "--chat-id", 1, "--file", path))
        self.assertEqual(self.server.calls, [])

    def test_uploads_can_be_confined_to_a_directory(self):
        outside = self.write("outside", b"x")
        allowed = os.path.join(self.directory, "allowed")
        os.mkdir(allowed)
        inside = self.write("allowed/inside", b"x")
        link = os.path.join(allowed, "link")
        os.symlink(outside, link)
        self.success("send-document", "--chat-id", 1, "--file", inside, TELEGRAM_FILES_DIR=allowed)
        for path in (outside, link, os.path.join(allowed, "..", "outside")):
            with self.subTest(path=path):
                error = self.failure("send-document", "--chat-id", 1, "--file", path, TELEGRAM_FILES_DIR=allowed)
                self.assertIn("TELEGRAM_FILES_DIR", error)

    def test_exactly_one_source(self):
        for words in [[], ["--url", "https://example.org", "--file-id", "x"]]:
            with self.subTest(words=words):
                self.assertEqual(support.run(self.plugin, "send-photo", "--chat-id", 1, *words).status, 2)


class Updates(BotCase):
    def test_pages_and_confirmation(self):
        self.server.updates = [{"update_id": number, "message": {"text": str(number)}} for number in (7, 8, 9)]
        first = self.success("get-updates", "--limit", 2)
        self.assertEqual(([item["update_id"] for item in first["updates"]], first["next_offset"]), ([7, 8], 9))
        second = self.success("get-updates", "--offset", 9, "--allowed-updates", "message", "callback_query")
        self.assertEqual((second["count"], second["next_offset"]), (1, 10))
        self.assertEqual(
            self.last_call()[1],
            {"offset": 9, "limit": 100, "timeout": 0, "allowed_updates": ["message", "callback_query"]},
        )
        self.assertEqual(self.success("get-updates", "--offset", 10)["next_offset"], 10)

    def test_a_long_poll_may_take_longer_than_a_request(self):
        started = time.monotonic()
        result = self.success("get-updates", "--poll-seconds", 2, "--timeout", 1)
        self.assertEqual((result["count"], result["next_offset"]), (0, None))
        self.assertGreaterEqual(time.monotonic() - started, 2)

    def test_refusals(self):
        self.assertIn("--limit", self.failure("get-updates", "--limit", 101))
        self.assertIn("--poll-seconds", self.failure("get-updates", "--poll-seconds", 301))
        self.server.webhook = "https://example.org/hook"
        self.assertIn("delete-webhook", self.failure("get-updates"))

    def test_webhook(self):
        url = "https://example.org/" + TOKEN
        result = self.success(
            "set-webhook", "--url", url, "--max-connections", 3, "--drop-pending-updates", TELEGRAM_WEBHOOK_SECRET="s3cret"
        )
        self.assertEqual(result, {"set": True, "url": "https://example.org/<token>", "with_secret": True})
        self.assertEqual(
            self.last_call()[1],
            {"url": url, "max_connections": 3, "drop_pending_updates": True, "secret_token": "s3cret"},
        )
        self.assertEqual(self.success("webhook-info")["webhook"]["url"], "https://example.org/<token>")
        self.assertEqual(self.success("delete-webhook"), {"deleted": True})
        self.assertEqual(self.success("webhook-info")["webhook"]["url"], "")
        self.assertIn("https://", self.failure("set-webhook", "--url", "http://example.org"))


class Menu(BotCase):
    def test_set_get_delete(self):
        expected = [{"command": "start", "description": "Begin = here"}, {"command": "help_me", "description": "Hilfe"}]
        self.assertEqual(self.success("get-commands"), {"commands": []})
        result = self.success("set-commands", "start=Begin = here", "/help_me=Hilfe", "--language-code", "de")
        self.assertEqual(result, {"set": True, "commands": expected})
        self.assertEqual(self.success("get-commands", "--language-code", "de"), {"commands": expected})
        self.assertEqual(self.success("get-commands"), {"commands": []})
        self.assertEqual(self.success("delete-commands", "--language-code", "de"), {"deleted": True})
        self.assertEqual(self.success("get-commands", "--language-code", "de"), {"commands": []})

    def test_scopes(self):
        cases = [
            ([], {"type": "default"}),
            (["--scope", "all_private_chats"], {"type": "all_private_chats"}),
            (["--scope", "chat", "--scope-chat-id=-5"], {"type": "chat", "chat_id": "-5"}),
            (
                ["--scope", "chat_member", "--scope-chat-id=-5", "--scope-user-id", "6"],
                {"type": "chat_member", "chat_id": "-5", "user_id": 6},
            ),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.success("get-commands", *words)
                self.assertEqual(self.last_call()[1], {"scope": expected})

    def test_refusals(self):
        cases = [
            (["set-commands", "Start=x"], "NAME=DESCRIPTION"),
            (["set-commands", "start"], "NAME=DESCRIPTION"),
            (["set-commands", "start="], "description"),
            (["set-commands", *[f"c{number}=x" for number in range(101)]], "at most 100"),
            (["get-commands", "--scope", "chat"], "--scope-chat-id"),
            (["get-commands", "--scope", "chat_member", "--scope-chat-id=1"], "--scope-user-id"),
            (["get-commands", "--scope-user-id", "1"], "does not go with"),
        ]
        for words, expected in cases:
            with self.subTest(words=words):
                self.assertIn(expected, self.failure(*words))
        self.assertEqual(self.server.calls, [])


class Trouble(BotCase):
    """Servers that refuse, stall, lie or are not there."""

    def test_token(self):
        cases = [
            ("", "@BotFather"),
            ("no-token", "not a bot token"),
            (TOKEN[:-1] + "X", "does not know this token"),
        ]
        for token, expected in cases:
            with self.subTest(token=token):
                error = self.failure("get-me", TELEGRAM_BOT_TOKEN=token)
                self.assertIn(expected, error)
                self.assertNotIn(token or TOKEN, error)

    def test_a_token_in_the_answer_is_not_repeated(self):
        for answer in (Refused(400, "Bad Request: /bot" + TOKEN), Refused(400, TOKEN.replace(":", "%3A") + TOKEN[10:])):
            self.server.script.append(lambda handler, answer=answer: handler.refuse(answer))
            self.assertIn("<token>", self.failure("get-me"))

    def test_flood_control_is_reported(self):
        self.server.script.append(lambda handler: handler.refuse(Refused(429, "Too Many Requests: retry after 3", retry_after=3)))
        outcome = support.run(self.plugin, "get-me", **self.settings({}))
        self.assertEqual((outcome.result["error_code"], outcome.result["retry_after"]), (429, 3))
        self.assertIn("--retries", outcome.result["error"])
        self.assertEqual(len(self.server.calls), 1)

    def test_flood_control_is_waited_for(self):
        flood = lambda handler: handler.refuse(Refused(429, "Too Many Requests: retry after 1", retry_after=1))
        self.server.script = [flood, flood]
        started = time.monotonic()
        self.success("get-me", "--retries", 2)
        self.assertGreaterEqual(time.monotonic() - started, 2)
        self.assertEqual(len(self.server.calls), 3)

    def test_waiting_is_bounded(self):
        flood = lambda handler: handler.refuse(Refused(429, "Too Many Requests: retry after 1", retry_after=1))
        for words, calls in [(["--retries", 1], 2), (["--retries", 5, "--max-wait", 1.5], 2), (["--retries", 5, "--max-wait", 0], 1)]:
            with self.subTest(words=words):
                self.server.calls.clear()
                self.server.script = [flood] * 6
                self.assertIn("Too Many Requests", self.failure("get-me", *words))
                self.assertEqual(len(self.server.calls), calls)

    def test_other_refusals_are_not_tried_again(self):
        self.server.script = [lambda handler: handler.refuse(Refused(500, "Internal Server Error"))]
        self.assertIn("error 500", self.failure("send-message", "--chat-id", 1, "--text", "x", "--retries", 3))
        self.assertEqual(len(self.server.calls), 1)

    def test_answers_that_are_no_bot_api_answers(self):
        cases = [
            (200, b"<html>hello</html>", "<html>"),
            (502, b"Bad Gateway", "HTTP 502"),
            (200, b"\xff\xfe", "HTTP 200"),
            (200, b"[]", "no Bot API answer"),
            (200, b'{"ok": "yes"}', "no Bot API answer"),
            (200, b"", "no Bot API answer"),
        ]
        for status, body, expected in cases:
            with self.subTest(body=body):
                self.server.script = [lambda handler: handler.reply(status, body)]
                self.assertIn(expected, self.failure("get-me"))

    def test_redirects_are_not_followed(self):
        other = fake_telegram.FakeTelegram()
        other.start()
        self.addCleanup(other.stop)
        location = [("Location", f"{other.base}/bot{TOKEN}/getMe")]
        for status in (301, 302, 307):
            with self.subTest(status=status):
                self.server.script = [lambda handler: handler.reply(status, b"", location)]
                self.assertIn(f"HTTP {status}", self.failure("get-me"))
        self.assertEqual(other.calls, [])

    def test_an_endless_answer_is_cut(self):
        self.server.script = [lambda handler: handler.reply(200, b" " * (17 * 1024 * 1024))]
        self.assertIn("larger than", self.failure("get-me"))

    def assert_too_slow(self, answer):
        self.server.script = [answer]
        started = time.monotonic()
        self.assertIn("within 1 s", self.failure("get-me", "--timeout", 1))
        self.assertLess(time.monotonic() - started, 10)

    def test_no_answer(self):
        self.assert_too_slow(lambda _handler: time.sleep(15))

    def test_an_answer_that_trickles(self):
        def trickle(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            for _ in range(100):
                try:
                    handler.wfile.write(b" ")
                except OSError:
                    break
                time.sleep(0.2)
            handler.close_connection = True

        self.assert_too_slow(trickle)

    def test_a_connection_that_breaks_off(self):
        def hang_up(handler):
            handler.close_connection = True

        def half(handler):
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b'{"ok": true')
            handler.close_connection = True

        for answer in (hang_up, half):
            with self.subTest(answer=answer.__name__):
                self.server.script = [answer]
                self.assertIn("getMe", self.failure("get-me"))

    def test_nobody_there(self):
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            base = f"http://127.0.0.1:{unused.getsockname()[1]}"
            self.assertIn("cannot be reached", self.failure("get-me", TELEGRAM_API_BASE=base))

    def test_bad_settings(self):
        cases = [
            (["get-me"], {"TELEGRAM_API_BASE": "ftp://example.org"}, "TELEGRAM_API_BASE"),
            (["get-me"], {"TELEGRAM_API_BASE": "http://127.0.0.1:x"}, "port"),
            (["get-me"], {"TELEGRAM_API_BASE": "http://127.0.0.1:9/a b"}, "<token>"),
            (["get-me", "--timeout", "0"], {}, "--timeout"),
            (["get-me", "--retries", "11"], {}, "--retries"),
            (["get-me", "--max-wait", "nan"], {}, "--max-wait"),
        ]
        for words, changes, expected in cases:
            with self.subTest(words=words, changes=changes):
                self.assertIn(expected, self.failure(*words, **changes))


if __name__ == "__main__":
    unittest.main()
