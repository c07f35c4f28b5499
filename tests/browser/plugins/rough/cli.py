#!/bin/sh
# A page of no parser that could be asked, with a choice of which nobody can tell where it ends.
cat <<'PAGE'
usage: rough [-h] [--join {a,b,,c}] [--level LEVEL]

Joins things.

options:
  -h, --help       show this help message and exit
  --join {a,b,,c}  what stands between
  --level LEVEL    one of: low, high
PAGE
