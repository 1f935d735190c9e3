"""Conversations, as Twilio's library shows them."""

from datetime import datetime, timedelta, timezone

import pytest
from twilio.base.exceptions import TwilioRestException
from world import ACCOUNT, SERVICE, is_dated, moment, shown

MESSAGING_SERVICE = "MG00000000000000000000000000000007"


def expected(family, conversation, **fields):
    """All that the library shows of a conversation."""
    configuration = family.v1.configuration().fetch()
    url = f"{family.collection}/{conversation.sid}"
    names = {
        "participants": "Participants",
        "messages": "Messages",
        "webhooks": "Webhooks",
        "export": "Export",
    }
    plain = {
        "sid": conversation.sid,
        "account_sid": ACCOUNT,
        "chat_service_sid": family.service or configuration.default_chat_service_sid,
        "messaging_service_sid": configuration.default_messaging_service_sid,
        "friendly_name": None,
        "unique_name": None,
        "attributes": "{}",
        "state": "active",
        "timers": {},
        "bindings": {},
        "url": url,
        "links": {name: f"{url}/{segment}" for name, segment in names.items()},
    }
    return plain | fields


def test_a_conversation_from_its_creation_to_its_deletion(family):
    created = family.conversations.create()
    assert shown(created) == expected(family, created)
    assert created.sid.startswith("CH") and len(created.sid) == 34
    assert is_dated(created)
    assert shown(family.conversations(created.sid).fetch()) == shown(created)

    updated = created.update(friendly_name="B", unique_name="b", attributes='{"a": [1, "é"]}')
    changes = {"friendly_name": "B", "unique_name": "b", "attributes": '{"a": [1, "é"]}'}
    assert shown(updated) == expected(family, created, **changes)
    assert updated.date_created == created.date_created and is_dated(updated)
    assert shown(family.conversations("b").update(friendly_name="C")) == shown(updated) | {
        "friendly_name": "C"
    }
    assert family.conversations("b").update(unique_name="").unique_name is None

    assert created.delete() is True
    with pytest.raises(TwilioRestException) as missing:
        family.conversations(created.sid).fetch()
    assert missing.value.code == 20404


def test_everything_can_be_said_at_the_creation(family):
    day = datetime(2024, 2, 29, 12, 30, 45, tzinfo=timezone.utc)
    created = family.conversations.create(
        friendly_name="Support",
        unique_name="support é & co",
        attributes="[]",
        messaging_service_sid=MESSAGING_SERVICE,
        state="inactive",
        timers_closed="PT10M",
        date_created=day,
        date_updated=day + timedelta(days=1),
    )
    assert (created.date_created, created.date_updated) == (day, day + timedelta(days=1))
    fetched = family.conversations("support é & co").fetch()
    assert fetched.timers.keys() == {"date_closed"}
    assert shown(fetched) == expected(
        family,
        created,
        friendly_name="Support",
        unique_name="support é & co",
        attributes="[]",
        messaging_service_sid=MESSAGING_SERVICE,
        state="inactive",
        timers=fetched.timers,
    )


def test_the_list_holds_the_conversations_of_its_own_service(family):
    created = family.conversations.create(friendly_name="second")
    listed = family.conversations.list()
    assert [conversation.sid for conversation in listed] == [family.sid, created.sid]
    assert shown(listed[1]) == shown(created)


def test_timers_run_and_a_message_winds_them_up_again(family):
    conversation = family.conversations.create(timers_inactive="PT1M", timers_closed="PT10M")

    def timers(conversation):
        return {name: moment(date) for name, date in conversation.timers.items()}

    first = timers(conversation)
    assert first["date_closed"] - first["date_inactive"] == timedelta(minutes=9)

    family.simulator.control("POST", "/clock/advance", {"byMs": 61_000})
    quiet = conversation.fetch()
    assert (quiet.state, timers(quiet)) == ("inactive", {"date_closed": first["date_closed"]})

    family.conversations(conversation.sid).messages.create(body="hello")
    awake = conversation.fetch()
    assert awake.state == "active"
    assert timers(awake)["date_closed"] - first["date_closed"] >= timedelta(seconds=60)

    family.simulator.control("POST", "/clock/advance", {"byMs": 601_000})
    over = conversation.fetch()
    assert (over.state, over.timers) == ("closed", {})


def test_the_same_unique_name_means_another_conversation_in_each_service(default):
    inside = default.v1.services(SERVICE).conversations("tenant-a").fetch()
    outside = default.v1.conversations("tenant-a").fetch()
    assert (outside.sid, outside.sid != inside.sid) == (default.sid, True)
