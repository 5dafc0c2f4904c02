"""Counts which operations reached a 2xx, from Schemathesis's NDJSON report: judge.py DESCRIPTION REPORT."""
import json, sys

# What no example can reach here, and why.
ABSENT = {
    "GET /v1/events/{id}": "no event comes in: nobody delivers webhooks to this server",
    "POST /v1/events/{id}/replay": "no event comes in: nobody delivers webhooks to this server",
    "POST /v1/actions/meeting.end": "no meeting is running",
    "DELETE /v1/connections/{id}": "the environment's connection stays while it is configured",
    "POST /v1/connections/{id}/reconnect-link": "nobody agrees for a server-to-server app",
    "POST /v1/jobs/{id}/retry": "every job did its work, and such a one is not retried",
}

document = json.load(open(sys.argv[1]))
wanted = {f"{method.upper()} {path}" for path, methods in document["paths"].items() for method in methods}
reached = set()


def look(value, label=None):
    if isinstance(value, dict):
        label = value.get("label", label)
        status = value.get("status_code")
        if isinstance(status, int) and 200 <= status < 300 and label in wanted:
            reached.add(label)
        for inner in value.values():
            look(inner, label)
    elif isinstance(value, list):
        for inner in value:
            look(inner, label)


for line in open(sys.argv[2]):
    look(json.loads(line))
missed = sorted(wanted - reached)
part = len(reached) / len(wanted)
print(f"{len(reached)} of {len(wanted)} operations reached a 2xx ({part:.0%})")
for name in missed:
    print(f"   not reached: {name}" + (f" ({ABSENT[name]})" if name in ABSENT else ""))
sys.exit(0 if part >= 0.8 else 1)
