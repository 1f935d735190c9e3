"""How Twilio's library shows what Twilio refuses."""

import json

import pytest
from refusals import REFUSALS
from refusing import CLOSE, STUDIO
from twilio.base.exceptions import TwilioException, TwilioRestException
from webhook_refusals import WEBHOOK_REFUSALS
from world import KEY, SECRET, variants

CASES = REFUSALS + WEBHOOK_REFUSALS

# What the library says before Twilio's own text, by the method of the request.
BEGINNINGS = {
    "POST": ("create", "update"),
    "GET": ("fetch",),
    "PUT": ("fetch",),
    "DELETE": ("delete", "fetch"),
}


@pytest.mark.parametrize("case", CASES, ids=[f"{case.refusal}-{number}" for number, case in enumerate(CASES)])
def test_a_refusal(default, case):
    case.before(default)
    default.simulator.switch(**dict(case.switches))
    with pytest.raises(TwilioException) as refused:
        case.call(default)
    error, request = refused.value, default.simulator.journal()[-1]
    text = case.text.format(path=request["path"])

    assert (request["status"], request["code"]) == (case.status, case.code)
    assert not request["committed"]
    if isinstance(error, TwilioRestException):
        assert (error.status, error.code) == (case.status, case.code)
        assert error.msg in [f"Unable to {verb} record: {text}" for verb in BEGINNINGS[request["method"]]]
        assert (error.method, f"/v1{error.uri}") == (request["method"], request["path"])
    else:
        # A list that is refused: the library keeps no more than the answer.
        message, response = error.args
        assert (message, response.status_code) == ("Unable to fetch page", case.status)
        assert json.loads(response.text) == {
            "code": case.code,
            "message": text,
            "more_info": f"https://www.twilio.com/docs/errors/{case.code}",
            "status": case.status,
        }


def test_every_refusal_is_met():
    # The library sends each request whole.
    assert variants("api/refusal.rs", "Refusal") - {case.refusal for case in CASES} == {"BodyUnreadable"}


def test_a_closed_conversation_lets_its_webhooks_go(default):
    created = default.conversation.webhooks.create(**STUDIO)
    CLOSE(default)
    assert created.delete() is True


def test_a_refused_webhook_is_nowhere(default):
    for case in WEBHOOK_REFUSALS:
        if case.refusal != "TooManyWebhooks" and not case.switches:
            case.before(default)
            with pytest.raises(TwilioException):
                case.call(default)
    assert default.simulator.control("GET", "/ledger")["webhooks"] == []


def test_an_answer_has_the_headers_by_which_twilio_is_asked_about_it(default):
    answer = default.conversation.webhooks.create_with_http_info(**STUDIO)
    assert answer.status_code == 201
    assert answer.headers["Content-Type"] == "application/json;charset=utf-8"
    assert answer.headers["Twilio-Request-Id"] == default.simulator.journal()[-1]["requestId"]
    assert int(answer.headers["Twilio-Concurrent-Requests"]) == 1
    assert float(answer.headers["Twilio-Request-Duration"]) >= 0
    webhook = default.conversation.webhooks(answer.data.sid)
    calls = (webhook.fetch_with_http_info, webhook.update_with_http_info, webhook.delete_with_http_info)
    assert [call().status_code for call in calls] == [200, 200, 204]


def test_credentials_are_judged_anew_with_each_request(default):
    client = default.simulator.client(KEY, SECRET)
    configuration = client.conversations.v1.configuration()
    assert configuration.fetch().account_sid == default.client.account_sid
    default.simulator.control("DELETE", f"/keys/{KEY}")
    with pytest.raises(TwilioRestException) as refused:
        configuration.fetch()
    assert (refused.value.status, refused.value.code) == (401, 20003)
