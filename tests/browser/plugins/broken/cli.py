#!/bin/sh
# No help page at all.
echo "no help here"
