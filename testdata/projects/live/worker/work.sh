echo "at work"
exec sleep 100000
