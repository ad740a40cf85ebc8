# Reads the page that the site serves, says so, and waits for the next save.
greeting='good morning'
page=$(busybox wget -q -O - "http://127.0.0.1:$1/index.html" | tail -n 1)
echo "$greeting, $page"
touch public/greeted
exec sleep 3600
