#!/bin/sh
# No help page at all.
echo "no help here <img src=x onerror='window.broken = 1'>" >&2
exit 1
