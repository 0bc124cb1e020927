#!/usr/bin/env bash
# Install one environment: Terraform, Argo CD, then the root Application, after which Git decides.
# Every step can be repeated; a second run changes nothing that is as it should be.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: scripts/install.sh [--dry-run] [--yes] ENVIRONMENT

  --dry-run  print each command and run none
  --yes      do not ask before Terraform applies its plan
USAGE
}

dry_run=false
approve=()
environment=
while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) dry_run=true ;;
        --yes) approve=(-auto-approve) ;;
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
    printf 'install.sh: %s\n' "$1" >&2
    exit 2
}

# Print a command as it can be pasted, and run it unless this is a dry run.
run() {
    printf '+' >&2
    printf ' %q' "$@" >&2
    printf '\n' >&2
    "$dry_run" || "$@"
}

# The value of NAME = "value" in terraform.tfvars or backend.hcl.
setting() {
    local value
    value=$(sed -n "s/^$2 *= *\"\([^\"]*\)\".*/\1/p" "$folder/$1")
    [ -n "$value" ] || fail "$folder/$1 does not set $2"
    printf '%s' "$value"
}

[ -f "$folder/terraform.tfvars" ] || fail "there is no environment $environment here: $folder/terraform.tfvars is missing"
cluster=$(setting terraform.tfvars cluster_name)
account=$(setting terraform.tfvars account_id)
region=$(setting terraform.tfvars region)
kubernetes=$(setting terraform.tfvars kubernetes_version)
bucket=$(setting backend.hcl bucket)
# The chart's repository and version are the ones that Argo CD will then manage itself by.
chart_repository=$(sed -n 's/^ *- repoURL: //p' "$folder/applications/argocd.yaml")
chart_version=$(sed -n 's/^ *targetRevision: //p' "$folder/applications/argocd.yaml")
[ -n "$chart_repository" ] && [ -n "$chart_version" ] || fail "$folder/applications/argocd.yaml names no chart"

if ! "$dry_run"; then
    for tool in aws git helm kubectl terraform; do
        command -v "$tool" >/dev/null || fail "$tool is not installed; 'mise install' brings it"
    done
    [ -z "$(git status --porcelain -- "$folder" bases overlays terraform)" ] ||
        fail "there are uncommitted changes, which Argo CD would not see; commit and push them first"
    here=$(aws sts get-caller-identity --query Account --output text)
    [ "$here" = "$account" ] || fail "the AWS credentials are of account $here; $environment belongs to $account"
fi

# 1. Where Terraform keeps its state.
if "$dry_run" || ! aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" 2>/dev/null; then
    # us-east-1 is the one region that must not be named.
    location=(--create-bucket-configuration "LocationConstraint=$region")
    [ "$region" != us-east-1 ] || location=()
    run aws s3api create-bucket --bucket "$bucket" --region "$region" ${location[@]+"${location[@]}"}
    run aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
    run aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
fi

# 2. Network, cluster, roles, queue.
run terraform -chdir=terraform init -reconfigure -input=false -backend-config="../$folder/backend.hcl"
run terraform -chdir=terraform apply -var-file="../$folder/terraform.tfvars" ${approve[@]+"${approve[@]}"}

# 3. Access to the cluster.
run aws eks update-kubeconfig --name "$cluster" --region "$region" --alias "$cluster"
kubectl=(kubectl --context "$cluster")
if ! "$dry_run" && ! "${kubectl[@]}" get --raw /readyz --request-timeout=20s >/dev/null; then
    fail "the cluster's endpoint does not answer from here. It is private unless public_access_cidrs in
$folder/terraform.tfvars names your network: add it, or run this script from inside the VPC"
fi

# 4. Argo CD, rendered from the chart and the values that it will manage itself by: definitions, then what belongs to it
# (its namespace, its priority class), then itself.
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
run helm template argocd argo-cd --repo "$chart_repository" --version "$chart_version" --namespace argocd \
    --include-crds --kube-version "$kubernetes.0" --values bases/platform/argocd/values.yaml \
    --values "$folder/platform/argocd/values.yaml" --output-dir "$scratch"
apply=("${kubectl[@]}" apply --server-side --force-conflicts --field-manager=modelyard-install)
run "${apply[@]}" -f "$scratch/argo-cd/templates/crds"
run "${kubectl[@]}" wait --for=condition=Established --timeout=2m \
    crd/applications.argoproj.io crd/appprojects.argoproj.io
run "${apply[@]}" -k "$folder/platform/argocd"
run "${apply[@]}" --namespace argocd --recursive -f "$scratch"
run "${kubectl[@]}" --namespace argocd rollout status --timeout=10m deployment/argocd-repo-server
run "${kubectl[@]}" --namespace argocd rollout status --timeout=10m statefulset/argocd-application-controller

# 5. From here on the root Application follows Git.
run "${apply[@]}" -k "$folder/bootstrap"
run "${kubectl[@]}" --namespace argocd get applications
