"""The events that Twilio documents: what a client does to cause each, and what a bot is then told."""

from collections.abc import Callable
from dataclasses import dataclass

BODY = "hello, é & = +\n😀 %41"
ROLE = "RL00000000000000000000000000000007"


class Scene:
    """A conversation with a message and two participants, of which nobody was told."""

    def __init__(self, family, fires="true"):
        self.family, self.conversation = family, family.conversation
        self.participant = self.conversation.participants.create(identity="ana")
        self.member = self.conversation.participants.create(
            messaging_binding_address="+15558675310",
            messaging_binding_proxy_address="+15017122661",
            attributes='{"role": "driver"}',
        )
        self.message = self.conversation.messages.create(author="ana", body="first", attributes='{"n": 1}')
        shown = self.conversation.fetch()
        self.service = shown.chat_service_sid
        self.about = {
            "AccountSid": shown.account_sid,
            "ConversationSid": shown.sid,
            "ChatServiceSid": shown.chat_service_sid,
            "MessagingServiceSid": shown.messaging_service_sid,
            "RetryCount": "0",
        }
        # How a change says whether it may fire webhooks.
        self.fires = {} if fires is None else {"x_twilio_webhook_enabled": fires}


def delete(scene, resource):
    """Deletes it. Version 9.13.0 of the library takes the header of a delete and does not send it: it must be
    said a layer below."""
    headers = {name.replace("_", "-"): value for name, value in scene.fires.items()}
    assert scene.family.v1.delete("DELETE", resource.url.split("/v1", 1)[1], headers=headers)


def moments(resource):
    """The dates that the library shows, by the names that a bot is told."""
    return {"DateCreated": resource.date_created, "DateUpdated": resource.date_updated}


def of_message(message):
    fields = moments(message) | {
        "MessageSid": message.sid,
        "Index": str(message.index),
        "Body": message.body,
        "Author": message.author,
        "Attributes": message.attributes,
        "Source": "API",
    }
    if message.participant_sid:
        fields["ParticipantSid"] = message.participant_sid
    return fields


def of_conversation(conversation):
    return moments(conversation) | {
        "ConversationSid": conversation.sid,
        "FriendlyName": conversation.friendly_name or "",
        "UniqueName": conversation.unique_name or "",
        "Attributes": conversation.attributes,
        "State": conversation.state,
    }


def of_participant(participant):
    fields = moments(participant) | {
        "ParticipantSid": participant.sid,
        "RoleSid": participant.role_sid,
        "Attributes": participant.attributes,
    }
    if participant.identity:
        fields["Identity"] = participant.identity
    names = {
        "type": "Type",
        "address": "Address",
        "proxy_address": "ProxyAddress",
        "projected_address": "ProjectedAddress",
    }
    for name, value in (participant.messaging_binding or {}).items():
        fields[f"MessagingBinding.{names[name]}"] = value
    if participant.last_read_message_index is not None:
        fields["LastReadMessageIndex"] = str(participant.last_read_message_index)
    return fields


def message_added(scene):
    return of_message(scene.conversation.messages.create(author="ana", body=BODY, **scene.fires))


def message_updated(scene):
    return of_message(scene.message.update(body=BODY, **scene.fires))


def message_removed(scene):
    delete(scene, scene.message)
    return of_message(scene.message)


def conversation_added(scene):
    return of_conversation(
        scene.family.conversations.create(unique_name="b é", attributes="[]", **scene.fires)
    )


def conversation_updated(scene):
    changes = {"friendly_name": "Support é", "attributes": '{"a": "b&c"}'}
    return of_conversation(scene.conversation.update(**changes, **scene.fires))


def conversation_state_updated(scene):
    updated = scene.conversation.update(state="inactive", **scene.fires).date_updated
    return {"StateFrom": "active", "StateTo": "inactive", "Reason": "API", "StateUpdated": updated}


def conversation_removed(scene):
    conversation = scene.conversation.fetch()
    delete(scene, conversation)
    return of_conversation(conversation)


def chat_participant_added(scene):
    return of_participant(scene.conversation.participants.create(identity="ben é", **scene.fires))


def sms_participant_added(scene):
    binding = {"messaging_binding_address": "+1555", "messaging_binding_proxy_address": "+1501"}
    return of_participant(scene.conversation.participants.create(**binding, **scene.fires))


def group_participant_added(scene):
    projected = {"identity": "ben", "messaging_binding_projected_address": "+1502"}
    return of_participant(scene.conversation.participants.create(**projected, **scene.fires))


def participant_updated(scene):
    changes = {"last_read_message_index": 0, "role_sid": ROLE}
    return of_participant(scene.participant.update(**changes, **scene.fires))


def participant_removed(scene):
    delete(scene, scene.member)
    return of_participant(scene.member)


def delivery_updated(scene):
    path = f"/conversations/{scene.family.sid}/messages/{scene.message.sid}/receipts"
    report = {"participant": scene.member.sid, "status": "undelivered", "errorCode": 30005}
    sid = scene.family.simulator.control("POST", path, report)["sid"]
    receipt = scene.conversation.messages(scene.message.sid).delivery_receipts(sid).fetch()
    return moments(receipt) | {
        "MessageSid": scene.message.sid,
        "DeliveryReceiptSid": sid,
        "ChannelMessageSid": receipt.channel_message_sid,
        "ParticipantSid": scene.member.sid,
        "Status": "undelivered",
        "ErrorCode": "30005",
    }


@dataclass
class Event:
    """An event: how to cause it, which returns the fields of its own; and which of its fields are dates."""

    name: str
    cause: Callable
    dates: set
    by_rest: bool = True
    scoped: bool = True


CREATED, UPDATED, REMOVED = "DateCreated", "DateUpdated", "DateRemoved"

EVENTS = [
    Event("onMessageAdded", message_added, {CREATED}),
    Event("onMessageUpdated", message_updated, {CREATED, UPDATED}),
    Event("onMessageRemoved", message_removed, {CREATED, REMOVED}),
    Event("onConversationAdded", conversation_added, {CREATED, UPDATED}, scoped=False),
    Event("onConversationUpdated", conversation_updated, {CREATED, UPDATED}),
    Event("onConversationStateUpdated", conversation_state_updated, {"StateUpdated"}),
    Event("onConversationRemoved", conversation_removed, {CREATED, UPDATED, REMOVED}),
    Event("onParticipantAdded", chat_participant_added, {CREATED}),
    Event("onParticipantAdded", sms_participant_added, {CREATED}),
    Event("onParticipantAdded", group_participant_added, {CREATED}),
    Event("onParticipantUpdated", participant_updated, {CREATED, UPDATED}),
    Event("onParticipantRemoved", participant_removed, {CREATED, REMOVED}),
    Event("onDeliveryUpdated", delivery_updated, {CREATED, UPDATED}, by_rest=False),
]
