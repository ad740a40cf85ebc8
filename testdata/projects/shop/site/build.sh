#!/bin/sh
# Makes the handbook that `site` serves.
set -eu
cd "$(dirname "$0")"
mkdir -p out
{ echo '<pre>'; cat handbook.txt; echo '</pre>'; } > out/index.html
