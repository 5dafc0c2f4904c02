"""Plain full-text search for questions about meetings: one FTS5 table of turns, any word of the question, BM25.

Reads the same JSON as the program that is measured, and prints the same ranks.
"""

import json
import re
import sqlite3
import sys

data = json.load(sys.stdin)
plain = sqlite3.connect(":memory:")
plain.execute("CREATE VIRTUAL TABLE said USING fts5(text, meeting UNINDEXED, turn UNINDEXED)")
for at, meeting in enumerate(data["meetings"]):
    rows = ((turn["text"], at, n) for n, turn in enumerate(meeting["turns"]))
    plain.executemany("INSERT INTO said VALUES (?, ?, ?)", rows)

ranks = []
for question in data["questions"]:
    match = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question["text"]))
    order = plain.execute("SELECT meeting, turn FROM said WHERE said MATCH ? ORDER BY rank", (match,)).fetchall()
    meetings = list(dict.fromkeys(meeting for meeting, _ in order))[:10]
    turns = [turn for meeting, turn in order if meeting == question["meeting"]][:10]
    right = [any(first <= turn <= last for first, last in question["spans"]) for turn in turns]
    ranks.append({
        "meeting": meetings.index(question["meeting"]) if question["meeting"] in meetings else None,
        "turn": right.index(True) if True in right else None,
    })
print(json.dumps(ranks))
