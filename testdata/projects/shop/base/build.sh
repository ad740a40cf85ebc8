#!/bin/sh
# Makes the base image, named by the first argument, of this machine's static busybox.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
context=$(mktemp -d)
trap 'rm -rf "$context"' EXIT
cp "$(command -v busybox)" "$context/busybox"
cp "$here/Dockerfile" "$here/listen.sh" "$context/"
docker build --tag "$1" "$context"
