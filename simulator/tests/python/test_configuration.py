"""What is set for a whole account or service, as Twilio's library shows it."""

import pytest
from world import ACCOUNT, SERVICE, shown

MESSAGING_SERVICE = "MG00000000000000000000000000000007"


def test_the_configuration_keeps_what_is_not_sent(default):
    configuration = default.v1.configuration()
    root = f"{default.simulator.url}/v1"
    before = shown(configuration.fetch())
    service, messaging_service = before["default_chat_service_sid"], before["default_messaging_service_sid"]
    assert before == {
        "account_sid": ACCOUNT,
        "default_chat_service_sid": service,
        "default_messaging_service_sid": messaging_service,
        "default_inactive_timer": None,
        "default_closed_timer": None,
        "url": f"{root}/Configuration",
        "links": {
            "service": f"{root}/Services/{service}/Configuration",
            "webhooks": f"{root}/Configuration/Webhooks",
        },
    }
    assert (service[:2], messaging_service[:2]) == ("IS", "MG")
    expected = before
    for name, value in [
        ("default_inactive_timer", "PT1M"),
        ("default_closed_timer", "PT10M"),
        ("default_messaging_service_sid", MESSAGING_SERVICE),
    ]:
        expected = expected | {name: value}
        assert shown(configuration.update(**{name: value})) == expected
        assert shown(configuration.fetch()) == expected


def test_the_short_paths_mean_the_default_service_and_new_conversations_get_the_defaults(default):
    default.v1.configuration().update(
        default_chat_service_sid=SERVICE,
        default_messaging_service_sid=MESSAGING_SERVICE,
        default_inactive_timer="PT1M",
        default_closed_timer="PT10M",
    )
    created = default.v1.conversations.create()
    assert (created.chat_service_sid, created.messaging_service_sid) == (SERVICE, MESSAGING_SERVICE)
    assert created.timers.keys() == {"date_inactive", "date_closed"}
    assert default.v1.services(SERVICE).conversations(created.sid).fetch().sid == created.sid


@pytest.mark.parametrize("level", ["account", "service"])
def test_the_webhook_of_an_account_or_a_service_keeps_what_is_not_sent(default, level):
    root = f"{default.simulator.url}/v1"
    if level == "account":
        webhook = default.v1.configuration.webhooks()
        own = {"method": "POST", "target": "webhook", "url": f"{root}/Configuration/Webhooks"}
    else:
        webhook = default.v1.services(SERVICE).configuration.webhooks()
        own = {"chat_service_sid": SERVICE, "url": f"{root}/Services/{SERVICE}/Configuration/Webhooks"}
    nothing = dict.fromkeys(["method", "filters", "pre_webhook_url", "post_webhook_url"])
    expected = {"account_sid": ACCOUNT} | nothing | own
    assert shown(webhook.fetch()) == expected
    changes = [
        ("post_webhook_url", "https://bots.example.com/post"),
        ("pre_webhook_url", "https://bots.example.com/pre"),
        ("filters", ["onMessageAdd", "onMessageAdded", "onConversationAdded", "onUserAdded"]),
        ("method", "GET"),
        ("filters", ["onMessageRemoved"]),
        ("method", "POST"),
    ]
    if level == "account":
        changes.append(("target", "flex"))
    for name, value in changes:
        expected = expected | {name: value}
        assert shown(webhook.update(**{name: value})) == expected
        assert shown(webhook.fetch()) == expected
    assert webhook.update(pre_webhook_url="").pre_webhook_url is None
