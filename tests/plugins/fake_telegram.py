"""A Bot API server for tests: it keeps state, checks what it gets as strictly as the real one, and can misbehave.

It answers in the shapes of the public API: https://core.telegram.org/bots/api
"""

import email.parser
import email.policy
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
BOT = {"id": 110201543, "is_bot": True, "first_name": "Test", "username": "test_bot"}


class Refused(Exception):
    """An answer with ok: false."""

    def __init__(self, code, description, **parameters):
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


class FakeTelegram(ThreadingHTTPServer):
    """Listens on a free port of 127.0.0.1 from `start` to `stop`.

    calls: (method, parameters, files) of each request. script: functions of the handler that answer the next
    requests instead of the API; one is used up by each request.
    """

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls = []
        self.script = []
        self.updates = []
        self.commands = {}
        self.webhook = ""

    @property
    def base(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self):
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One request: decode it, answer it, wrap the answer in the API's envelope."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_args):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        prefix, _, method = self.path.rpartition("/")
        parameters, files = self.decode(body)
        self.server.calls.append((method, parameters, files))
        if self.server.script:
            self.server.script.pop(0)(self)
            return
        try:
            if prefix != "/bot" + TOKEN:
                raise Refused(401, "Unauthorized")
            answer = getattr(self, "api_" + method, None)
            if answer is None:
                raise Refused(404, "Not Found")
            self.reply(200, {"ok": True, "result": answer(parameters, files)})
        except Refused as refused:
            self.refuse(refused)

    def refuse(self, refused):
        envelope = {"ok": False, "error_code": refused.code, "description": refused.description}
        if refused.parameters:
            envelope["parameters"] = refused.parameters
        self.reply(refused.code, envelope)

    def reply(self, status, answer, headers=()):
        data = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        try:
            self.send_response(status)
            for name, value in headers:
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
        except OSError:
            self.close_connection = True  # The client did not wait.

    def decode(self, body):
        """Parameters as Python values, and files as {field: (filename, bytes)}."""
        content_type = self.headers["Content-Type"]
        if content_type == "application/json":
            return json.loads(body.decode()), {}
        head = b"Content-Type: " + content_type.encode() + b"\r\n\r\n"
        message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
        parameters, files = {}, {}
        for part in message.iter_parts():
            name = part.get_param("name", header="content-disposition")
            if part.get_filename() is None:
                parameters[name] = part.get_payload(decode=True).decode()
            else:
                files[name] = (part.get_filename(), part.get_payload(decode=True))
        return parameters, files

    # --- methods ---

    def api_getMe(self, _parameters, _files):
        return BOT

    def api_sendMessage(self, parameters, _files):
        if not parameters.get("text"):
            raise Refused(400, "Bad Request: message text is empty")
        if parameters.get("parse_mode") == "HTML" and parameters["text"].count("<") % 2:
            raise Refused(400, "Bad Request: can't parse entities: Can't find end tag")
        return self.message(parameters, text=parameters["text"])

    def api_sendPhoto(self, parameters, files):
        return self.message(parameters, photo=[{"file_id": self.file_id("photo", parameters, files)}])

    def api_sendDocument(self, parameters, files):
        return self.message(parameters, document={"file_id": self.file_id("document", parameters, files)})

    @staticmethod
    def file_id(field, parameters, files):
        if field in files:
            return "uploaded-" + files[field][0]
        if not parameters.get(field):
            raise Refused(400, f"Bad Request: there is no {field} in the request")
        return parameters[field]

    @staticmethod
    def message(parameters, **content):
        chat = str(parameters["chat_id"])
        if chat == "-100404":
            raise Refused(400, "Bad Request: chat not found")
        if chat == "-7":
            raise Refused(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-1007)
        return {"message_id": 41, "from": BOT, "chat": {"id": chat}, "date": 1700000000, **content}

    def api_getUpdates(self, parameters, _files):
        if self.server.webhook:
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook first")
        offset = parameters.get("offset", 0)
        self.server.updates = [update for update in self.server.updates if update["update_id"] >= offset]
        if not self.server.updates:
            time.sleep(parameters.get("timeout", 0))
        return self.server.updates[: parameters["limit"]]

    def api_setMyCommands(self, parameters, _files):
        self.server.commands[json.dumps([parameters["scope"], parameters.get("language_code")])] = parameters["commands"]
        return True

    def api_getMyCommands(self, parameters, _files):
        return self.server.commands.get(json.dumps([parameters["scope"], parameters.get("language_code")]), [])

    def api_deleteMyCommands(self, parameters, _files):
        self.server.commands.pop(json.dumps([parameters["scope"], parameters.get("language_code")]), None)
        return True

    def api_getWebhookInfo(self, _parameters, _files):
        return {"url": self.server.webhook, "has_custom_certificate": False, "pending_update_count": 0}

    def api_setWebhook(self, parameters, _files):
        self.server.webhook = parameters["url"]
        return True

    def api_deleteWebhook(self, _parameters, _files):
        self.server.webhook = ""
        return True
