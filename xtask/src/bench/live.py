"""From a webhook to what was said being searchable and analysed: meetings held one after the other.

Arguments: the simulator's address, the server's, how many meetings, the secret of the webhooks. Prints milliseconds.
"""

import json
import sys
import time
import urllib.parse
import urllib.request
from datetime import datetime

zoom, server, count, secret = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]


def call(base, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://{base}{path}", data=data, headers={"content-type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def instant(text):
    # Python reads six digits of a fraction at most.
    head, _, fraction = text.rstrip("Z").partition(".")
    return datetime.fromisoformat(head + "." + (fraction + "000000")[:6] + "+00:00").timestamp() * 1000


def told(after):
    """Domain events behind a place, and the place behind them."""
    found = []
    while True:
        page = call(server, f"/v1/domain-events?limit=200&after={after}")
        found += page["items"]
        if page["items"]:
            after = page["items"][-1]["seq"]
        if not page.get("next"):
            return found, after


made = call(zoom, "/_sim/subscriptions", {"url": f"http://{server}/webhooks/zoom", "events": ["*"], "secret_token": secret})
assert made["validated"], made
place, searchable, analysed = 0, [], []
for _ in range(count):
    _, place = told(place)
    uuid = call(zoom, "/_sim/live", {"jump": True})["uuid"]
    began, seen = time.monotonic(), []
    while True:
        assert time.monotonic() - began < 60, f"the meeting {uuid} was not analysed"
        more, place = told(place)
        seen += more
        ready = {event["type"]: event for event in seen if event["type"] in ("transcript.ready", "insights.ready")}
        if len(ready) == 2:
            break
        time.sleep(0.02)
    events = call(server, "/v1/events?event=recording.transcript_completed&limit=1")["items"]
    accepted = instant(events[0]["received"])
    meeting = call(server, "/v1/meetings/" + urllib.parse.quote(ready["transcript.ready"]["subject_id"], safe=""))
    assert meeting["uuid"] == uuid, (meeting["uuid"], uuid)
    searchable.append(instant(ready["transcript.ready"]["at"]) - accepted)
    analysed.append(instant(ready["insights.ready"]["at"]) - accepted)


def percentiles(values):
    values = sorted(values)
    return [values[(len(values) - 1) * part // 100] for part in (50, 95, 100)]


print(json.dumps({"meetings": count, "searchable": percentiles(searchable), "analysed": percentiles(analysed)}))
