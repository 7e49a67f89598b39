"""Runs a command for as long as its parent lives: `leash.py COMMAND [ARGS...]`.

The parent holds the other end of standard input and writes nothing. When it ends, however it ends, the pipe closes and
the command is told to stop; so no server outlives the sandbox that started it, not even after a SIGKILL.
"""

import subprocess
import sys
import threading


def main() -> int:
    child = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)

    def follow_parent() -> None:
        sys.stdin.buffer.read()
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()

    threading.Thread(target=follow_parent, daemon=True).start()
    return child.wait()


sys.exit(main())
