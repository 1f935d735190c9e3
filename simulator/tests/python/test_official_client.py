"""Twilio's own Python library, used as its documentation shows, against the simulator."""

from datetime import timezone
from urllib.parse import parse_qsl

import pytest
from conftest import ACCOUNT, CONVERSATION, FLOW, IN_SERVICE, KEY, SECRET, SERVICE, TOKEN
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.request_validator import RequestValidator

URL = "https://bots.example.com/tenant-a"


def families(client):
    """The same resource on both path families."""
    return [
        client.conversations.v1.conversations(CONVERSATION),
        client.conversations.v1.services(SERVICE).conversations(IN_SERVICE),
    ]


@pytest.mark.parametrize("family", [0, 1], ids=["default service", "service"])
def test_the_five_operations(client, family):
    conversation = families(client)[family]
    created = conversation.webhooks.create(
        target="webhook",
        configuration_url=URL,
        configuration_method="get",
        configuration_filters=["onMessageAdded", "onMessageRemoved"],
        configuration_replay_after=7,
    )
    assert (created.account_sid, created.target) == (ACCOUNT, "webhook")
    assert created.configuration == {
        "url": URL,
        "method": "get",
        "filters": ["onMessageAdded", "onMessageRemoved"],
    }
    assert created.date_created.tzinfo == timezone.utc
    assert getattr(created, "chat_service_sid", None) == (SERVICE if family else None)

    fetched = conversation.webhooks(created.sid).fetch()
    assert (fetched.sid, fetched.url) == (created.sid, created.url)

    updated = conversation.webhooks(created.sid).update(configuration_url=f"{URL}/b")
    assert updated.configuration["url"] == f"{URL}/b"
    assert updated.configuration["filters"] == ["onMessageAdded", "onMessageRemoved"]

    assert [webhook.sid for webhook in conversation.webhooks.list()] == [created.sid]
    assert conversation.webhooks(created.sid).delete() is True
    assert conversation.webhooks.list() == []


@pytest.mark.parametrize("family", [0, 1], ids=["default service", "service"])
def test_a_list_of_several_pages(client, family):
    conversation = families(client)[family]
    made = [
        conversation.webhooks.create(
            target="trigger", configuration_url=f"{URL}/{n}", configuration_triggers=["help", "agent"]
        ).sid
        for n in range(5)
    ]
    assert [webhook.sid for webhook in conversation.webhooks.list(page_size=3)] == made
    first = conversation.webhooks.page(page_size=2)
    second = first.next_page()
    assert [webhook.sid for webhook in second] == made[2:4]
    assert [webhook.sid for webhook in second.previous_page()] == made[:2]


def test_each_target(client):
    webhooks = client.conversations.v1.conversations(CONVERSATION).webhooks
    studio = webhooks.create(target="studio", configuration_flow_sid=FLOW)
    assert studio.configuration == {"flow_sid": FLOW}
    trigger = webhooks.create(target="trigger", configuration_url=URL, configuration_triggers=["help"])
    assert trigger.configuration == {"url": URL, "method": "post", "triggers": ["help"]}


def test_an_error_is_twilios(client):
    webhooks = client.conversations.v1.conversations(CONVERSATION).webhooks
    with pytest.raises(TwilioRestException) as refused:
        webhooks.create(target="webhook", configuration_url=URL)
    assert (refused.value.status, refused.value.code) == (400, 50370)
    for _ in range(5):
        webhooks.create(target="webhook", configuration_url=URL, configuration_filters=["onMessageAdded"])
    with pytest.raises(TwilioRestException) as refused:
        webhooks.create(target="webhook", configuration_url=URL, configuration_filters=["onMessageAdded"])
    assert (refused.value.status, refused.value.code) == (400, 50361)
    with pytest.raises(TwilioRestException) as missing:
        webhooks("WH00000000000000000000000000000009").fetch()
    assert (missing.value.status, missing.value.code) == (404, 20404)


def test_an_error_of_a_list_is_an_exception_without_a_code(simulator):
    stranger = simulator.client(password="wrong")
    with pytest.raises(TwilioException):
        stranger.conversations.v1.conversations(CONVERSATION).webhooks.list()


def test_an_api_key_works_like_the_token(simulator):
    client = simulator.client(KEY, SECRET)
    assert client.conversations.v1.configuration().fetch().account_sid == ACCOUNT


def test_conversations(client):
    conversations = client.conversations.v1.conversations
    assert conversations("tenant-a").fetch().sid == CONVERSATION
    created = conversations.create(unique_name="tenant b", friendly_name="B", attributes='{"a": 1}')
    fetched = conversations("tenant b").fetch()
    assert (fetched.sid, fetched.friendly_name, fetched.state) == (created.sid, "B", "active")
    assert created.delete() is True
    with pytest.raises(TwilioRestException) as missing:
        conversations(created.sid).fetch()
    assert missing.value.code == 20404


def test_an_injected_fault_is_seen_as_twilios(simulator, client):
    rule = {"operation": "fetch", "count": 1, "fault": {"type": "tooManyRequests"}}
    simulator.control("POST", "/faults", rule)
    webhook = client.conversations.v1.conversations(CONVERSATION).webhooks("WH00000000000000000000000000000009")
    with pytest.raises(TwilioRestException) as limited:
        webhook.fetch()
    assert (limited.value.status, limited.value.code) == (429, 20429)


@pytest.mark.parametrize("method", ["post", "get"])
def test_twilios_validator_accepts_a_delivery_and_no_altered_one(client, bot, method):
    url, inbox = bot
    conversation = client.conversations.v1.conversations(CONVERSATION)
    conversation.webhooks.create(
        target="webhook",
        configuration_url=f"{url}/hook?tenant=a",
        configuration_method=method,
        configuration_filters=["onMessageAdded"],
    )
    message = conversation.messages.create(author="ana", body="hello, é & =", x_twilio_webhook_enabled="true")
    assert message.index == 0

    received = inbox.get(timeout=10)
    query = received.path.split("?", 1)[1]
    fields = dict(parse_qsl(received.body if method == "post" else query, keep_blank_values=True))
    assert (received.method, fields["EventType"]) == (method.upper(), "onMessageAdded")
    assert (fields["MessageSid"], fields["Body"]) == (message.sid, "hello, é & =")

    signature = received.headers["X-Twilio-Signature"]
    signed_form = fields if method == "post" else {}
    validator = RequestValidator(TOKEN)
    assert validator.validate(url + received.path, signed_form, signature)
    assert not validator.validate(url + received.path + "&x=1", signed_form, signature)
    assert not validator.validate(url + received.path, {**signed_form, "Body": "other"}, signature)
    assert not RequestValidator("another-token").validate(url + received.path, signed_form, signature)
