"""Asks the same database for the same rows as the API does, with nothing in between: what SQLite alone takes.

Arguments: the database, how often. Prints the median and 95th percentile of each question in milliseconds as JSON.
"""

import json
import random
import sqlite3
import sys
import time


def timed(connection, rounds, sql, arguments):
    took = []
    for _ in range(rounds):
        given = arguments()
        began = time.perf_counter()
        connection.execute(sql, given).fetchall()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {"p50_ms": took[len(took) // 2], "p95_ms": took[len(took) * 95 // 100]}


def main():
    path, rounds = sys.argv[1], int(sys.argv[2])
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    chance = random.Random(1)
    ids = [row[0] for row in connection.execute("SELECT id FROM instances ORDER BY id LIMIT 5000")]
    times = [row[0] for row in connection.execute("SELECT sort_at FROM instances ORDER BY id LIMIT 5000")]
    workspace = connection.execute("SELECT workspace_id FROM instances LIMIT 1").fetchone()[0]
    columns = "id, topic, host_email, state, start_at, end_at, participants_count"
    print(json.dumps({
        "version": sqlite3.sqlite_version,
        "rows": connection.execute("SELECT COUNT(*) FROM instances").fetchone()[0],
        "page": timed(connection, rounds, f"SELECT {columns} FROM instances WHERE workspace_id = ? AND sort_at < ? "
                      "AND deleted_at IS NULL ORDER BY sort_at DESC, id DESC LIMIT 50",
                      lambda: (workspace, chance.choice(times))),
        "one": timed(connection, rounds, "SELECT * FROM instances WHERE id = ?", lambda: (chance.choice(ids),)),
        "count": timed(connection, max(rounds // 10, 3), "SELECT COUNT(*) FROM instances WHERE deleted_at IS NULL", lambda: ()),
    }))


main()
