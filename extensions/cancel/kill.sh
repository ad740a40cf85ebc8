#!/bin/sh
# Ends a command by its name. Further arguments go to `kill`, such as -9.
set -eu
name=$1
shift
process=$("${TILT:-tilt}" get cmd "$name" -o 'jsonpath={.status.running.pid}')
if [ -z "$process" ]; then
    echo "Cmd $name not running" >&2
    exit 1
fi
kill "$@" "$process"
