#!/bin/sh
# Writes the front page: a greeting and a link to each page.
cd /srv/pages || exit
{
  echo "<h1>$GREETING</h1><ul>"
  for page in *.html; do
    [ "$page" = index.html ] || echo "<li><a href=\"$page\">${page%.html}</a></li>"
  done
  echo '</ul>'
} > .index && mv .index index.html
