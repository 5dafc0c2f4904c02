"""Puts examples of what is there into the served description, so that operations find something: prepare.py BASE KEY FILE."""
import json, sys, time, urllib.error, urllib.parse, urllib.request

base, key, target = sys.argv[1:4]


def ask(path, body=None):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(base + path, data, headers)) as answer:
        return json.load(answer)


def run(name, **given):
    return ask(f"/v1/actions/{name}", given)["output"]


def first(path):
    return (ask(path)["items"] or [{}])[0]


document = ask("/v1/openapi.json")
users = run("user.list", limit=100)["items"]
host = users[0]["email"]
made = run("meeting.create", host=host, topic="Example", start="2030-01-07T09:00:00Z", duration_minutes=30,
           settings={"registration": "manual"})
deleted = run("meeting.create", host=host, topic="To delete", start="2030-01-07T09:00:00Z")
held = first("/v1/meetings?has_recording=true") or first("/v1/meetings")
talked = first("/v1/transcripts")
recording = first("/v1/recordings")
files = ask(f"/v1/meetings/{held['id']}/files")["items"] if held else []
stored = next((one for one in files if one["stored"]), files[0] if files else {"id": "none"})
person = {"meeting": made["number"], "email": "bo@example.org", "first_name": "Bo", "last_name": "Berg"}
registration = run("registrant.add", **person)

def webinars():
    """A host who may hold webinars, and one of that host's webinars."""
    for user in users:
        try:
            run("webinar.list", host=user["email"])
        except urllib.error.HTTPError:
            continue
        return user["email"], [run("webinar.create", host=user["email"], topic="Webinar", start="2030-01-07T09:00:00Z",
                                   registration="manual")["number"] for _ in range(2)]
    return host, [made["number"], made["number"]]


presenter, (webinar, doomed) = webinars()
inputs = {
    "webinar.list": {"host": presenter},
    "webinar.get": {"webinar": webinar},
    "webinar.create": {"host": presenter, "topic": "Launch", "start": "2030-01-07T09:00:00", "timezone": "Europe/Berlin"},
    "webinar.update": {"webinar": webinar, "topic": "Changed"},
    "webinar.delete": {"webinar": doomed},
    "meeting.create": {"host": host, "topic": "Planning", "start": "2030-01-07T09:00:00", "timezone": "Europe/Berlin"},
    "meeting.get": {"meeting": made["number"]},
    "meeting.update": {"meeting": made["number"], "topic": "Changed"},
    "meeting.list": {"host": host},
    "meeting.delete": {"meeting": deleted["number"]},
    "meeting.invitation": {"meeting": made["number"]},
    "user.get": {"user": host},
    "user.list": {"limit": 5},
    "recording.list": {"host": host, "from": "2026-10-01", "to": "2026-11-22"},
    "recording.get": {"meeting": held.get("uuid", "x")},
    "recording.download": {"file": stored["id"]},
    "transcript.get": {"meeting": talked.get("uuid", "x")},
    "participants.list": {"meeting": held.get("uuid", "x")},
    "report.participants": {"meeting": held.get("uuid", "x")},
    "summary.get": {"meeting": held.get("uuid", "x")},
    "registrant.add": {**person, "email": "cy@example.org"},
    "registrant.list": {"meeting": made["number"], "status": "pending"},
    "registrant.approve": {"meeting": made["number"], "registrants": [{"id": registration["id"]}]},
    "search": {"query": "the"},
    "availability.find": {"people": [host], "minutes": 30},
    "availability.suggest": {"people": [host], "optional": ["cy@example.org"]},
    "schedule.create": {"title": "Planning", "start": "2030-01-09T09:00:00Z", "host": host, "allow_conflicts": True},
}
standing = {"title": "Standing", "start": "2030-01-08T09:00:00Z", "host": host}
ask("/v1/schedules", standing)
schedule = first("/v1/schedules").get("id")
# What happened is read by the destination within moments.
deadline = time.monotonic() + 30
while not (deliveries := ask("/v1/deliveries")["items"]) and time.monotonic() < deadline:
    time.sleep(0.2)
delivery = [one["id"] for one in deliveries] or [None]
hook = {"url": "http://127.0.0.1:9/hooks", "private_networks": True}
streams = ask("/v1/destinations/out")["streams"]
paths = {
    "/v1/meetings/{id}": held.get("id"), "/v1/meetings/{id}/transcript": talked.get("meeting_id"),
    "/v1/meetings/{id}/chat": held.get("id"), "/v1/meetings/{id}/files": held.get("id"),
    "/v1/recordings/{id}": recording.get("id"), "/v1/files/{id}/content": stored["id"],
    "/v1/transcripts/{id}": talked.get("id"), "/v1/events/{id}": first("/v1/events").get("id"),
    "/v1/events/{id}/replay": first("/v1/events").get("id"), "/v1/jobs/{id}": first("/v1/jobs").get("id"),
    "/v1/jobs/{id}/retry": first("/v1/jobs?state=dead").get("id") or first("/v1/jobs").get("id"),
    "/v1/jobs/{id}/drop": first("/v1/jobs?state=waiting").get("id") or first("/v1/jobs").get("id"),
    **{f"/v1/backfills/{{id}}{verb}": first("/v1/backfills").get("id") for verb in ["", "/pause", "/resume", "/cancel"]}, "/v1/connections/{id}": "env",
    **{f"/v1/connections/{{id}}/{verb}": "env" for verb in ["check", "rename", "reconnect-link"]},
    **{f"/v1/schedules/{{id}}{verb}": schedule for verb in ["", "/reschedule", "/cancel", "/retry"]},
    "/v1/actions/{name}": "meeting.create", "/v1/components/{name}/check": "search",
    "/v1/components/{name}/activate": "console", "/v1/components/{name}/deactivate": "console",
    **{f"/v1/destinations/{{name}}{verb}": "out"
       for verb in ["/backfill", "/configure", "/disable", "/enable", "/rotate", "/test"]},
    "/v1/destinations/{name}": "doomed", "/v1/deliveries/{id}": delivery[0], "/v1/deliveries/{id}/retry": delivery[0],
    "/v1/deliveries/{id}/drop": delivery[-1], **{f"/v1/streams/{{id}}{verb}": streams[0]["id"] for verb in ["/pause", "/resume"]},
    "/v1/keys/{key}": ask("/v1/keys", {"name": "to revoke", "role": "read"})["id"],
}
queries = {"/v1/search": {"q": "the"}, "/v1/domain-events/stream": {"after": 0, "limit": 1}}
span = {"since": "2026-11-01"}
bodies = {"/v1/connections/{id}/rename": {"name": "env"}, "/v1/schedules": {**standing, "allow_conflicts": True}, "/v1/schedules/preview": standing,
          "/v1/availability": {"people": [host]}, "/v1/availability/suggestions": {"people": [host]},
          "/v1/schedules/{id}/reschedule": {"title": "Moved"}, "/v1/keys": {"name": "made by a test", "role": "read"}, "/v1/backfills": span, "/v1/backfills/plan": span,
          "/v1/destinations": {"kind": "webhook", "name": "another", "config": hook}, "/v1/destinations/{name}/configure": {"config": hook},
          "/v1/destinations/{name}/rotate": {"hours": 1}, "/v1/destinations/{name}/backfill": {}, "/v1/deliveries/retry": {"destination": "out"},
          "/v1/components/{name}/activate": {"settings": {}, "anyway": False}}

for path, methods in document["paths"].items():
    for method, operation in methods.items():
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and paths.get(path):
                parameter["example"] = paths[path]
            elif parameter["in"] == "query" and parameter["name"] in queries.get(path, {}):
                parameter["example"] = queries[path][parameter["name"]]
        body = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            name = path.removeprefix("/v1/actions/")
            given = inputs.get(name) or bodies.get(path)
            body.pop("examples", None)
            if given is not None:
                body["example"] = given
# A stream has no end of its own, and streams are no JSON.
document["paths"].pop("/v1/domain-events/stream")
json.dump(document, open(target, "w"))
