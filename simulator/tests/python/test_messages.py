"""Messages and their delivery receipts, as Twilio's library shows them."""

from datetime import datetime, timedelta, timezone

import pytest
from twilio.base.exceptions import TwilioRestException
from world import is_dated, shown


def expected(family, message, **fields):
    """All that the library shows of a message."""
    url = f"{family.url}/Messages/{message.sid}"
    plain = {
        "sid": message.sid,
        "index": 0,
        "author": "system",
        "body": "",
        "media": None,
        "attributes": "{}",
        "participant_sid": None,
        "delivery": None,
        "content_sid": None,
        "url": url,
        "links": {"delivery_receipts": f"{url}/Receipts", "channel_metadata": f"{url}/ChannelMetadata"},
    }
    return family.owner | plain | fields


def test_a_message_from_its_creation_to_its_deletion(family):
    messages = family.conversation.messages
    created = messages.create(body="hello, é & =\n😀")
    assert shown(created) == expected(family, created, body="hello, é & =\n😀")
    assert created.sid.startswith("IM") and len(created.sid) == 34
    assert is_dated(created)
    assert shown(messages(created.sid).fetch()) == shown(created)

    changes = {"author": "ana", "attributes": '{"importance": "high"}'}
    updated = messages(created.sid).update(**changes)
    assert shown(updated) == shown(created) | changes
    assert updated.date_created == created.date_created and is_dated(updated)
    assert shown(created.update(body="bye")) == shown(updated) | {"body": "bye"}

    assert messages(created.sid).delete() is True
    assert messages.list() == []
    with pytest.raises(TwilioRestException) as missing:
        messages(created.sid).fetch()
    assert missing.value.code == 20404


def test_a_message_keeps_the_dates_that_it_is_given(family):
    messages = family.conversation.messages
    day = datetime(2024, 2, 29, 12, 30, 45, tzinfo=timezone.utc)
    created = messages.create(body="hello", date_created=day, date_updated=day + timedelta(days=1))
    assert (created.date_created, created.date_updated) == (day, day + timedelta(days=1))
    updated = created.update(date_updated=day + timedelta(days=2))
    assert (updated.date_created, updated.date_updated) == (day, day + timedelta(days=2))
    assert created.update(body="bye").date_created == day
    assert created.update(date_created=day - timedelta(days=1)).date_created == day - timedelta(days=1)


def test_messages_are_numbered_and_a_number_is_not_given_twice(family):
    messages = family.conversation.messages
    made = [messages.create(body=f"{number}") for number in range(2)]
    assert made[1].delete() is True
    made[1] = messages.create(author="ana", body="2", attributes="[1]")
    assert [message.index for message in made] == [0, 2]
    assert [shown(message) for message in messages.list()] == [shown(message) for message in made]
    assert [message.index for message in messages.list(order="desc")] == [2, 0]


def test_the_author_is_a_participant_where_there_is_one_of_that_identity(family):
    participant = family.conversation.participants.create(identity="ana")
    assert family.conversation.messages.create(author="ana").participant_sid == participant.sid
    assert family.conversation.messages.create(author="ben").participant_sid is None


def test_delivery_receipts_tell_how_far_a_message_came(family):
    numbers = ["+15558675310", "+15558675311"]
    people = [
        family.conversation.participants.create(
            messaging_binding_address=number, messaging_binding_proxy_address="+15017122661"
        )
        for number in numbers
    ]
    message = family.conversation.messages.create(author="ana", body="hello")
    receipts = family.conversation.messages(message.sid).delivery_receipts
    assert receipts.list() == []

    def report(person, status, error_code=0):
        body = {"participant": person.sid, "status": status, "errorCode": error_code}
        path = f"/conversations/{family.sid}/messages/{message.sid}/receipts"
        return family.simulator.control("POST", path, body)["sid"]

    read, failed = report(people[0], "sent"), report(people[1], "failed", 30003)
    assert report(people[0], "read") == read

    shares = {"sent": "some", "delivered": "some", "read": "some", "failed": "some", "undelivered": "none"}
    assert message.fetch().delivery == {"total": 2} | shares
    for sid, person, status, error_code in [
        (read, people[0], "read", 0),
        (failed, people[1], "failed", 30003),
    ]:
        receipt = receipts(sid).fetch()
        assert shown(receipt) == family.owner | {
            "sid": sid,
            "message_sid": message.sid,
            "channel_message_sid": receipt.channel_message_sid,
            "participant_sid": person.sid,
            "status": status,
            "error_code": error_code,
            "url": f"{family.url}/Messages/{message.sid}/Receipts/{sid}",
        }
        assert (sid[:2], receipt.channel_message_sid[:2]) == ("DY", "SM")
        assert is_dated(receipt)
    assert [shown(receipt) for receipt in receipts.list()] == [
        shown(receipts(sid).fetch()) for sid in (read, failed)
    ]
