"""Deliveries: what a bot is told, and that Twilio's validator accepts it as it came and in no other form."""

import pytest
from events import EVENTS, Scene
from judge import MOMENT, check_dates, check_headers, check_signature, told
from twilio.request_validator import RequestValidator
from world import FLOW, KEY, SECRET, TOKEN, variants


def attach(scene, bot, method, events, levels=("conversation", "service", "account")):
    """One webhook for these events at each level, each with a path of its own."""
    v1 = scene.family.v1
    url = f"{bot.url}/{{}}?tenant=a%20b"
    if "conversation" in levels:
        scene.conversation.webhooks.create(
            target="webhook",
            configuration_url=url.format("conversation"),
            configuration_method=method,
            configuration_filters=events,
        )
    wide = {"method": method.upper(), "filters": events}
    if "service" in levels:
        webhook = v1.services(scene.service).configuration.webhooks()
        webhook.update(post_webhook_url=url.format("service"), **wide)
    if "account" in levels:
        v1.configuration.webhooks().update(post_webhook_url=url.format("account"), **wide)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.cause.__name__)
@pytest.mark.parametrize("method", ["post", "get"])
def test_every_event_reaches_the_webhooks_of_every_level_signed(family, bot, event, method):
    scene = Scene(family)
    levels = ["account", "conversation", "service"] if event.scoped else ["account", "service"]
    attach(scene, bot, method, [event.name], levels)
    own = event.cause(scene)
    shown = {name: own.pop(name) for name in ("DateCreated", "DateUpdated", "StateUpdated") if name in own}

    requests = bot.take(len(levels))
    assert [received.path for received in requests] == [f"/{level}" for level in levels]
    for received in requests:
        assert received.method == method.upper()
        fields = told(received)
        dates = {name: fields.pop(name) for name in event.dates}
        assert fields == {"EventType": event.name} | scene.about | own
        check_dates(dates, shown)
        check_headers(received)
        check_signature(received)
    tokens = {received.headers["I-Twilio-Idempotency-Token"] for received in requests}
    assert len(tokens) == len(requests)
    assert [delivery["outcome"] for delivery in family.simulator.deliveries()] == [{"answered": 204}] * len(
        levels
    )


def test_every_event_is_caused():
    types = variants("delivery/event.rs", "EventType")
    assert {event.name for event in EVENTS} == {f"on{name}" for name in types}


@pytest.mark.parametrize("fires", [None, "false"])
@pytest.mark.parametrize(
    "event", [event for event in EVENTS if event.by_rest], ids=lambda event: event.cause.__name__
)
def test_a_change_by_rest_that_does_not_ask_for_it_fires_nothing(default, bot, event, fires):
    scene = Scene(default, fires)
    events = sorted({event.name for event in EVENTS if event.scoped})
    attach(scene, bot, "post", events, ["conversation"])
    attach(scene, bot, "post", events + ["onConversationAdded"], ["service", "account"])
    event.cause(scene)
    assert default.simulator.deliveries() == []


def test_twilios_library_does_not_send_the_header_of_a_delete(default, bot):
    # When this fails, the library has learnt it, and `events.delete` can go.
    scene = Scene(default)
    attach(scene, bot, "post", ["onMessageRemoved"], ["conversation"])
    scene.message.delete(**scene.fires)
    assert default.simulator.deliveries() == []


def trigger(conversation, bot, method, *keywords):
    url = f"{bot.url}/trigger?tenant=a"
    return conversation.webhooks.create(
        target="trigger", configuration_url=url, configuration_method=method, configuration_triggers=keywords
    )


@pytest.mark.parametrize("method", ["post", "get"])
def test_a_trigger_hears_of_messages_with_a_keyword_and_of_nothing_else(family, bot, method):
    scene = Scene(family)
    trigger(scene.conversation, bot, method, "help me", "é")
    bodies = ["nothing", "please HELP ME now", "help", "caf\u00c9"]
    made = [scene.conversation.messages.create(author="ana", body=body, **scene.fires) for body in bodies]
    scene.message.update(body="help me", **scene.fires)
    scene.conversation.update(friendly_name="help me", **scene.fires)

    requests = bot.take(2)
    heard = {told(received)["MessageSid"]: told(received)["Body"] for received in requests}
    assert heard == {made[1].sid: bodies[1], made[3].sid: bodies[3]}
    assert {told(received)["EventType"] for received in requests} == {"onMessageAdded"}
    for received in requests:
        check_headers(received)
        check_signature(received)
    assert len(family.simulator.deliveries()) == 2


def test_a_studio_flow_is_started_and_nothing_is_sent(default, bot):
    scene = Scene(default)
    scene.conversation.webhooks.create(target="studio", configuration_flow_sid=FLOW)
    message = scene.conversation.messages.create(body="hello", **scene.fires)
    [delivery] = default.simulator.deliveries()
    assert (delivery["destination"], delivery["outcome"]) == ({"to": "studio", "flowSid": FLOW}, "executed")
    assert delivery["message"] == message.sid


@pytest.mark.parametrize("method", ["post", "get"])
@pytest.mark.parametrize("target", ["webhook", "trigger"])
def test_a_replay_says_what_was_said_before_signed(family, bot, target, method):
    scene = Scene(family)
    attach(scene, bot, method, ["onMessageAdded"], ["conversation"])
    originals = {}
    for number in range(1, 4):
        scene.conversation.messages.create(author="ana", body=f"help {number} é", **scene.fires)
        received = bot.take_one()
        originals[told(received)["Index"]] = received

    own = {"webhook": {"filters": ["onMessageAdded"]}, "trigger": {"triggers": ["help"]}}[target]
    configuration = own | {"url": f"{bot.url}/late?tenant=b", "method": method, "replay_after": 2}
    scene.conversation.webhooks.create(
        target=target, **{f"configuration_{name}": value for name, value in configuration.items()}
    )
    replayed = bot.take(2)
    assert {told(received)["Index"] for received in replayed} == {"2", "3"}
    for received in replayed:
        original = originals[told(received)["Index"]]
        assert told(received) == told(original)
        assert (received.path, received.method) == ("/late", method.upper())
        tokens = {request.headers["I-Twilio-Idempotency-Token"] for request in (received, original)}
        assert len(tokens) == 2
        check_headers(received)
        check_signature(received)
    assert [delivery["replay"] for delivery in family.simulator.deliveries()] == [False] * 3 + [True] * 2


def test_a_replay_needs_no_permission_and_comes_once(default, bot):
    scene = Scene(default)
    webhook = default.conversation.webhooks.create(
        target="webhook",
        configuration_url=f"{bot.url}/late",
        configuration_filters=["onMessageAdded"],
        configuration_replay_after=0,
    )
    assert told(bot.take_one())["MessageSid"] == scene.message.sid
    webhook.update(configuration_url=f"{bot.url}/later")
    assert len(default.simulator.deliveries()) == 1


def test_timers_say_so_themselves(family, bot):
    scene = Scene(family)
    attach(scene, bot, "post", ["onConversationStateUpdated"])
    scene.conversation.update(timers_inactive="PT1M", timers_closed="PT10M")
    states = ["active", "inactive", "closed"]
    for seconds, before, after in zip((61, 600), states, states[1:]):
        family.simulator.control("POST", "/clock/advance", {"byMs": seconds * 1000})
        requests = bot.take(3)
        assert [received.path for received in requests] == ["/account", "/conversation", "/service"]
        for received in requests:
            fields = told(received)
            assert MOMENT.fullmatch(fields.pop("StateUpdated"))
            own = {"StateFrom": before, "StateTo": after, "Reason": "TIMER"}
            assert fields == {"EventType": "onConversationStateUpdated"} | scene.about | own
            check_signature(received)


def test_a_message_that_wakes_the_conversation_is_an_event_of_its_state(default, bot):
    scene = Scene(default)
    scene.conversation.update(state="inactive")
    attach(scene, bot, "post", ["onConversationStateUpdated"], ["conversation"])
    scene.conversation.messages.create(body="hello", **scene.fires)
    fields = told(bot.take_one())
    assert (fields["StateFrom"], fields["StateTo"], fields["Reason"]) == ("inactive", "active", "EVENT")


def test_what_a_participant_says_from_its_client_fires_and_names_its_identity(default, bot):
    scene = Scene(default)
    attach(scene, bot, "post", ["onMessageAdded"], ["conversation"])
    said = {"author": "ana", "body": "hello"}
    sid = default.simulator.control("POST", f"/conversations/{default.sid}/messages", said)["sid"]
    received = bot.take_one()
    fields = told(received)
    names = ("MessageSid", "Source", "ClientIdentity", "ParticipantSid")
    assert [fields[name] for name in names] == [sid, "SDK", "ana", scene.participant.sid]
    check_signature(received)


@pytest.mark.parametrize("status", ["sent", "delivered", "read", "failed", "undelivered"])
def test_every_status_of_a_delivery_is_told(default, bot, status):
    scene = Scene(default)
    attach(scene, bot, "post", ["onDeliveryUpdated"], ["conversation"])
    report = {"participant": scene.member.sid, "status": status}
    path = f"/conversations/{default.sid}/messages/{scene.message.sid}/receipts"
    default.simulator.control("POST", path, report)
    fields = told(bot.take_one())
    assert (fields["Status"], fields["ErrorCode"]) == (status, "0")


@pytest.mark.parametrize(
    "path", ["", "/", "/a%20b/%C3%A9", "/hook?a=%20+b&a=c&empty=", "/hook#part", "/h?x#y"]
)
@pytest.mark.parametrize("method", ["post", "get"])
def test_a_url_of_any_form_is_signed_as_it_is_called(default, bot, method, path):
    scene = Scene(default)
    scene.conversation.webhooks.create(
        target="webhook",
        configuration_url=f"{bot.url}{path}",
        configuration_method=method,
        configuration_filters=["onMessageAdded"],
    )
    scene.conversation.messages.create(body="a+b c&d=e", **scene.fires)
    received = bot.take_one()
    base = f"{bot.url}{path}".split("#")[0]
    assert received.url.startswith(base)
    assert method == "get" or received.url == base
    validator = RequestValidator(TOKEN)
    assert validator.validate(received.url, dict(received.form), received.signature)
    assert not validator.validate(f"{received.url}x", dict(received.form), received.signature)
    fields = dict(received.form if method == "post" else received.query)
    assert fields["Body"] == "a+b c&d=e"


def test_the_auth_token_signs_whoever_makes_the_change_and_a_new_one_at_once(default, bot):
    client = default.simulator.client(KEY, SECRET)
    conversation = client.conversations.v1.conversations(default.sid)
    conversation.webhooks.create(
        target="webhook", configuration_url=f"{bot.url}/hook", configuration_filters=["onMessageAdded"]
    )
    conversation.messages.create(body="hello", x_twilio_webhook_enabled="true")
    check_signature(bot.take_one(), TOKEN)
    path = f"/accounts/{default.client.account_sid}/auth-token"
    default.simulator.control("PUT", path, {"authToken": "another-token"})
    conversation.messages.create(body="hello", x_twilio_webhook_enabled="true")
    check_signature(bot.take_one(), "another-token")


@pytest.mark.parametrize("method", ["post", "get"])
def test_what_the_bot_says_is_ignored_unless_a_switch_has_failures_tried_again(default, bot, method):
    scene = Scene(default)
    attach(scene, bot, method, ["onMessageAdded"], ["conversation"])
    bot.answer(500)
    scene.conversation.messages.create(body="hello", **scene.fires)
    assert told(bot.take_one())["RetryCount"] == "0"
    assert [delivery["outcome"] for delivery in default.simulator.deliveries()] == [{"answered": 500}]

    default.simulator.switch(deliveryRetries=2)
    scene.conversation.messages.create(body="hello", **scene.fires)
    attempts = [bot.take_one() for _ in range(3)]
    assert [told(received)["RetryCount"] for received in attempts] == ["0", "1", "2"]
    assert len({told(received)["MessageSid"] for received in attempts}) == 1
    assert len({received.headers["I-Twilio-Idempotency-Token"] for received in attempts}) == 1
    for received in attempts:
        check_signature(received)
    assert len(default.simulator.deliveries()) == 4


def test_no_host_but_this_machine_is_called(default):
    scene = Scene(default)
    scene.conversation.webhooks.create(
        target="webhook",
        configuration_url="http://bots.example.com/hook",
        configuration_filters=["onMessageAdded"],
    )
    scene.conversation.messages.create(body="hello", **scene.fires)
    [delivery] = default.simulator.deliveries()
    assert delivery["outcome"] == {"failed": "hostNotAllowed"}
