"""What a refusal is here, and the ways to meet one that the tables have in common."""

from collections.abc import Callable
from dataclasses import dataclass

from world import CONVERSATION, FLOW, NO_ONE, URL

EVENTS = {"configuration_filters": ["onMessageAdded"]}
KEYWORDS = {"configuration_url": URL, "configuration_triggers": ["help"]}
SOME_FLOW = {"configuration_flow_sid": FLOW}
ABROAD = "AC00000000000000000000000000000002"


@dataclass
class Case:
    """A refusal of the simulator, what a client does to meet it, and what the library shows."""

    refusal: str
    call: Callable
    status: int
    code: int
    text: str
    before: Callable = lambda family: None
    switches: tuple = ()


def create(**parameters):
    """Creates a scoped webhook."""
    return lambda family: family.conversation.webhooks.create(**parameters)


def hook(**configuration):
    """Creates one of target `webhook` that is whole but for this."""
    parameters = {"configuration_url": URL} | EVENTS | configuration
    return create(target="webhook", **parameters)


def control(method, path, body=None):
    return lambda family: family.simulator.control(method, path.format(sid=family.sid), body)


def update(**parameters):
    return lambda family: family.conversation.update(**parameters)


def as_account(sid):
    def call(family):
        client = family.simulator.client(sid, "other-token", account=sid)
        return client.conversations.v1.configuration().fetch()

    return call


def with_key(**key):
    """What a key of less than all rights meets."""

    def call(family):
        key_seed = {"sid": "SK00000000000000000000000000000002", "secret": "s"} | key
        family.simulator.control("POST", f"/accounts/{family.client.account_sid}/keys", key_seed)
        client = family.simulator.client(key_seed["sid"], "s")
        return client.conversations.v1.conversations(CONVERSATION).webhooks.create(
            target="studio", **SOME_FLOW
        )

    return call


def parent(name, *path):
    """Fetches something that is not there."""

    def call(family):
        below = family.conversations(name)
        for collection, sid in path:
            below = getattr(below, collection)(sid)
        return below.fetch()

    return call


def receipt_of_nothing(family):
    message = family.conversation.messages.create()
    return family.conversation.messages(message.sid).delivery_receipts("DY" + NO_ONE).fetch()


def twice(call):
    return lambda family: (call(family), call(family))


def raw(method, path):
    """A request that the library has no name for."""
    return lambda family: family.v1.fetch(method, path)


NOT_FOUND = "The requested resource {path} was not found"
CLOSED = "Conversation is in its final closed state"
STUDIO = {"target": "studio", "configuration_flow_sid": FLOW}
SLOWLY = control("POST", "/conversations/{sid}/delete-slowly", {"forMs": 60_000})
CLOSE = control("PUT", "/conversations/{sid}/state", {"state": "closed"})
INITIALIZING = control("PUT", "/conversations/{sid}/state", {"state": "initializing"})
FULL = control("POST", "/conversations/{sid}/fill-slots")
SPECIFIC = (("notFoundCode", "specific"),)
MEMBER = {"messaging_binding_address": "+1555", "messaging_binding_proxy_address": "+1501"}


def suspend(status):
    return lambda family: family.simulator.control(
        "PUT", f"/accounts/{family.client.account_sid}/status", {"status": status}
    )


def move_to(region):
    """Another account, which is in that region."""
    account = {
        "sid": ABROAD,
        "authToken": "other-token",
        "region": region,
        "conversations": [{"uniqueName": "b"}],
    }
    return lambda family: family.simulator.control("POST", "/accounts", account)


def studio_in_ireland(family):
    client = family.simulator.client(ABROAD, "other-token", account=ABROAD)
    return client.conversations.v1.conversations("b").webhooks.create(**STUDIO)


def invalid(call, name):
    return Case("InvalidParameter", call, 400, 20001, f"Parameter '{name}' is not valid")


def participant(**parameters):
    return lambda family: family.conversation.participants.create(**parameters)


def in_two_conversations(family):
    """One pair of addresses leads to one conversation."""
    for conversation in (family.sid, family.conversations.create().sid):
        family.conversations(conversation).participants.create(**MEMBER)
