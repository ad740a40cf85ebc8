#!/bin/sh
# Watches the commands of this Tilt and gives those that run a button that ends them.
set -eu
: "${TILT:=tilt}"
here=$(cd "$(dirname "$0")" && pwd)

remove() {
    "$TILT" delete cmd "$1:cancel" --ignore-not-found
    "$TILT" delete uibutton "$1:cancel" --ignore-not-found
}

# The object as `resource|owner from the label|owner from the annotation|process`.
describe() {
    annotations='{.metadata.annotations.tilt\.dev/resource}|{.metadata.labels.tilt\.dev/owner-kind}'
    "$TILT" get cmd "$1" --ignore-not-found \
        -o "jsonpath=$annotations|{.metadata.annotations.tilt\.dev/owner-kind}|{.status.running.pid}"
}

add() {
    "$TILT" apply -f - <<END
apiVersion: tilt.dev/v1alpha1
kind: UIButton
metadata:
  name: "$1:cancel"
spec:
  text: Cancel
  location:
    componentType: resource
    componentID: "$2"
---
apiVersion: tilt.dev/v1alpha1
kind: Cmd
metadata:
  name: "$1:cancel"
  annotations:
    tilt.dev/resource: "$2"
    tilt.dev/log-span-id: "$1:cancel"
spec:
  args: ["sh", "./kill.sh", "$1"]
  dir: "$here"
  env: ["TILT=$TILT"]
  startOn:
    uiButtons: ["$1:cancel"]
END
}

reconcile() {
    found=$(describe "$1")
    if [ -z "$found" ]; then
        remove "$1"
        return
    fi
    resource=${found%%|*} rest=${found#*|}
    label=${rest%%|*} rest=${rest#*|}
    owner=${label:-${rest%%|*}} process=${rest#*|}
    # Our own buttons' commands, among others, belong to nobody and get no button.
    case $owner in
        Tiltfile | CmdServer) ;;
        *) return ;;
    esac
    if [ -z "$resource" ]; then
        return
    elif [ -z "$process" ]; then
        remove "$1"
    else
        add "$1" "$resource"
    fi
}

echo 'operator:cancel adds a Cancel button to resources whose local command runs'
"$TILT" get cmd --watch -o name | while read -r name; do
    reconcile "${name#cmd.tilt.dev/}" || echo "cannot update the button of $name" >&2
done
