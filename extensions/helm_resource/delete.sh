#!/bin/sh
# Uninstalls a release; one that is not there is fine. Variables: RELEASE_NAME, NAMESPACE, K8S_CONTEXT.
set -eu

set --
[ -z "${NAMESPACE:-}" ] || set -- "$@" --namespace "$NAMESPACE"
[ -z "${K8S_CONTEXT:-}" ] || set -- "$@" --kube-context "$K8S_CONTEXT"

if found=$(helm status "$@" "$RELEASE_NAME" 2>&1); then
    helm uninstall "$@" "$RELEASE_NAME" >&2
else
    case $found in
        *"not found"*) echo "release $RELEASE_NAME is not installed" >&2 ;;
        *) echo "$found" >&2; exit 1 ;;
    esac
fi
