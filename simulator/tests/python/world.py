"""The world that every test begins with, the simulator that it is in, and the two families of paths to it."""

import re
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path

from requests import Session
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

ACCOUNT = "AC00000000000000000000000000000001"
TOKEN = "auth-token"
KEY = "SK00000000000000000000000000000001"
SECRET = "key-secret"
SERVICE = "IS00000000000000000000000000000002"
CONVERSATION = "CH00000000000000000000000000000001"
IN_SERVICE = "CH00000000000000000000000000000002"
FLOW = "FW00000000000000000000000000000001"
URL = "https://bots.example.com/tenant-a"
NO_ONE = "00000000000000000000000000000009"

SEED = {
    "accounts": [
        {
            "sid": ACCOUNT,
            "authToken": TOKEN,
            "keys": [{"sid": KEY, "secret": SECRET}],
            "services": [SERVICE],
            "flows": [FLOW],
            "conversations": [
                {"sid": CONVERSATION, "uniqueName": "tenant-a"},
                {"sid": IN_SERVICE, "uniqueName": "tenant-a", "service": SERVICE},
            ],
        }
    ]
}

SOURCE = Path(__file__).parents[2] / "src"


class Simulator:
    """The program, and its control API."""

    def __init__(self, url):
        self.url = url
        self.session = Session()

    def control(self, method, path, body=None):
        answer = self.session.request(method, f"{self.url}/_simulator{path}", json=body, timeout=20)
        assert answer.ok, answer.text
        return answer.json() if answer.content else None

    def client(self, user=ACCOUNT, password=TOKEN, account=ACCOUNT, **http):
        http_client = TwilioHttpClient(**{"timeout": 20} | http)
        client = Client(user, password, account_sid=account, http_client=http_client)
        client.conversations.base_url = self.url
        return client

    def switch(self, **settings):
        self.control("PUT", "/settings", settings)

    def journal(self):
        return self.control("GET", "/journal")["requests"]

    def violations(self):
        return self.control("GET", "/violations")["violations"]

    def deliveries(self):
        """Every attempt of a delivery so far, once none is under way."""
        return until(lambda: self.control("GET", "/deliveries"), lambda record: record["pending"] == 0)[
            "deliveries"
        ]


class Family:
    """One conversation, and what Twilio's library reaches around it, on one of the two families of paths."""

    def __init__(self, simulator, service=None):
        self.simulator, self.service = simulator, service
        self.client = simulator.client()
        self.v1 = self.client.conversations.v1
        self.sid = IN_SERVICE if service else CONVERSATION
        self.conversations = self.v1.services(service).conversations if service else self.v1.conversations
        self.conversation = self.conversations(self.sid)
        root = f"{simulator.url}/v1"
        self.collection = f"{root}/Services/{service}/Conversations" if service else f"{root}/Conversations"
        self.url = f"{self.collection}/{self.sid}"
        # What the library shows of all below the conversation. The short paths do not say the service.
        self.owner = {"account_sid": ACCOUNT, "conversation_sid": self.sid}
        if service:
            self.owner["chat_service_sid"] = service


def until(look, good, within=10):
    """What is seen as soon as it is good; an error when it is not in time."""
    deadline = time.monotonic() + within
    while not good(seen := look()):
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.01)
    return seen


def shown(resource):
    """Everything that the library shows of a resource, without the dates."""
    fields = vars(resource).items()
    return {name: value for name, value in fields if not name.startswith(("_", "date_"))}


def is_dated(resource):
    """Whether the resource has the dates of something made in this test, as the library reads them."""
    created, updated, now = resource.date_created, resource.date_updated, datetime.now(timezone.utc)
    return now - timedelta(minutes=1) < created <= updated <= now and created.microsecond == 0


def moment(text):
    """A date as Twilio writes it."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def variants(file, name):
    """The variants of a public enum of the simulator's source."""
    source = (SOURCE / file).read_text()
    body = re.search(rf"pub(?:\(crate\))? enum {name} \{{\n(.*?)\n\}}", source, re.DOTALL)[1]
    return set(re.findall(r"^    (\w+)(?: \{|\(.*\))?(?:,|$)", body, re.MULTILINE))
