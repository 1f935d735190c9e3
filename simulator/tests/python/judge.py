"""What is asked of every delivery, with Twilio's own validator as the judge of its signature."""

import re
from datetime import datetime, timedelta, timezone
from urllib.parse import urlencode, urlsplit

from twilio.request_validator import RequestValidator
from world import TOKEN, moment

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def told(received):
    """The fields that the bot was told, wherever they stood; none of them twice."""
    pairs = received.form if received.method == "POST" else received.query
    pairs = [(name, value) for name, value in pairs if name != "tenant"]
    fields = dict(pairs)
    assert len(fields) == len(pairs)
    return fields


def forgeries(received):
    """The request with one thing changed, each way once: a field, the URL, what is there, what is not."""
    form, url = dict(received.form), urlsplit(received.url)
    for name, value in form.items():
        yield f"{name} changed", received.url, form | {name: f"{value}x"}
        yield f"{name} emptied or filled", received.url, form | {name: "" if value else "x"}
        yield f"{name} removed", received.url, {key: form[key] for key in form if key != name}
    yield "a field added", received.url, form | {"Extra": "x"}
    for number, (name, value) in enumerate(received.query):

        def query(*pairs, number=number):
            pairs = received.query[:number] + list(pairs) + received.query[number + 1 :]
            return url._replace(query=urlencode(pairs)).geturl()

        yield f"{name} of the query changed", query((name, f"{value}x")), form
        yield f"{name} of the query removed", query(), form
    yield "the query extended", f"{received.url}&x=1", form
    yield "another path", url._replace(path=f"{url.path}/x").geturl(), form
    yield "another scheme", url._replace(scheme="https").geturl(), form
    yield "another host", url._replace(netloc=f"localhost:{url.port}").geturl(), form


def check_signature(received, token=TOKEN):
    """The request is the account's, and would not be with anything changed."""
    form = dict(received.form)
    assert RequestValidator(token).validate(received.url, form, received.signature)
    assert not RequestValidator(f"{token}x").validate(received.url, form, received.signature)
    accepted = [
        what
        for what, url, fields in forgeries(received)
        if RequestValidator(token).validate(url, fields, received.signature)
    ]
    assert accepted == []


def check_headers(received):
    headers = received.headers
    assert headers["User-Agent"] == "TwilioProxy/1.1"
    assert headers["Accept"] == "*/*"
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", headers["I-Twilio-Idempotency-Token"])
    if received.method == "POST":
        assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    else:
        assert received.body == ""


def check_dates(dates, expected):
    """Each date is of this minute and, where the library shows it, too, the same but for the milliseconds."""
    now = datetime.now(timezone.utc)
    for name, date in dates.items():
        assert MOMENT.fullmatch(date), name
        assert now - timedelta(minutes=1) < moment(date) <= now, name
        second = moment(date).replace(microsecond=0)
        assert second == expected.get(name, second), name
