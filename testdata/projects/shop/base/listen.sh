#!/bin/sh
# Answers every connection to a port with the time, and lives until it is stopped.
exec nc -ll -p "$1" -e date
