"""Every refusal for what a webhook is to be."""

from refusing import Case, EVENTS, FULL, create, hook, move_to, parent, studio_in_ireland
from world import CONVERSATION, NO_ONE, SERVICE, URL

WEBHOOK_REFUSALS = [
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
]
