echo "api begins"
# A server that ends as soon as it is asked to.
trap 'exit 0' TERM INT
httpd -f -p 8000 -h /srv &
wait
