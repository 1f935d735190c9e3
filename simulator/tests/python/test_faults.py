"""What goes wrong on the way, as Twilio's library sees it, and what became of the request all the same."""

import json
from dataclasses import dataclass

import pytest
from requests import exceptions
from twilio.base.exceptions import TwilioException, TwilioRestException
from world import CONVERSATION, FLOW, until, variants

OTHER = "AC00000000000000000000000000000009"
STUDIO = {"target": "studio", "configuration_flow_sid": FLOW}
PATIENCE = 0.25
LONG_MS = 600


@dataclass
class Case:
    """A fault, what the library raises for it, and how many webhooks there are in the end."""

    fault: dict
    raised: object
    made: int


def rest(status, code, text):
    """The library understood the answer: a refusal in Twilio's words."""
    return (status, code, f"Unable to create record: {text}")


def both(fault, raised):
    """A fault before and after the request is carried out. The library sees the same."""
    return [Case(fault | {"commit": commit}, raised, int(commit)) for commit in (False, True)]


def garbled(reply, raised):
    return both({"type": "garbled", "reply": reply}, raised)


BUSY = rest(429, 20429, "Too Many Requests")
REDIRECTS = (301, 302, 303, 307, 308)
PROBLEM = {
    "status": 418,
    "contentType": "application/json",
    "body": '{"code": 1, "message": "no", "details": {"a": 1}}',
}

CASES = [
    Case({"type": "tooManyRequests"}, BUSY, 0),
    Case({"type": "tooManyRequests", "retryAfter": 7}, BUSY, 0),
    Case({"type": "tooManyRequests", "code": 50074}, rest(429, 50074, "Too Many Requests"), 0),
    *both({"type": "error", "status": 500}, rest(500, 20500, "Internal Server Error")),
    *both({"type": "error", "status": 503}, rest(503, 20500, "Service Unavailable")),
    *both({"type": "error", "status": 409, "code": 20409}, rest(409, 20409, "Conflict")),
    *both({"type": "error", "status": 401, "code": 20003}, rest(401, 20003, "Authenticate")),
    *both({"type": "reset"}, exceptions.ConnectionError),
    *both({"type": "close"}, exceptions.ConnectionError),
    *both({"type": "hang"}, exceptions.ReadTimeout),
    Case({"type": "delay", "beforeMs": 20, "afterMs": 20}, None, 1),
    Case({"type": "delay", "beforeMs": LONG_MS}, exceptions.ReadTimeout, 1),
    Case({"type": "delay", "afterMs": LONG_MS}, exceptions.ReadTimeout, 1),
    Case({"type": "lateCommit", "afterMs": 50, "connection": "reset"}, exceptions.ConnectionError, 1),
    Case({"type": "lateCommit", "afterMs": 50, "connection": "close"}, exceptions.ConnectionError, 1),
    Case({"type": "lateCommit", "afterMs": LONG_MS, "connection": "hang"}, exceptions.ReadTimeout, 1),
    *garbled("notJson", json.JSONDecodeError),
    *garbled("html", json.JSONDecodeError),
    *garbled({"huge": {"bytes": 200_000}}, json.JSONDecodeError),
    Case({"type": "garbled", "reply": "truncated"}, exceptions.ChunkedEncodingError, 1),
    Case({"type": "garbled", "reply": {"otherAccount": {"account": OTHER}}}, None, 1),
    *(
        case
        for status in REDIRECTS
        for case in garbled(
            {"redirect": {"status": status, "location": "/v1/Conversations"}},
            (status, status, "Unable to create record"),
        )
    ),
    *garbled({"custom": PROBLEM}, rest(418, 1, "no")),
]


def arm(simulator, fault, operation, **rule):
    simulator.control("POST", "/faults", {"operation": operation, "count": 1, "fault": fault} | rule)


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case.fault))
def test_a_create_that_meets_a_fault(simulator, case):
    # Only who is to give up is in a hurry.
    hurry = {"timeout": PATIENCE} if case.raised is exceptions.ReadTimeout else {}
    webhooks = simulator.client(**hurry).conversations.v1.conversations(CONVERSATION).webhooks
    arm(simulator, case.fault, "create")
    if case.raised is None:
        webhooks.create(**STUDIO)
    elif isinstance(case.raised, tuple):
        with pytest.raises(TwilioRestException) as raised:
            webhooks.create(**STUDIO)
        error = raised.value
        assert (error.status, error.code, error.msg) == case.raised
    else:
        with pytest.raises(case.raised):
            webhooks.create(**STUDIO)

    def done():
        [request] = [entry for entry in simulator.journal() if entry["operation"] == "create"]
        return request["committed"], len(simulator.control("GET", "/ledger?alive=true")["webhooks"])

    assert until(done, lambda seen: seen == (case.made == 1, case.made))
    # The fault has struck once, and is over.
    webhooks = simulator.client().conversations.v1.conversations(CONVERSATION).webhooks
    assert len(webhooks.list()) == case.made
    webhooks.create(**STUDIO)
    assert len(webhooks.list()) == case.made + 1


def test_every_fault_is_met():
    faults = [case.fault for case in CASES]
    replies = [fault["reply"] for fault in faults if "reply" in fault]

    def camel(names):
        return {name[0].lower() + name[1:] for name in names}

    lists_only = {"staleList"}
    assert {fault["type"] for fault in faults} | lists_only == camel(variants("fault/kind.rs", "Fault"))
    names = {reply if isinstance(reply, str) else next(iter(reply)) for reply in replies}
    assert names | {"endlessPages"} == camel(variants("fault/kind.rs", "Garble"))
    silences = {fault["connection"] for fault in faults if "connection" in fault}
    assert silences == camel(variants("fault/kind.rs", "Silence"))


@pytest.mark.parametrize("fault, header", [({}, None), ({"retryAfter": 7}, "7"), ({"retryAfter": 0}, "0")])
def test_a_busy_twilio_says_when_to_come_back_only_where_it_is_to(simulator, fault, header):
    answers = []
    hooks = {"response": lambda response, *_, **__: answers.append(response)}
    client = simulator.client(request_hooks=hooks)
    arm(simulator, {"type": "tooManyRequests"} | fault, "configurationFetch")
    with pytest.raises(TwilioRestException) as busy:
        client.conversations.v1.configuration().fetch()
    assert (busy.value.status, busy.value.code) == (429, 20429)
    assert [answer.headers.get("Retry-After") for answer in answers] == [header]


# Of each operation on a webhook: what does it, the library's word for it, and whether it is seen to be done.
OPERATIONS = {
    "fetch": (lambda webhook: webhook.fetch(), "fetch", lambda records: len(records) == 1),
    "update": (
        lambda webhook: webhook.update(configuration_filters=["onMessageRemoved"]),
        "update",
        lambda records: records[0]["configuration"]["filters"] == ["onMessageRemoved"],
    ),
    "delete": (lambda webhook: webhook.delete(), "delete", lambda records: records[0]["deleted"] is not None),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("commit", [False, True])
def test_another_operation_that_is_answered_with_an_error_is_done_or_not(default, operation, commit):
    call, verb, is_done = OPERATIONS[operation]
    webhook = default.conversation.webhooks.create(**STUDIO)
    arm(default.simulator, {"type": "error", "status": 500, "commit": commit}, operation)
    with pytest.raises(TwilioRestException) as failed:
        call(webhook)
    assert failed.value.msg == f"Unable to {verb} record: Internal Server Error"
    request = default.simulator.journal()[-1]
    changes = operation != "fetch"
    assert (request["status"], request["committed"]) == (500, commit and changes)
    assert is_done(default.simulator.control("GET", "/ledger")["webhooks"]) is (commit or not changes)


def test_a_delete_that_is_done_twice_finds_nothing_the_second_time(default):
    webhook = default.conversation.webhooks.create(**STUDIO)
    arm(default.simulator, {"type": "reset", "commit": True}, "delete")
    with pytest.raises(exceptions.ConnectionError):
        webhook.delete()
    with pytest.raises(TwilioRestException) as missing:
        webhook.delete()
    assert missing.value.code == 20404


@pytest.mark.parametrize("family", [None], ids=["default service"], indirect=True)
@pytest.mark.parametrize(
    "fault, raised",
    [
        ({"type": "error", "status": 503}, TwilioException),
        ({"type": "tooManyRequests"}, TwilioException),
        ({"type": "reset"}, exceptions.ConnectionError),
        ({"type": "garbled", "reply": "html"}, json.JSONDecodeError),
        ({"type": "garbled", "reply": "truncated"}, exceptions.ChunkedEncodingError),
        ({"type": "garbled", "reply": {"redirect": {"status": 307, "location": "/"}}}, TwilioException),
    ],
)
def test_a_list_that_meets_a_fault_on_its_second_page_is_no_shorter_list(family, fault, raised):
    for _ in range(3):
        family.conversation.webhooks.create(**STUDIO)
    arm(family.simulator, fault, "list", skip=1)
    with pytest.raises(raised):
        family.conversation.webhooks.list(page_size=2)
    assert len(family.conversation.webhooks.list(page_size=2)) == 3


def test_a_list_may_lag_behind_what_a_fetch_shows(default):
    created = default.conversation.webhooks.create(**STUDIO)
    arm(default.simulator, {"type": "staleList", "lagMs": 60_000}, "list")
    assert default.conversation.webhooks.list() == []
    assert created.fetch().sid == created.sid
    assert [webhook.sid for webhook in default.conversation.webhooks.list()] == [created.sid]


def test_a_list_without_an_end_always_has_one_more_page(default):
    created = default.conversation.webhooks.create(**STUDIO)
    arm(default.simulator, {"type": "garbled", "reply": "endlessPages"}, "list", count=None)
    pages = [default.conversation.webhooks.page()]
    for _ in range(12):
        pages.append(pages[-1].next_page())
    assert [[webhook.sid for webhook in page] for page in pages] == [[created.sid]] + [[]] * 12


def test_an_answer_may_name_another_account(default):
    created = default.conversation.webhooks.create(**STUDIO)
    arm(default.simulator, {"type": "garbled", "reply": {"otherAccount": {"account": OTHER}}}, "fetch")
    assert (created.fetch().account_sid, created.fetch().account_sid) == (OTHER, created.account_sid)


def test_a_fault_strikes_whom_it_is_meant_for(default):
    rule = {"conversation": CONVERSATION, "skip": 1, "count": 2}
    arm(default.simulator, {"type": "error", "status": 500}, None, **rule)
    elsewhere = default.conversations.create()

    def statuses(conversation):
        found = []
        for _ in range(4):
            try:
                conversation.fetch()
                found.append(200)
            except TwilioRestException as error:
                found.append(error.status)
        return found

    assert statuses(elsewhere) == [200] * 4
    assert statuses(default.conversation) == [200, 500, 500, 200]
