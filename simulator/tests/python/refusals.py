"""Every way in which Twilio says no: what a client does to meet it, and what its library shows."""

from collections.abc import Callable
from dataclasses import dataclass

from world import CONVERSATION, FLOW, NO_ONE, SERVICE, URL

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


CASES = [
    Case("Authenticate", as_account("AC" + NO_ONE), 401, 20003, "Authenticate"),
    Case("Authenticate", with_key(kind="restricted"), 401, 20003, "Authenticate"),
    Case("Authenticate", with_key(restrictedTo=["list", "fetch"]), 401, 20003, "Authenticate"),
    Case("Authenticate", with_key(revoked=True), 401, 20003, "Authenticate"),
    Case("Forbidden", hook(), 403, 20403, "Forbidden", before=suspend("suspended")),
    Case("Forbidden", hook(), 403, 20403, "Forbidden", before=suspend("test")),
    Case(
        "NotOffered",
        as_account(ABROAD),
        400,
        50385,
        "Conversations are not offered in this region",
        before=move_to("au1"),
    ),
    Case("TooManyAtOnce", hook(), 429, 20429, "Too many requests", switches=(("maxConcurrent", 0),)),
    *(
        Case(
            "TooFast",
            call,
            429,
            50063,
            "Actions per second exceeded for the service instance",
            switches=(("maxChangesPerSecond", 0),),
        )
        for call in (
            hook(),
            update(friendly_name="b"),
            participant(identity="ana"),
            lambda family: family.conversations.create(),
            lambda family: family.conversation.delete(),
            lambda family: family.conversation.messages.create(),
        )
    ),
    Case("NotFound", raw("GET", "/Nothing"), 404, 20404, NOT_FOUND),
    Case("NotFound", raw("GET", "/Services/nothing/Conversations"), 404, 20404, NOT_FOUND),
    Case("MethodNotAllowed", raw("PUT", "/Conversations"), 405, 20004, "Method not allowed"),
    Case("MethodNotAllowed", raw("DELETE", "/Configuration"), 405, 20004, "Method not allowed"),
    Case(
        "MissingConversationSid",
        lambda family: family.conversations("").webhooks.create(**STUDIO),
        400,
        50351,
        "Conversation sid is missing",
    ),
    Case("ConversationNotFound", parent("nobody"), 404, 20404, NOT_FOUND),
    Case("ConversationNotFound", parent("nobody"), 404, 50350, "Conversation not found", switches=SPECIFIC),
    Case(
        "ConversationNotFound",
        lambda family: family.conversations("nobody").webhooks.list(),
        404,
        50350,
        "Conversation not found",
        switches=SPECIFIC,
    ),
    Case(
        "ConversationNotFound",
        lambda family: family.conversations("tenant-a").webhooks.create(**STUDIO),
        404,
        20404,
        NOT_FOUND,
        switches=(("uniqueNameInPath", "refuse"),),
    ),
    Case("WebhookNotFound", parent(CONVERSATION, ("webhooks", "WH" + NO_ONE)), 404, 20404, NOT_FOUND),
    Case(
        "WebhookNotFound",
        parent(CONVERSATION, ("webhooks", "WH" + NO_ONE)),
        404,
        50360,
        "Conversation webhook not found",
        switches=SPECIFIC,
    ),
    Case(
        "WebhookNotFound",
        lambda family: family.conversation.webhooks("WH" + NO_ONE).delete(),
        404,
        20404,
        NOT_FOUND,
    ),
    Case("MessageNotFound", parent(CONVERSATION, ("messages", "IM" + NO_ONE)), 404, 20404, NOT_FOUND),
    Case("ReceiptNotFound", receipt_of_nothing, 404, 20404, NOT_FOUND),
    Case("ParticipantNotFound", parent(CONVERSATION, ("participants", "nobody")), 404, 20404, NOT_FOUND),
    Case("ServiceNotFound", lambda family: family.v1.services("IS" + NO_ONE).fetch(), 404, 20404, NOT_FOUND),
    Case(
        "ServiceNotFound",
        lambda family: family.v1.services("IS" + NO_ONE).conversations.create(),
        404,
        50050,
        "Service instance not found",
        switches=SPECIFIC,
    ),
    Case("ParticipantExists", twice(participant(identity="a")), 409, 50433, "Participant already exists"),
    Case("ParticipantExists", twice(participant(**MEMBER)), 409, 50433, "Participant already exists"),
    Case(
        "MissingParameter",
        lambda family: family.v1.services.create(friendly_name=""),
        400,
        20001,
        "Missing required parameter FriendlyName in the post body",
    ),
    invalid(update(state="sleeping"), "State"),
    invalid(update(state="initializing"), "State"),
    invalid(update(attributes="{"), "Attributes"),
    invalid(update(timers_inactive="PT59S"), "Timers.Inactive"),
    invalid(update(timers_closed="PT9M"), "Timers.Closed"),
    invalid(update(unique_name="a" * 257), "UniqueName"),
    invalid(update(friendly_name="a" * 257), "FriendlyName"),
    invalid(update(date_created="yesterday"), "DateCreated"),
    invalid(update(messaging_service_sid="MG1"), "MessagingServiceSid"),
    invalid(hook(configuration_replay_after="all"), "Configuration.ReplayAfter"),
    invalid(participant(identity="ana", date_updated="yesterday"), "DateUpdated"),
    invalid(lambda family: family.conversation.messages.create(date_created="yesterday"), "DateCreated"),
    invalid(participant(), "Identity"),
    invalid(participant(identity="ana", role_sid="RL1"), "RoleSid"),
    invalid(participant(identity="ana", attributes="{"), "Attributes"),
    invalid(lambda family: family.conversation.messages.create(attributes="{"), "Attributes"),
    invalid(lambda family: family.conversation.messages.list(order="up"), "Order"),
    invalid(lambda family: family.conversations.list(start_date="yesterday"), "StartDate"),
    invalid(lambda family: family.v1.configuration.webhooks().update(target="mail"), "Target"),
    invalid(
        lambda family: family.v1.services(
            family.v1.configuration().fetch().default_chat_service_sid
        ).delete(),
        "Sid",
    ),
    Case(
        "InvalidParameter",
        hook(**SOME_FLOW),
        400,
        20001,
        "Parameter 'Configuration.FlowSid' is not valid",
        switches=(("otherTargetKeys", "refuse"),),
    ),
    Case(
        "BodyTooLarge",
        lambda family: family.conversation.messages.create(body="x" * 70_000),
        413,
        20001,
        "Request body is too large",
    ),
    Case(
        "InvalidPageToken",
        lambda family: family.conversation.webhooks.page(page_token="nonsense"),
        400,
        21481,
        "Invalid page token",
    ),
    Case(
        "EndBeforeStart",
        lambda family: family.conversations.list(start_date="2024-02-01", end_date="2024-01-31"),
        400,
        50396,
        "EndDate parameter should be greater than StartDate parameter",
    ),
    Case("TooManyWebhooks", hook(), 400, 50361, "Too many webhooks on the conversation", before=FULL),
    Case(
        "TooManyWebhooks",
        hook(),
        403,
        50361,
        "Too many webhooks on the conversation",
        before=FULL,
        switches=(("countLimitStatus", "forbidden"),),
    ),
    Case(
        "TooManyTriggers",
        create(target="trigger", configuration_url=URL, configuration_triggers=list("abcdef")),
        400,
        50362,
        "Too many triggers on the conversation webhook",
    ),
    Case(
        "InvalidWebhookSid",
        parent(CONVERSATION, ("webhooks", "WH1")),
        400,
        50363,
        "Conversation webhook sid is invalid",
    ),
    Case("InvalidTarget", create(target="mail"), 400, 50364, "Conversation webhook target is invalid"),
    Case(
        "InvalidTarget",
        studio_in_ireland,
        400,
        50364,
        "Conversation webhook target is invalid",
        before=move_to("ie1"),
    ),
    *(
        Case("InvalidFilter", call, 400, 50365, "Conversation webhook filter is invalid")
        for call in (
            hook(configuration_filters=["onMessageAdded", "onMessageAdd"]),
            hook(configuration_filters=["onConversationAdded"]),
            hook(configuration_filters=["onUserUpdated"]),
            hook(configuration_filters=["onMessageSent"]),
            hook(configuration_filters=["onmessageadded"]),
            hook(configuration_filters=[""]),
            lambda family: family.v1.configuration.webhooks().update(filters=["onNothing"]),
            lambda family: family.v1.services(SERVICE).configuration.webhooks().update(filters=["onNothing"]),
        )
    ),
    *(
        Case(
            "InvalidTrigger",
            create(target="trigger", configuration_url=URL, configuration_triggers=[trigger]),
            400,
            50366,
            "Conversation webhook trigger is invalid",
        )
        for trigger in ("", "é" * 249)
    ),
    *(
        Case(
            "InvalidFlowSid",
            create(target="studio", **flow),
            400,
            50367,
            "Conversation webhook flow sid is invalid",
        )
        for flow in ({}, {"configuration_flow_sid": "FW1"}, {"configuration_flow_sid": "FW" + NO_ONE})
    ),
    Case("MissingTarget", create(target=""), 400, 50368, "Conversation webhook target is missing"),
    *(
        Case("MissingUrl", call, 400, 50369, "Conversation webhook url is missing")
        for call in (
            create(target="webhook", **EVENTS),
            create(target="trigger", configuration_triggers=["help"]),
            hook(configuration_url=""),
        )
    ),
    Case(
        "MissingFilter",
        create(target="webhook", configuration_url=URL),
        400,
        50370,
        "Conversation webhook filter is missing",
    ),
    Case(
        "MissingTrigger",
        create(target="trigger", configuration_url=URL),
        400,
        50371,
        "Conversation webhook trigger is missing",
    ),
    Case(
        "UrlTooLong",
        hook(configuration_url=URL.ljust(513, "a")),
        400,
        50372,
        "Conversation webhook url is too long",
    ),
    *(
        Case("InvalidUrl", call, 400, 50054, "Webhook format is invalid")
        for call in (
            hook(configuration_url="bots.example.com"),
            hook(configuration_url="ftp://bots.example.com"),
            lambda family: family.v1.configuration.webhooks().update(post_webhook_url="bot"),
            lambda family: family.v1.services(SERVICE).configuration.webhooks().update(pre_webhook_url="bot"),
        )
    ),
    *(
        Case("InvalidMethod", call, 400, 50055, "Webhook method is invalid")
        for call in (
            hook(configuration_method="put"),
            lambda family: family.v1.configuration.webhooks().update(method="put"),
        )
    ),
    *(
        Case("ConversationClosed", call, 400, 50377, CLOSED, before=CLOSE)
        for call in (
            hook(),
            update(state="active"),
            participant(identity="ana"),
            lambda family: family.conversation.messages.create(),
        )
    ),
    Case(
        "ConversationClosed",
        hook(),
        409,
        50377,
        CLOSED,
        before=CLOSE,
        switches=(("stateStatus", "conflict"),),
    ),
    Case("ConversationGoing", hook(), 400, 50334, "Channel deletion is in progress", before=SLOWLY),
    Case(
        "ConversationInitializing",
        hook(),
        400,
        50386,
        "Conversation is initializing and may not be updated yet",
        before=INITIALIZING,
    ),
    *(
        Case("UniqueNameTaken", call, 409, 50353, "Conversation with provided unique name already exists")
        for call in (
            lambda family: family.conversations.create(unique_name="tenant-a"),
            lambda family: family.conversations.create().update(unique_name="tenant-a"),
        )
    ),
    Case(
        "UniqueNameLooksLikeSid",
        update(unique_name=CONVERSATION),
        400,
        50390,
        "Conversation unique name may not look like a conversation sid",
    ),
]
