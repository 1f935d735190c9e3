"""A bot, as a customer of Twilio has one: it keeps what it receives, and says nothing."""

import itertools
import threading
from collections import defaultdict
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from urllib.parse import parse_qsl, urlsplit


@dataclass
class Received:
    """One request to the bot."""

    method: str
    url: str
    headers: dict
    body: str

    @property
    def path(self):
        """Without the part that is the test's own."""
        return "/" + urlsplit(self.url).path.partition("/")[2].partition("/")[2]

    @property
    def query(self):
        return parse_qsl(urlsplit(self.url).query, keep_blank_values=True)

    @property
    def form(self):
        return parse_qsl(self.body, keep_blank_values=True)

    @property
    def signature(self):
        return self.headers["X-Twilio-Signature"]


class Bot:
    """A bot for the whole run. Each test has a URL of its own, so that what comes late is not another's."""

    def __init__(self):
        self.inboxes = defaultdict(Queue)
        self.answers = defaultdict(lambda: 204)
        self.numbers = itertools.count()
        bot = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                url = f"{bot.url}{self.path}"
                name = urlsplit(self.path).path.split("/")[1]
                # Kept before it is answered, so that what is tried again comes after it.
                bot.inboxes[name].put(Received(self.command, url, dict(self.headers), body))
                self.send_response(bot.answers[name])
                self.end_headers()

            do_GET = do_POST = answer

            def log_message(self, *arguments):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def door(self):
        return Door(self, str(next(self.numbers)))

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


class Door:
    """The bot, as one test sees it."""

    def __init__(self, bot, name):
        self.bot, self.name = bot, name
        self.url = f"{bot.url}/{name}"
        self.inbox = bot.inboxes[name]

    def answer(self, status):
        """What the bot says to this test from now on."""
        self.bot.answers[self.name] = status

    def take(self, count=1):
        """The next requests, by path. Each has to come within ten seconds."""
        return sorted((self.inbox.get(timeout=10) for _ in range(count)), key=lambda received: received.path)

    def take_one(self):
        return self.take()[0]
