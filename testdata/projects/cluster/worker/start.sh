echo "worker begins as $ROLE"
trap 'exit 0' TERM INT
round=0
while :; do
  round=$((round + 1))
  echo "round $round"
  sleep 2 &
  wait $!
done
