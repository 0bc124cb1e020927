# shellcheck shell=bash disable=SC2034,SC2154 # what one script sets another reads
# What install.sh and cleanup.sh share: options, the facts of an environment, and how commands are shown and run.
# Sourced by both, which set `usage_text` first and call `start "$@"`. A script with options of its own defines
# `own_option`, which is given the words that are left and sets `taken` to how many of them it took.

dry_run=false
yes=false
environment=
folder=
tunnel=

fail() {
    printf '%s: %s\n' "$(basename "$0")" "$1" >&2
    exit 2
}

say() { printf '%s\n' "$1" >&2; }

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

# Read the options and go to the repository's root; sets the facts of the environment.
start() {
    while [ $# -gt 0 ]; do
        case $1 in
            --dry-run) dry_run=true ;;
            --yes) yes=true ;;
            -h | --help) printf '%s\n' "$usage_text" && exit 0 ;;
            -*)
                taken=0
                ! declare -F own_option >/dev/null || own_option "$@"
                [ "$taken" -gt 0 ] || { printf '%s\n' "$usage_text" >&2 && exit 2; }
                [ "$taken" -eq 1 ] || shift
                ;;
            *)
                [ -z "$environment" ] || { printf '%s\n' "$usage_text" >&2 && exit 2; }
                environment=$1
                ;;
        esac
        shift
    done
    [ -n "$environment" ] || { printf '%s\n' "$usage_text" >&2 && exit 2; }
    cd "$(dirname "$0")/.." || exit
    folder=environments/$environment
    [ -f "$folder/terraform.tfvars" ] ||
        fail "there is no environment $environment here: $folder/terraform.tfvars is missing"
    cluster=$(setting terraform.tfvars cluster_name)
    account=$(setting terraform.tfvars account_id)
    region=$(setting terraform.tfvars region)
    export AWS_REGION=$region AWS_PAGER=''
    kubectl=(kubectl --context "$cluster")
}

# Stop unless the programs are there and the credentials are of the environment's account.
ready() {
    local tool answer
    for tool in "$@"; do
        command -v "$tool" >/dev/null || fail "$tool is not installed; 'mise install' brings it, modelyard 'mise run setup'"
    done
    answer=$(aws sts get-caller-identity --query Account --output text 2>&1) ||
        fail "the AWS credentials are missing or have expired; sign in again, then run this again. AWS says:
$answer"
    [ "$answer" = "$account" ] || fail "the AWS credentials are of account $answer; $environment belongs to $account"
}

# Ask for a word and stop when something else is typed; --yes answers.
confirm() {
    local answer
    "$yes" && return
    printf '%s Type %s to go on: ' "$1" "$2" >&2
    read -r answer || answer=
    [ "$answer" = "$2" ] || fail "that is not $2; nothing was changed"
}

terraform_init() {
    run terraform -chdir=terraform init -reconfigure -input=false -backend-config="../$folder/backend.hcl"
}

# True when the Kubernetes API of a cluster of our own has no public address.
is_private() {
    ! grep -Eq '^ *existing_cluster *= *[^n ]' "$folder/terraform.tfvars" &&
        ! sed -n 's/^ *public_access_cidrs *= *\[\(.*\)\].*/\1/p' "$folder/terraform.tfvars" | grep -q '"'
}

# What to do where the Kubernetes API does not answer.
way_in() {
    cat <<TEXT
It is private unless public_access_cidrs in $folder/terraform.tfvars names your network: add it and apply, or set
management_host = true there and apply, and this script goes through that host by Session Manager
TEXT
}

# Reach a private endpoint through the management host: a session forwards a port of this machine, and kubectl asks there
# for the certificate of the cluster. Nothing is opened in the network, and no kubeconfig is changed.
open_tunnel() {
    local instance endpoint host port=${TUNNEL_PORT:-18443} tries=0
    instance=$(aws ec2 describe-instances --filters "Name=tag:Name,Values=$cluster-management-host" \
        Name=instance-state-name,Values=running --query 'Reservations[].Instances[].InstanceId' --output text)
    [ -n "$instance" ] && [ "$instance" != None ] || return 1
    command -v session-manager-plugin >/dev/null || return 1
    endpoint=$(aws eks describe-cluster --name "$cluster" --query cluster.endpoint --output text)
    host=${endpoint#https://}
    until [ "$(aws ssm describe-instance-information --filters "Key=InstanceIds,Values=$instance" \
        --query 'InstanceInformationList[].PingStatus' --output text)" = Online ]; do
        tries=$((tries + 1))
        [ "$tries" -lt 60 ] || fail "the management host $instance has not come to Session Manager; see whether its subnet has a way out,
then run this again:  aws ssm describe-instance-information --filters Key=InstanceIds,Values=$instance"
        sleep "${POLL_SECONDS:-5}"
    done
    say "the endpoint is private: going through the management host $instance"
    session=(aws ssm start-session --target "$instance" --document-name AWS-StartPortForwardingSessionToRemoteHost
        --parameters "host=$host,portNumber=443,localPortNumber=$port")
    run "${session[@]}" >&2 </dev/null &
    tunnel=$!
    kubectl+=("--server=https://127.0.0.1:$port" "--tls-server-name=$host")
    tries=0
    until "${kubectl[@]}" get --raw /readyz --request-timeout=5s >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 12 ] && kill -0 "$tunnel" 2>/dev/null || return 1
        sleep "${POLL_SECONDS:-5}"
    done
}

# Stop unless the Kubernetes API answers, directly or through the management host.
reach_cluster() {
    "${kubectl[@]}" get --raw /readyz --request-timeout=20s >/dev/null 2>&1 && return
    is_private && open_tunnel && return
    fail "the cluster's endpoint does not answer from here; $1
$(way_in)"
}
