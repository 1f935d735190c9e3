"""Services, as Twilio's library shows them."""

import pytest
from twilio.base.exceptions import TwilioRestException
from world import ACCOUNT, SERVICE, is_dated, shown


def test_a_service_from_its_creation_to_its_deletion(default):
    services = default.v1.services
    created = services.create(friendly_name="Support é")
    url = f"{default.simulator.url}/v1/Services/{created.sid}"
    below = {
        "conversations": "Conversations",
        "users": "Users",
        "roles": "Roles",
        "bindings": "Bindings",
        "configuration": "Configuration",
        "participant_conversations": "ParticipantConversations",
        "conversation_with_participants": "ConversationWithParticipants",
    }
    assert shown(created) == {
        "sid": created.sid,
        "account_sid": ACCOUNT,
        "friendly_name": "Support é",
        "url": url,
        "links": {name: f"{url}/{segment}" for name, segment in below.items()},
    }
    assert created.sid.startswith("IS") and len(created.sid) == 34
    assert is_dated(created)
    assert shown(services(created.sid).fetch()) == shown(created)
    default_sid = default.v1.configuration().fetch().default_chat_service_sid
    assert [service.sid for service in services.list()] == [default_sid, SERVICE, created.sid]

    inside = services(created.sid).conversations.create(unique_name="tenant-a")
    assert inside.chat_service_sid == created.sid
    assert services(created.sid).delete() is True
    for gone in (services(created.sid), services(created.sid).conversations(inside.sid)):
        with pytest.raises(TwilioRestException) as missing:
            gone.fetch()
        assert missing.value.code == 20404
