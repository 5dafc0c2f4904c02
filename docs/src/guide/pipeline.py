"""Writes what was said about a topic into a Markdown file, with who said it and where: pipeline.py BASE WORDS FILE."""
import json, os, sys, urllib.error, urllib.request

base, words, target = sys.argv[1:4]

def run(action, **given):
    headers = {"Content-Type": "application/json"}
    if key := os.environ.get("PARFOCAL_KEY"):
        headers["Authorization"] = f"Bearer {key}"
    request = urllib.request.Request(f"{base}/v1/actions/{action}", json.dumps(given).encode(), headers)
    try:
        return json.load(urllib.request.urlopen(request))["output"]
    except urllib.error.HTTPError as refused:
        problem = json.load(refused)
        sys.exit(f"{action}: {problem['detail']} {problem.get('hint', '')}")

with open(target, "w", encoding="utf-8") as notes:
    for hit in run("search", query=f"{words} kind:said", limit=20)["items"]:
        notes.write(f"- **{hit['speaker']}**: {hit['snippet']} ({hit['topic']}, cue {hit['cue_from']})\n")
