"""Participants, as Twilio's library shows them."""

from datetime import datetime, timedelta, timezone

import pytest
from twilio.base.exceptions import TwilioRestException
from world import is_dated, shown

ROLE = "RL00000000000000000000000000000007"

# Of each way to take part: what is asked for, and how the library shows it.
KINDS = {
    "chat": ({"identity": "ana é"}, {"identity": "ana é"}),
    "sms": (
        {"messaging_binding_address": "+15558675310", "messaging_binding_proxy_address": "+15017122661"},
        {"messaging_binding": {"type": "sms", "address": "+15558675310", "proxy_address": "+15017122661"}},
    ),
    "whatsapp": (
        {"messaging_binding_address": "whatsapp:+1555", "messaging_binding_proxy_address": "whatsapp:+1501"},
        {
            "messaging_binding": {
                "type": "whatsapp",
                "address": "whatsapp:+1555",
                "proxy_address": "whatsapp:+1501",
            }
        },
    ),
    "chat in a group": (
        {"identity": "ana", "messaging_binding_projected_address": "+15017122661"},
        {"identity": "ana", "messaging_binding": {"type": "sms", "projected_address": "+15017122661"}},
    ),
    "with a role": (
        {"identity": "ana", "role_sid": ROLE, "attributes": '{"role": "driver"}'},
        {"identity": "ana", "role_sid": ROLE, "attributes": '{"role": "driver"}'},
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_a_participant_from_joining_to_leaving(family, kind):
    asked, fields = KINDS[kind]
    participants = family.conversation.participants
    created = participants.create(**asked)
    plain = {
        "sid": created.sid,
        "identity": None,
        "attributes": "{}",
        "messaging_binding": None,
        "role_sid": created.role_sid,
        "last_read_message_index": None,
        "last_read_timestamp": None,
        "url": f"{family.url}/Participants/{created.sid}",
    }
    assert shown(created) == family.owner | plain | fields
    assert (created.sid[:2], created.role_sid[:2]) == ("MB", "RL")
    assert is_dated(created)
    assert shown(participants(created.sid).fetch()) == shown(created)
    assert [shown(participant) for participant in participants.list()] == [shown(created)]

    read = {"last_read_message_index": 3, "last_read_timestamp": "2026-01-02T03:04:05Z"}
    updated = participants(created.sid).update(attributes="[]", **read)
    assert shown(updated) == shown(created) | {"attributes": "[]"} | read
    assert updated.date_created == created.date_created and is_dated(updated)
    assert shown(created.update(role_sid=ROLE)) == shown(updated) | {"role_sid": ROLE}

    assert participants(created.sid).delete() is True
    assert participants.list() == []
    with pytest.raises(TwilioRestException) as missing:
        participants(created.sid).fetch()
    assert missing.value.code == 20404


def test_a_participant_keeps_the_dates_that_it_is_given(family):
    day = datetime(2024, 2, 29, 12, 30, 45, tzinfo=timezone.utc)
    created = family.conversation.participants.create(identity="ana", date_created=day, date_updated=day)
    assert (created.date_created, created.date_updated) == (day, day)
    updated = created.update(date_updated=day + timedelta(days=2))
    assert (updated.date_created, updated.date_updated) == (day, day + timedelta(days=2))


def test_the_address_of_a_participant_can_be_changed_in_part(family):
    participants = family.conversation.participants
    created = participants.create(**KINDS["sms"][0])
    updated = created.update(messaging_binding_proxy_address="+15017122662", identity="ana")
    binding = {"type": "sms", "address": "+15558675310", "proxy_address": "+15017122662"}
    assert shown(updated) == shown(created) | {"identity": "ana", "messaging_binding": binding}


def test_a_participant_can_be_reached_by_its_identity(family):
    created = family.conversation.participants.create(identity="ana é")
    by_identity = family.conversation.participants("ana é")
    assert shown(by_identity.fetch()) == shown(created)
    assert by_identity.update(attributes="[]").sid == created.sid
    assert by_identity.delete() is True
    assert family.conversation.participants.list() == []
