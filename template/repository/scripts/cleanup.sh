#!/usr/bin/env bash
# Take one environment down in the order that leaves nothing behind: models, nodes, then what Terraform made.
# The bucket with Terraform's state is kept.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/cleanup.sh [--dry-run] [--yes] ENVIRONMENT

  --dry-run  print each command and run none
  --yes      do not ask for the cluster's name, and let Terraform destroy without asking
USAGE
}

dry_run=false
yes=false
environment=
while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) dry_run=true ;;
        --yes) yes=true ;;
        -h | --help) usage && exit 0 ;;
        -*) usage >&2 && exit 2 ;;
        *)
            [ -z "$environment" ] || { usage >&2 && exit 2; }
            environment=$1
            ;;
    esac
    shift
done
[ -n "$environment" ] || { usage >&2 && exit 2; }

cd "$(dirname "$0")/.."
folder=environments/$environment

fail() {
    printf 'cleanup.sh: %s\n' "$1" >&2
    exit 2
}

# Print a command as it can be pasted, and run it unless this is a dry run.
run() {
    printf '+' >&2
    printf ' %q' "$@" >&2
    printf '\n' >&2
    "$dry_run" || "$@"
}

# The value of NAME = "value" in terraform.tfvars.
setting() {
    local value
    value=$(sed -n "s/^$1 *= *\"\([^\"]*\)\".*/\1/p" "$folder/terraform.tfvars")
    [ -n "$value" ] || fail "$folder/terraform.tfvars does not set $1"
    printf '%s' "$value"
}

[ -f "$folder/terraform.tfvars" ] || fail "there is no environment $environment here: $folder/terraform.tfvars is missing"
cluster=$(setting cluster_name)
account=$(setting account_id)
region=$(setting region)

if ! "$dry_run"; then
    for tool in aws kubectl terraform; do
        command -v "$tool" >/dev/null || fail "$tool is not installed; 'mise install' brings it"
    done
    here=$(aws sts get-caller-identity --query Account --output text)
    [ "$here" = "$account" ] || fail "the AWS credentials are of account $here; $environment belongs to $account"
    if ! "$yes"; then
        printf 'This deletes the cluster %s in account %s with everything on it. Type its name: ' "$cluster" "$account"
        read -r answer
        [ "$answer" = "$cluster" ] || fail "that is not $cluster; nothing was changed"
    fi
fi

# 1. Nobody puts back what is taken away. The root and the platform's Applications have no finalizers, so their objects stay.
run aws eks update-kubeconfig --name "$cluster" --region "$region" --alias "$cluster"
kubectl=(kubectl --context "$cluster")
run "${kubectl[@]}" --namespace argocd delete application root --ignore-not-found --wait --timeout=2m

# 2. Models and what they hold; their Applications have finalizers, so this waits for their objects.
run "${kubectl[@]}" --namespace argocd delete applications --selector app.kubernetes.io/component=model --wait --timeout=15m

# 3. Nodes that Karpenter made, which Terraform does not know. Karpenter itself still runs and ends them.
run "${kubectl[@]}" --namespace argocd delete applications --selector app.kubernetes.io/component=platform --wait --timeout=5m
run "${kubectl[@]}" delete nodepools.karpenter.sh --all --wait --timeout=15m
run "${kubectl[@]}" delete nodeclaims.karpenter.sh --all --wait --timeout=15m
run "${kubectl[@]}" delete ec2nodeclasses.karpenter.k8s.aws --all --wait --timeout=15m

# 4. What Terraform made.
approve=()
! "$yes" || approve=(-auto-approve)
run terraform -chdir=terraform init -reconfigure -input=false -backend-config="../$folder/backend.hcl"
run terraform -chdir=terraform destroy -var-file="../$folder/terraform.tfvars" ${approve[@]+"${approve[@]}"}
