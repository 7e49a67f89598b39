#!/usr/bin/env bash
# Makes docs/run.svg, the README's picture: what a terminal shows of a real `npm start`. Needs tmux, and Python with
# `rich` (pip install rich), which turns the screen into SVG.
set -euo pipefail
cd "$(dirname "$0")/.."

server="muster-picture-$$"
trap 'tmux -L "$server" kill-server 2>/dev/null || true' EXIT
tmux -L "$server" -f /dev/null new-session -d -x 120 -y 60 'npm start --silent'

screen() { tmux -L "$server" capture-pane -p "$@"; }
for _ in $(seq 300); do
  if screen | grep -q 'Try next'; then break; fi
  sleep 1
done
# From the command as a person would have typed it to the last line of the proof.
screen -e | sed -n '/muster up/,$p' | sed '/again: hello/q' |
  python3 -c '
import re, sys
from rich.console import Console
from rich.text import Text
console = Console(record=True, width=120, file=open("/dev/null", "w"))
console.print(Text.from_ansi(sys.stdin.read()))
svg = console.export_svg(title="npm start")
# The font is whatever monospace the reader has: a picture fetches nothing.
open("docs/run.svg", "w").write(re.sub(r"@font-face \{.*?\}", "", svg, flags=re.S))
'
tmux -L "$server" send-keys C-c
for _ in $(seq 30); do
  if ! tmux -L "$server" has-session 2>/dev/null; then break; fi
  sleep 1
done
