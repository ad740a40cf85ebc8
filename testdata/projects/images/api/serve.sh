while read -r name; do
  echo "$(cat /greeting) $name"
done
