#!/usr/bin/env bash
# Install one environment: Terraform, Argo CD, then the root Application, after which Git decides.
# Every step can be repeated: after an interruption run it again, and what is as it should be stays.
set -euo pipefail

usage_text='usage: scripts/install.sh [--dry-run] [--yes] ENVIRONMENT

  --dry-run  print each command and run none
  --yes      ask nothing: apply the plan; secrets come from HF_TOKEN, GIT_USERNAME and GIT_TOKEN, or stay empty

  --inside   this machine reaches a private endpoint by itself

  WAIT_MINUTES  how long to wait for Applications, 45 by default'

inside=false
own_option() {
    [ "$1" != --inside ] || { inside=true && taken=1; }
}

# shellcheck source-path=SCRIPTDIR source=environment.sh
. "$(dirname "$0")/environment.sh"
# shellcheck source-path=SCRIPTDIR source=preflight.sh
. "$(dirname "$0")/preflight.sh"
start "$@"

kubernetes=$(setting terraform.tfvars kubernetes_version)
bucket=$(setting backend.hcl bucket)
# The chart's repository and version are the ones that Argo CD will then manage itself by.
chart_repository=$(sed -n 's/^ *- repoURL: //p' "$folder/applications/argocd.yaml")
chart_version=$(sed -n 's/^ *targetRevision: //p' "$folder/applications/argocd.yaml")
[ -n "$chart_repository" ] && [ -n "$chart_version" ] || fail "$folder/applications/argocd.yaml names no chart"
repository=$(sed -n 's/^repository: //p' "$folder/environment.yaml")
scratch=$(mktemp -d)
forwarding=
trap 'rm -rf "$scratch"; for each in $forwarding $tunnel; do kill "$each" 2>/dev/null || true; done' EXIT

committed() {
    [ -z "$(git status --porcelain -- "$folder" bases overlays terraform)" ] ||
        fail "there are uncommitted changes, which Argo CD would not see; commit and push them, then run this again"
}

# True when a secret has a value, which is not read here.
filled() {
    local versions
    versions=$(aws secretsmanager describe-secret --secret-id "$1" --query VersionIdsToStages --output text 2>/dev/null)
    [ -n "$versions" ] && [ "$versions" != None ]
}

# Ask for a secret without showing it, unless its variable is set; empty when nobody answers.
secret() {
    local value=${!1:-}
    if [ -z "$value" ] && ! "$yes"; then
        printf '%s (empty for none): ' "$2" >&2
        read -rs value || value=
        printf '\n' >&2
    fi
    printf '%s' "$value"
}

if ! "$dry_run"; then
    say "0. What is known before anything costs"
    ready aws curl git helm kubectl modelyard python3 terraform
    committed
    if upstream=$(git rev-parse --verify --quiet '@{upstream}') && [ "$upstream" != "$(git rev-parse HEAD)" ]; then
        fail "this branch and the one that it follows differ; push or pull first, since Argo CD reads what was pushed"
    fi
    check_versions
    check_region
    check_way_in
    check_names
    check_chart
    check_certificates
    ask_tokens
fi

# EC2 refuses nodes beyond a quota one by one, and their pods wait: better known before anything is paid for.
compare_quotas() {
    local code wanted name has
    modelyard place --env "$environment" --json >"$scratch/place.json" ||
        { say "quotas: not compared, since the nodes are not known; modelyard place says why" && return; }
    while read -r code wanted name; do
        has=$(aws service-quotas get-service-quota --service-code ec2 --quota-code "$code" \
            --query Quota.Value --output text 2>/dev/null) || has=
        case $has in
            '' | *[!0-9.]*) say "quotas: $name ($code) is not known; nodes could take $wanted vCPUs of it" ;;
            *) [ "${has%.*}" -ge "$wanted" ] ||
                say "quotas: $name ($code) is ${has%.*} vCPUs and nodes could take $wanted: pods wait until it is raised" ;;
        esac
    done < <(python3 -c 'import json, sys
for environment in json.load(sys.stdin)["environments"]:
    for each in environment["vcpu-quotas"]:
        if each["used"]["at most"]: print(each["code"], each["used"]["at most"], each["quota"])' <"$scratch/place.json")
}

say "1. Where Terraform keeps its state"
if "$dry_run" || ! aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" 2>/dev/null; then
    # us-east-1 is the one region that must not be named.
    location=(--create-bucket-configuration "LocationConstraint=$region")
    [ "$region" != us-east-1 ] || location=()
    run aws s3api create-bucket --bucket "$bucket" --region "$region" ${location[@]+"${location[@]}"}
    run aws s3api put-public-access-block --bucket "$bucket" --public-access-block-configuration \
        BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
    run aws s3api put-bucket-versioning --bucket "$bucket" --versioning-configuration Status=Enabled
fi

say "2. Network, cluster, roles, queue"
terraform_init
[ ! -f terraform/.terraform.lock.hcl ] || "$dry_run" || git ls-files --error-unmatch terraform/.terraform.lock.hcl >/dev/null 2>&1 ||
    say "commit terraform/.terraform.lock.hcl: .github/workflows/terraform.yml takes the providers that it names"
models_bucket=$cluster-models-$account
if ! "$dry_run" && aws s3api head-bucket --bucket "$models_bucket" >/dev/null 2>&1 &&
    ! grep -q '^module\.storage\.aws_s3_bucket\.models$' <<<"$(terraform -chdir=terraform state list 2>/dev/null)"; then
    fail "the bucket $models_bucket is there and Terraform does not know it, as after scripts/cleanup.sh --keep-data. Take it over:
  terraform -chdir=terraform import -var-file=../$folder/terraform.tfvars module.storage.aws_s3_bucket.models $models_bucket"
fi
run modelyard cost --env "$environment"
"$dry_run" || compare_quotas
changes=0
run terraform -chdir=terraform plan -input=false -detailed-exitcode -var-file="../$folder/terraform.tfvars" \
    -out="$scratch/plan" || changes=$?
[ "$changes" -eq 0 ] || [ "$changes" -eq 2 ] || fail "Terraform cannot plan; mend what it says above, then run this again"
if "$dry_run" || [ "$changes" -eq 2 ]; then
    "$dry_run" || confirm "This makes what the plan shows in account $account, at the cost above." "$environment"
    run terraform -chdir=terraform apply -input=false "$scratch/plan"
fi

say "3. What only the cloud knew, into the repository"
run terraform -chdir=terraform output -json >"$scratch/outputs.json"
run modelyard env sync "$environment" --outputs "$scratch/outputs.json"
"$dry_run" || committed

say "4. Secrets"
# Values go through standard input: a process list shows arguments to everybody on the machine.
put() { run aws secretsmanager put-secret-value --secret-id "$1" --secret-string file:///dev/stdin >/dev/null; }

if ! "$dry_run"; then
    if [ -n "$hugging_face_token" ]; then
        printf '%s' "$hugging_face_token" | put "$cluster/hf-token"
    elif grep -rqs 'features/hf-token' "$folder/models" && ! filled "$cluster/hf-token"; then
        say "$cluster/hf-token stays empty: pods of gated models wait until it has a value"
    fi
    if [ -n "$git_token" ]; then
        printf '%s\n%s' "${GIT_USERNAME:-git}" "$git_token" |
            python3 -c 'import json, sys; name, token = sys.stdin.read().split("\n", 1)
json.dump({"username": name, "password": token}, sys.stdout)' | put "$cluster/argocd-git"
    fi
fi

say "5. Access to the cluster"
run aws eks update-kubeconfig --name "$cluster" --region "$region" --alias "$cluster"
"$dry_run" || reach_cluster "what Terraform made stays, and costs."

say "6. Argo CD"
# Rendered from the chart and the values that it will manage itself by: definitions, then what belongs to it (its
# namespace, its priority class), then itself.
run helm pull argo-cd --repo "$chart_repository" --version "$chart_version" --destination "$scratch"
archive=$scratch/argo-cd-$chart_version.tgz
if ! "$dry_run"; then
    digest=$(python3 -c 'import hashlib, pathlib, sys
print(hashlib.sha256(pathlib.Path(sys.argv[1]).read_bytes()).hexdigest())' "$archive")
    [ "$digest" = "$(locked_chart)" ] ||
        fail "the chart argo-cd $chart_version of $chart_repository has the digest $digest, and charts.lock has
$(locked_chart): it is not the chart that was reviewed, so nothing of it was applied"
fi
run helm template argocd "$archive" --namespace argocd \
    --include-crds --kube-version "$kubernetes.0" --values bases/platform/argocd/values.yaml \
    --values "$folder/platform/argocd/values.yaml" --output-dir "$scratch/argocd"
apply=("${kubectl[@]}" apply --server-side --force-conflicts --field-manager=modelyard-install)
run "${apply[@]}" -f "$scratch/argocd/argo-cd/templates/crds"
run "${kubectl[@]}" wait --for=condition=Established --timeout=2m \
    crd/applications.argoproj.io crd/appprojects.argoproj.io
run "${apply[@]}" -k "$folder/platform/argocd"
run "${apply[@]}" --namespace argocd --recursive -f "$scratch/argocd"
if ! "$dry_run" && filled "$cluster/argocd-git"; then
    umask 077
    aws secretsmanager get-secret-value --secret-id "$cluster/argocd-git" --query SecretString --output text |
        python3 -c 'import json, pathlib, sys
for name, value in json.load(sys.stdin).items(): pathlib.Path(sys.argv[1], name).write_text(value)' "$scratch"
    "${kubectl[@]}" create secret generic repository --namespace argocd --from-literal=type=git \
        --from-literal=url="$repository" --from-file="$scratch/username" --from-file="$scratch/password" \
        --dry-run=client -o yaml |
        "${kubectl[@]}" label --local --dry-run=client -o yaml -f - argocd.argoproj.io/secret-type=repository |
        run "${apply[@]}" -f -
fi
run "${kubectl[@]}" --namespace argocd rollout status --timeout=10m deployment/argocd-repo-server
run "${kubectl[@]}" --namespace argocd rollout status --timeout=10m statefulset/argocd-application-controller

say "7. From here on the root Application follows Git"
run "${apply[@]}" -k "$folder/bootstrap"
if "$dry_run"; then
    exit 0
fi

# Name, sync and health of each Application, one a line.
applications() {
    "${kubectl[@]}" --namespace argocd get applications --no-headers \
        -o custom-columns=NAME:.metadata.name,SYNC:.status.sync.status,HEALTH:.status.health.status
}
deadline=$((SECONDS + ${WAIT_MINUTES:-45} * 60))
told=
while :; do
    all=$(applications) || all=
    waiting=$(awk '$2 != "Synced" || $3 != "Healthy"' <<<"$all")
    count=$(grep -c . <<<"$all" || true)
    # The root alone is not yet what it brings.
    if [ -z "$waiting" ] && [ "$count" -gt 1 ]; then
        say "all $count Applications are synced and healthy"
        break
    fi
    left=$(grep -c . <<<"$waiting" || true)
    if [ "$left/$count" != "$told" ]; then
        told=$left/$count
        say "waiting for $left of $count Applications: $(awk '{printf "%s%s (%s, %s)", sep, $1, $2, $3; sep = ", "}' <<<"$waiting")"
    fi
    if [ "$SECONDS" -ge "$deadline" ]; then
        "${kubectl[@]}" --namespace argocd get applications \
            -o custom-columns='NAME:.metadata.name,SYNC:.status.sync.status,HEALTH:.status.health.status,SAYS:.status.conditions[*].message' >&2
        fail "these Applications are not there yet. Argo CD goes on; run this again to wait longer"
    fi
    sleep "${POLL_SECONDS:-10}"
done

say "8. A first answer"
model=$(for each in "$folder"/models/*/; do [ -d "$each" ] && basename "$each" && break; done)
if [ -n "$model" ]; then
    service=("${kubectl[@]}" --namespace models port-forward "service/$model" 18000:8000)
    "${service[@]}" >/dev/null 2>&1 &
    forwarding=$!
    if curl --silent --show-error --fail --retry 10 --retry-connrefused --retry-delay 1 --max-time 60 \
        http://127.0.0.1:18000/v1/models >"$scratch/answer"; then
        say "$model answers: $(head -c 300 "$scratch/answer")"
    else
        say "$model did not answer; its pods: ${kubectl[*]} --namespace models get pods --selector app.kubernetes.io/instance=$model"
    fi
    say "ask it yourself:  ${service[*]}"
fi
[ -z "$tunnel" ] || say "The way through the management host ends with this script; to open it again, in another terminal:
  ${session[*]}"
say "Argo CD:          ${kubectl[*]} --namespace argocd port-forward service/argocd-server 18080:443"
if "${kubectl[@]}" --namespace monitoring get service kube-prometheus-stack-grafana >/dev/null 2>&1; then
    say "Grafana:          ${kubectl[*]} --namespace monitoring port-forward service/kube-prometheus-stack-grafana 13000:80"
fi
! grep -Eqs '^ *receiver: nobody *$' "$folder/platform/kube-prometheus-stack/values.yaml" ||
    say "Nobody hears an alert: name a receiver in $folder/platform/kube-prometheus-stack/values.yaml, or add the component alert-receiver"
