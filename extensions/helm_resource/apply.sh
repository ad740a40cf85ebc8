#!/bin/sh
# Installs or upgrades a release and prints its objects as they are in the cluster.
#
# Arguments are flags for `helm upgrade --install`. Variables: CHART, RELEASE_NAME, NAMESPACE, K8S_CONTEXT, and for
# each image TILT_IMAGE_<i> with its keys (see the Tiltfile). Only the objects go to the standard output.
set -eu

value() { eval "printf '%s' \"\${$1:-}\""; }

# The reference's parts: host is empty for an image of Docker Hub.
split() {
    tag=${1##*:}
    repository=${1%:*}
    host=
    case $repository in
        */*)
            case ${repository%%/*} in
                *.* | *:* | localhost) host=${repository%%/*} repository=${repository#*/} ;;
            esac
            ;;
    esac
}

i=0
while [ "$i" -lt "${TILT_IMAGE_COUNT:-0}" ]; do
    image=$(value "TILT_IMAGE_$i")
    split "$image"
    j=0
    while [ "$j" -lt "$(value "TILT_IMAGE_KEY_COUNT_$i")" ]; do
        whole=$(value "TILT_IMAGE_KEY_${i}_$j")
        host_key=$(value "TILT_IMAGE_KEY_REGISTRY_${i}_$j")
        if [ -n "$whole" ]; then
            set -- "$@" --set "$whole=$image"
        else
            place=$repository
            if [ -n "$host_key" ]; then
                set -- "$@" --set "$host_key=$host"
            elif [ -n "$host" ]; then
                place=$host/$repository
            fi
            set -- "$@" --set "$(value "TILT_IMAGE_KEY_REPO_${i}_$j")=$place"
            set -- "$@" --set "$(value "TILT_IMAGE_KEY_TAG_${i}_$j")=$tag"
        fi
        j=$((j + 1))
    done
    i=$((i + 1))
done

if [ "${TILT_HELM_RELEASE_DEPENDENCY_UPDATE:-}" = true ]; then
    helm dependency update "$CHART" >&2
fi

set -- upgrade --install "$@"
[ -z "${NAMESPACE:-}" ] || set -- "$@" --namespace "$NAMESPACE"
[ -z "${K8S_CONTEXT:-}" ] || set -- "$@" --kube-context "$K8S_CONTEXT"
echo "Running: helm $* $RELEASE_NAME $CHART" >&2
helm "$@" "$RELEASE_NAME" "$CHART" >&2

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

set --
[ -z "${NAMESPACE:-}" ] || set -- "$@" --namespace "$NAMESPACE"
[ -z "${K8S_CONTEXT:-}" ] || set -- "$@" --kube-context "$K8S_CONTEXT"
helm get manifest "$@" "$RELEASE_NAME" >"$work/manifest.yaml"

# Objects that name no namespace are in the release's. Naming it with a flag would reject those that name another one,
# so it is made the default of a kubeconfig that only we use.
set --
[ -z "${K8S_CONTEXT:-}" ] || set -- --context "$K8S_CONTEXT"
if [ -n "${NAMESPACE:-}" ]; then
    kubectl config view --flatten --minify "$@" >"$work/kubeconfig"
    export KUBECONFIG="$work/kubeconfig"
    kubectl config set-context --current --namespace "$NAMESPACE" >&2
    set --
fi
kubectl get "$@" -o yaml -f "$work/manifest.yaml"
