#!/usr/bin/env bash
# Plan one environment as .github/workflows/terraform.yml does: the plan into terraform.tfplan, and a digest of what it
# changes into terraform.digest, so that two plans can be compared without keeping values. Exits with 0 when nothing
# changes, 2 when something does, 1 when Terraform cannot plan.
set -euo pipefail

environment=${1:?usage: scripts/plan.sh ENVIRONMENT [OPTIONS OF TERRAFORM PLAN]}
shift
cd "$(dirname "$0")/.."
rm -f terraform.tfplan terraform.digest
terraform=(mise exec -- terraform -chdir=terraform)
if [ ! -f terraform/.terraform.lock.hcl ]; then
    # Without it two runs take two versions of a provider, and the second is not what was reviewed.
    echo "terraform/.terraform.lock.hcl is not there; run scripts/install.sh or terraform -chdir=terraform init, and commit it" >&2
    exit 1
fi
"${terraform[@]}" init -input=false -no-color -lockfile=readonly -backend-config="../environments/$environment/backend.hcl"
code=0
"${terraform[@]}" plan -input=false -no-color -detailed-exitcode -out=../terraform.tfplan \
    -var-file="../environments/$environment/terraform.tfvars" "$@" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 2 ] || exit 1
# Also what a change is made from: a plan over another state is another plan. Provider versions are in it by their lock.
{
    "${terraform[@]}" show -json ../terraform.tfplan | jq -S -c '{terraform_version,
        changes: [.resource_changes[]? | select(.change.actions != ["no-op"]) | {address, previous_address, deposed, change}],
        outputs: ((.output_changes // {}) | with_entries(select(.value.actions != ["no-op"])))}'
    cat terraform/.terraform.lock.hcl
} | sha256sum | cut -d' ' -f1 >terraform.digest
exit "$code"
