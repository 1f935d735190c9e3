"""Scoped webhooks, as Twilio's library shows them."""

import pytest
from world import ACCOUNT, FLOW, KEY, SECRET, URL, is_dated, shown

EVENTS = ["onMessageAdded", "onMessageRemoved"]

# Of each target: what is asked for, and what the library shows; then a change, and what that shows.
TARGETS = {
    "webhook": (
        {"url": URL, "method": "get", "filters": EVENTS, "replay_after": 7},
        {"url": URL, "method": "get", "filters": EVENTS},
        {"method": "POST"},
        {"url": URL, "method": "post", "filters": EVENTS},
    ),
    "webhook of another URL": (
        {"url": URL, "filters": EVENTS},
        {"url": URL, "method": "post", "filters": EVENTS},
        {"url": f"{URL}/b?c=d&e=%20#f"},
        {"url": f"{URL}/b?c=d&e=%20#f", "method": "post", "filters": EVENTS},
    ),
    "webhook of other events": (
        {"url": URL, "filters": EVENTS},
        {"url": URL, "method": "post", "filters": EVENTS},
        {"filters": ["onParticipantAdded"]},
        {"url": URL, "method": "post", "filters": ["onParticipantAdded"]},
    ),
    "trigger": (
        {"url": URL, "triggers": ["help", "agent, please"]},
        {"url": URL, "method": "post", "triggers": ["help", "agent, please"]},
        {"triggers": ["é"], "method": "get"},
        {"url": URL, "method": "get", "triggers": ["é"]},
    ),
    "studio": (
        {"flow_sid": FLOW},
        {"flow_sid": FLOW},
        {"filters": EVENTS},
        {"flow_sid": FLOW, "filters": EVENTS},
    ),
    "studio with events": (
        {"flow_sid": FLOW, "filters": EVENTS},
        {"flow_sid": FLOW, "filters": EVENTS},
        {"flow_sid": FLOW},
        {"flow_sid": FLOW, "filters": EVENTS},
    ),
}


def parameters(configuration):
    return {f"configuration_{name}": value for name, value in configuration.items()}


@pytest.mark.parametrize("case", TARGETS)
def test_a_webhook_from_its_creation_to_its_deletion(family, case):
    asked, configuration, changes, changed = TARGETS[case]
    target = case.split()[0]
    webhooks = family.conversation.webhooks

    created = webhooks.create(target=target, **parameters(asked))
    assert shown(created) == family.owner | {
        "sid": created.sid,
        "target": target,
        "configuration": configuration,
        "url": f"{family.url}/Webhooks/{created.sid}",
    }
    assert created.sid.startswith("WH") and len(created.sid) == 34
    assert is_dated(created)

    assert shown(webhooks(created.sid).fetch()) == shown(created)
    assert [shown(webhook) for webhook in webhooks.list()] == [shown(created)]

    updated = webhooks(created.sid).update(**parameters(changes))
    assert shown(updated) == shown(created) | {"configuration": changed}
    assert updated.date_created == created.date_created and is_dated(updated)
    assert shown(created.fetch()) == shown(updated)

    assert webhooks(created.sid).delete() is True
    assert webhooks.list() == []


def test_a_webhook_can_be_reached_by_the_conversations_unique_name(family):
    by_name = family.conversations("tenant-a").webhooks
    created = by_name.create(target="studio", configuration_flow_sid=FLOW)
    assert (created.conversation_sid, created.url) == (family.sid, f"{family.url}/Webhooks/{created.sid}")
    assert shown(by_name(created.sid).fetch()) == shown(created)


def test_an_empty_list_is_not_sent_and_so_takes_nothing_away(family):
    webhooks = family.conversation.webhooks
    created = webhooks.create(target="webhook", configuration_url=URL, configuration_filters=EVENTS)
    assert webhooks(created.sid).update(configuration_filters=[]).configuration["filters"] == EVENTS


def test_two_webhooks_may_do_the_same(family):
    same = {"target": "webhook", "configuration_url": URL, "configuration_filters": EVENTS}
    made = [family.conversation.webhooks.create(**same).sid for _ in range(2)]
    assert [webhook.sid for webhook in family.conversation.webhooks.list()] == made
    groups = family.simulator.control("GET", "/ledger/duplicates")["groups"]
    assert [[record["sid"] for record in group] for group in groups] == [made]


SWITCHES = {
    "method case": (
        {"methodCase": "upper"},
        {"target": "webhook", "url": URL, "filters": EVENTS},
        {"url": URL, "method": "POST", "filters": EVENTS},
    ),
    "trigger keys": (
        {"triggerKeys": "filters"},
        {"target": "trigger", "url": URL, "triggers": ["help"]},
        {"url": URL, "method": "post", "filters": ["help"]},
    ),
    "replay after": (
        {"echoReplayAfter": True},
        {"target": "studio", "flow_sid": FLOW, "replay_after": 0},
        {"flow_sid": FLOW, "replay_after": 0},
    ),
    "missing filters": (
        {"missingFilters": "accept"},
        {"target": "webhook", "url": URL},
        {"url": URL, "method": "post", "filters": []},
    ),
    "filters of studio": (
        {"studioFilters": "hide"},
        {"target": "studio", "flow_sid": FLOW, "filters": EVENTS},
        {"flow_sid": FLOW},
    ),
    "order of filters": (
        {"filterOrder": "reversed"},
        {"target": "webhook", "url": URL, "filters": EVENTS},
        {"url": URL, "method": "post", "filters": EVENTS[::-1]},
    ),
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_where_twilios_sources_disagree_the_library_shows_what_the_switch_says(default, switch):
    settings, asked, configuration = SWITCHES[switch]
    default.simulator.switch(**settings)
    target = asked["target"]
    asked = {name: value for name, value in asked.items() if name != "target"}
    created = default.conversation.webhooks.create(target=target, **parameters(asked))
    assert created.configuration == configuration


def test_the_date_of_a_change_may_be_missing_until_there_is_one(default):
    default.simulator.switch(dateUpdated="afterChange")
    created = default.conversation.webhooks.create(target="studio", configuration_flow_sid=FLOW)
    assert created.date_updated is None
    assert is_dated(created.update(configuration_flow_sid=FLOW))


def test_an_api_key_works_like_the_token(default):
    webhooks = default.simulator.client(KEY, SECRET).conversations.v1.conversations(default.sid).webhooks
    created = webhooks.create(target="studio", configuration_flow_sid=FLOW)
    assert created.account_sid == ACCOUNT
    [record] = default.simulator.control("GET", "/ledger")["webhooks"]
    assert (record["sid"], record["created"]["user"]) == (created.sid, KEY)
