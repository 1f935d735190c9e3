"""A simulator program and a bot, one of each per test, on ports of their own."""

import json
import os
import subprocess
import threading
import urllib.request
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue

import pytest
from twilio.rest import Client

ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "auth-token"
KEY = "SK00000000000000000000000000000001"
SECRET = "key-secret"
SERVICE = "IS00000000000000000000000000000002"
CONVERSATION = "CH00000000000000000000000000000001"
IN_SERVICE = "CH00000000000000000000000000000002"
FLOW = "FW00000000000000000000000000000001"

SEED = {
    "accounts": [
        {
            "sid": ACCOUNT,
            "authToken": TOKEN,
            "keys": [{"sid": KEY, "secret": SECRET}],
            "services": [SERVICE],
            "conversations": [
                {"sid": CONVERSATION, "uniqueName": "tenant-a"},
                {"sid": IN_SERVICE, "service": SERVICE},
            ],
        }
    ]
}


class Simulator:
    """The program, and its control API."""

    def __init__(self, url):
        self.url = url

    def control(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_simulator{path}", data=data, method=method)
        request.add_header("Content-Type", "application/json")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request) as response:
            text = response.read()
        return json.loads(text) if text else None

    def client(self, user=ACCOUNT, password=TOKEN):
        client = Client(user, password, account_sid=ACCOUNT)
        client.conversations.base_url = self.url
        return client


@pytest.fixture
def simulator():
    process = subprocess.Popen([os.environ["SIMULATOR_BIN"]], stdout=subprocess.PIPE, text=True)
    try:
        simulator = Simulator(process.stdout.readline().strip())
        simulator.control("POST", "/seed", SEED)
        yield simulator
    finally:
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.fixture
def client(simulator):
    return simulator.client()


@dataclass
class Received:
    method: str
    path: str
    headers: dict
    body: str


@pytest.fixture
def bot():
    """A bot's URL, and the queue of the requests that it received."""
    inbox = Queue()

    class Handler(BaseHTTPRequestHandler):
        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
            self.send_response(204)
            self.end_headers()
            inbox.put(Received(self.command, self.path, dict(self.headers), body))

        do_GET = do_POST = answer

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", inbox
    finally:
        server.shutdown()
        server.server_close()
