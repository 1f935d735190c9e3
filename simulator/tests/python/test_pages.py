"""Lists of several pages, as Twilio's library goes through them."""

import json
from datetime import datetime, timezone

import pytest
from twilio.base.exceptions import TwilioException
from world import SERVICE, URL


def sids(resources):
    return [resource.sid for resource in resources]


def webhooks(family):
    resource = family.conversation.webhooks
    keywords = {"configuration_url": URL, "configuration_triggers": ["help"]}
    return resource, [resource.create(target="trigger", **keywords) for _ in range(5)]


def conversations(family):
    return family.conversations, [family.conversation.fetch()] + [
        family.conversations.create() for _ in range(4)
    ]


def messages(family):
    resource = family.conversation.messages
    return resource, [resource.create(body=f"{number}") for number in range(5)]


def participants(family):
    resource = family.conversation.participants
    return resource, [resource.create(identity=f"{number}") for number in range(5)]


def receipts(family):
    message = family.conversation.messages.create(author="ana")
    resource = family.conversation.messages(message.sid).delivery_receipts
    path = f"/conversations/{family.sid}/messages/{message.sid}/receipts"
    made = []
    for participant in participants(family)[1]:
        report = {"participant": participant.sid, "status": "read"}
        made.append(resource(family.simulator.control("POST", path, report)["sid"]))
    return resource, [receipt.fetch() for receipt in made]


def services(family):
    resource = family.v1.services
    default = family.v1.configuration().fetch().default_chat_service_sid
    made = [resource.create(friendly_name=f"{number}") for number in range(3)]
    return resource, [resource(default).fetch(), resource(SERVICE).fetch()] + made


# Of each list: what is in it, what is asked for besides the page, and whether the newest comes first.
LISTS = {
    "webhooks": (webhooks, {}, False),
    "conversations": (conversations, {}, False),
    "active conversations": (conversations, {"state": "active"}, False),
    "messages": (messages, {}, False),
    "messages, oldest first": (messages, {"order": "asc"}, False),
    "messages, newest first": (messages, {"order": "desc"}, True),
    "participants": (participants, {}, False),
    "receipts": (receipts, {}, False),
    "services": (services, {}, False),
}


@pytest.fixture(params=LISTS)
def listing(family, request):
    """A list of five things: the resource, what is asked of it, and the SIDs in their order."""
    make, wanted, newest_first = LISTS[request.param]
    resource, made = make(family)
    return resource, wanted, sids(made)[::-1] if newest_first else sids(made)


def test_a_list_goes_page_by_page_to_its_end_and_back(listing):
    resource, wanted, every = listing
    pages = [resource.page(page_size=2, **wanted)]
    while page := pages[-1].next_page():
        pages.append(page)
    assert [sids(page) for page in pages] == [every[:2], every[2:4], every[4:]]
    second = pages[-1].previous_page()
    first = second.previous_page()
    assert (sids(second), sids(first)) == (every[2:4], every[:2])
    assert first.previous_page() is None
    assert sids(resource.get_page(pages[0].next_page_url)) == every[2:4]


def test_a_list_is_whole_whatever_the_size_of_its_pages(listing):
    resource, wanted, every = listing
    for size in (1, 4, 5, None):
        assert sids(resource.list(page_size=size, **wanted)) == every
    assert sids(resource.stream(page_size=3, **wanted)) == every
    assert sids(resource.list(page_size=2, limit=3, **wanted)) == every[:3]
    assert sids(resource.stream(limit=4, **wanted)) == every[:4]
    assert sids(resource.page(page_number=1, page_size=3, **wanted)) == every[3:]


def refusal(call):
    """How the library shows a refused list: the answer is all that it keeps."""
    with pytest.raises(TwilioException) as refused:
        call()
    message, response = refused.value.args
    assert message == "Unable to fetch page"
    return response.status_code, json.loads(response.text)["code"]


def test_a_token_of_no_list_or_of_another_one_is_refused(listing, default):
    resource, wanted, _ = listing
    other = default.v1.services(SERVICE).conversations
    other.create()
    foreign = other.page(page_size=1, state="active").next_page_url.split("PageToken=")[1]
    own = resource.page(page_size=2, **wanted).next_page_url.split("PageToken=")[1]
    assert sids(resource.page(page_token=own, **wanted))
    for token in ("", "PT", "nonsense", own[:-1], own + "0", own.replace("PT", "PB")):
        assert refusal(lambda token=token: resource.page(page_token=token, **wanted)) == (400, 21481), token
    if resource._uri != other._uri:
        assert refusal(lambda: resource.page(page_token=foreign, **wanted)) == (400, 21481)


@pytest.mark.parametrize("parameters", [{"page_size": "many"}, {"page_number": -1}])
def test_a_page_that_is_no_number_is_refused(family, parameters):
    assert refusal(lambda: family.conversation.webhooks.page(**parameters)) == (400, 20001)


def test_what_comes_and_goes_between_two_pages_neither_repeats_nor_hides_anything(family):
    resource, made = messages(family)
    page = resource.page(page_size=2)
    made[1].delete()
    made[2].delete()
    late = resource.create(body="late")
    rest = page.next_page()
    assert sids(rest) == [made[3].sid, made[4].sid]
    assert sids(rest.next_page()) == [late.sid]


def test_filters_of_conversations_hold_on_every_page(family):
    made = {
        day: family.conversations.create(date_created=datetime(2024, 1, day, 12, tzinfo=timezone.utc))
        for day in range(1, 8)
    }
    for day in (3, 6):
        made[day].update(state="closed")

    def listed(**wanted):
        by_sid = {conversation.sid: day for day, conversation in made.items()}
        return [by_sid.get(sid) for sid in sids(family.conversations.list(page_size=2, **wanted))]

    today = None
    assert listed() == [today, 1, 2, 3, 4, 5, 6, 7]
    assert listed(start_date="2024-01-02", end_date="2024-01-07") == [2, 3, 4, 5, 6]
    assert listed(start_date="2024-01-03", end_date="2024-01-07", state="active") == [4, 5]
    assert listed(state="closed") == [3, 6]
    assert listed(state="inactive") == []
    assert listed(end_date="2024-01-03T12:00:00Z") == [1, 2, 3]
    page = family.conversations.page(page_size=1, state="closed", start_date="2024-01-01")
    assert "State=closed" in page.next_page_url and "StartDate=2024-01-01" in page.next_page_url
    assert sids(page.next_page()) == [made[6].sid]


def test_a_page_has_its_usual_size_unless_asked_and_never_more_than_the_largest(default):
    people = [{"identity": f"{number}"} for number in range(120)]
    seed = {"sid": "CH00000000000000000000000000000009", "participants": people}
    default.simulator.control("POST", f"/accounts/{default.client.account_sid}/conversations", seed)
    participants = default.v1.conversations(seed["sid"]).participants
    assert [len(list(participants.page(page_size=size))) for size in (50, 100, 1000)] == [50, 100, 100]
    assert len(list(participants.page())) == 50
    assert [participant.identity for participant in participants.list()] == [
        person["identity"] for person in people
    ]

    default.simulator.control("POST", f"/conversations/{default.sid}/fill-slots")
    assert len(list(default.conversation.webhooks.page(page_size=50))) == 5


@pytest.mark.parametrize("limit", ["five", "thousand"])
def test_webhooks_may_come_newest_first(default, limit):
    default.simulator.switch(listOrder="newestFirst", pageLimit=limit)
    resource, made = webhooks(default)
    assert sids(resource.list(page_size=2)) == sids(made)[::-1]
