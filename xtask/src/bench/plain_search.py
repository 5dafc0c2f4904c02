"""Plain full-text search over the utterances of a Parfocal database: one FTS5 table, the twenty best with their snippets.

Writes the texts and the queries it asked, one a line, into the folder, for whoever is measured beside it; prints how long
its own answers took, as JSON. Every query is asked twice and timed the second time; past the seconds none is asked any more.
Usage: plain_search.py DATABASE FOLDER COUNT SECONDS
"""

import json
import os
import random
import re
import sqlite3
import sys
import time

database, folder, count, seconds = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
index = os.path.join(folder, "plain.db")
if os.path.exists(index):
    os.remove(index)
read = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
texts = [" ".join(text.split()) for (text,) in read.execute("SELECT text FROM utterances ORDER BY n")]
plain = sqlite3.connect(index)
plain.execute("CREATE VIRTUAL TABLE said USING fts5(text)")
plain.executemany("INSERT INTO said (rowid, text) VALUES (?, ?)", enumerate(texts, 1))
plain.execute("INSERT INTO said (said) VALUES ('optimize')")
plain.commit()

chance = random.Random(1)
queries = []
while len(queries) < count:
    words = [word.lower() for word in re.findall(r"[A-Za-z]{2,}", chance.choice(texts))]
    # These are operators of query languages.
    words = [word for word in words if word not in ("or", "and", "not", "near", "in", "to")]
    length = chance.randint(1, 3)
    if len(words) >= length:
        start = chance.randrange(len(words) - length + 1)
        queries.append(" ".join(words[start : start + length]))
for name, lines in (("texts.txt", texts), ("queries.txt", queries)):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        file.writelines(line + "\n" for line in lines)


def measure(joiner):
    times = []
    end = time.monotonic() + seconds
    for query in queries:
        if time.monotonic() > end:
            break
        match = joiner.join(f'"{word}"' for word in query.split())
        for measured in (False, True):
            began = time.perf_counter()
            plain.execute("SELECT rowid, snippet(said, 0, '[', ']', '…', 16) FROM said WHERE said MATCH ? ORDER BY rank LIMIT 20", (match,)).fetchall()
            if measured:
                times.append((time.perf_counter() - began) * 1e3)
    times.sort()
    return times[len(times) * 50 // 100], times[len(times) * 95 // 100], len(times)


either, every = measure(" OR "), measure(" AND ")
print(json.dumps({
    "rows": len(texts), "version": sqlite3.sqlite_version, "asked": either[2],
    "p50_ms": either[0], "p95_ms": either[1], "and_p50_ms": every[0], "and_p95_ms": every[1],
}))
