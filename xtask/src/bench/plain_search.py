"""Plain full-text search over the utterances of a Parfocal database: one FTS5 table, an OR query, the twenty best.

Prints the queries it asked and how long they took, as JSON. Usage: plain_search.py DATABASE INDEX COUNT
"""

import json
import os
import random
import re
import sqlite3
import sys
import time

database, index, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
if os.path.exists(index):
    os.remove(index)
rows = sqlite3.connect(f"file:{database}?mode=ro", uri=True).execute("SELECT n, text FROM utterances ORDER BY n").fetchall()
plain = sqlite3.connect(index)
plain.execute("CREATE VIRTUAL TABLE said USING fts5(text)")
plain.executemany("INSERT INTO said (rowid, text) VALUES (?, ?)", enumerate((text for _, text in rows), 1))
plain.execute("INSERT INTO said (said) VALUES ('optimize')")
plain.commit()

chance = random.Random(1)
queries = []
while len(queries) < count:
    words = [word.lower() for word in re.findall(r"[A-Za-z]{2,}", chance.choice(rows)[1])]
    # These are operators of query languages.
    words = [word for word in words if word not in ("or", "and", "not", "near")]
    length = chance.randint(1, 3)
    if len(words) >= length:
        start = chance.randrange(len(words) - length + 1)
        queries.append(" ".join(words[start : start + length]))


def measure(joiner):
    times = []
    for measured in (False, True):
        for query in queries:
            match = joiner.join(f'"{word}"' for word in query.split())
            began = time.perf_counter()
            plain.execute("SELECT rowid, snippet(said, 0, '[', ']', '…', 16) FROM said WHERE said MATCH ? ORDER BY rank LIMIT 20", (match,)).fetchall()
            if measured:
                times.append((time.perf_counter() - began) * 1e3)
    times.sort()
    return times[len(times) * 50 // 100], times[len(times) * 95 // 100]


either, every = measure(" OR "), measure(" AND ")
print(json.dumps({
    "queries": queries, "rows": len(rows), "version": sqlite3.sqlite_version,
    "p50_ms": either[0], "p95_ms": either[1], "and_p50_ms": every[0], "and_p95_ms": every[1],
}))
