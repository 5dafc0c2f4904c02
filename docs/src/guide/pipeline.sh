#!/bin/sh
# Schedules a review for everybody who held a meeting lately, once a day whatever happens: ./pipeline.sh http://127.0.0.1:8080
set -eu
base=$1
run() { # run NAME INPUT [KEY]: the output of an action
  curl -sS --fail-with-body -X POST "$base/v1/actions/$1" -H 'Content-Type: application/json' \
    ${PARFOCAL_KEY:+-H "Authorization: Bearer $PARFOCAL_KEY"} ${3:+-H "Idempotency-Key: $3"} -d "$2"
}
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
run user.list '{"limit":3}' | tr '{' '\n' | field email | while read -r host || [ -n "$host" ]; do
  meeting=$(run meeting.create "{\"host\":\"$host\",\"topic\":\"Review\",\"start\":\"2030-01-07T09:00:00Z\",
    \"duration_minutes\":15,\"settings\":{\"waiting_room\":true}}" "review-$host-2030-01-07")
  number=$(printf '%s' "$meeting" | tr '{' '\n' | field number | head -n 1)
  echo "$host $number"
done
