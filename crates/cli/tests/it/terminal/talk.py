"""Runs a program on a terminal of its own and types what it is told to.

Arguments: a JSON file with {"program": [...], "talk": [[what to wait for, what to type], ...]}. Prints JSON: what the
terminal showed, how the program ended, and whether the terminal shows again what is typed.
"""

import fcntl
import json
import os
import pty
import select
import sys
import termios
import time

WAIT_SECONDS = 60

with open(sys.argv[1], encoding="utf-8") as file:
    play = json.load(file)

# The program's side is held open here too, so that the terminal can be asked after the program has gone.
terminal, held = pty.openpty()
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(held, termios.TIOCSCTTY, 0)
    for standard in range(3):
        os.dup2(held, standard)
    os.execv(play["program"][0], play["program"])

shown = b""
position = 0


def hear(deadline):
    """Reads what comes next; false at the end."""
    global shown
    left = deadline - time.monotonic()
    if left <= 0:
        os.kill(child, 9)
        sys.exit(f"it did not come: {shown.decode(errors='replace')}")
    ready, _, _ = select.select([terminal], [], [], left)
    if not ready:
        return True
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        return False
    shown += piece
    return bool(piece)


def echoes():
    return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)


hidden = []
for awaited, typed in play["talk"]:
    deadline = time.monotonic() + WAIT_SECONDS
    while awaited.encode() not in shown[position:]:
        if not hear(deadline):
            sys.exit(f"it ended before {awaited!r}: {shown.decode(errors='replace')}")
    position = shown.index(awaited.encode(), position) + len(awaited)
    if typed.startswith("hidden:"):
        typed = typed.removeprefix("hidden:")
        while echoes():
            if time.monotonic() > deadline:
                sys.exit("what is typed would be shown")
            time.sleep(0.01)
    hidden.append(not echoes())
    os.write(terminal, typed.encode())

deadline = time.monotonic() + WAIT_SECONDS
while True:
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:
        break
    if select.select([terminal], [], [], 0.02)[0]:
        hear(deadline)
    elif time.monotonic() > deadline:
        os.kill(child, 9)
        sys.exit(f"it does not end: {shown.decode(errors='replace')}")
while select.select([terminal], [], [], 0)[0] and hear(deadline):
    pass
print(json.dumps({
    "shown": shown.decode(errors="replace"),
    "code": os.waitstatus_to_exitcode(status),
    "hidden": hidden,
    "echo": echoes(),
}))
