# shellcheck shell=bash disable=SC2034,SC2154 # what one script sets another reads
# What install.sh can know before anything is paid for. Sourced by it; each function stops the script with what to do.

# Versions that are too old fail half-way, in words that name something else.
check_versions() {
    local answer
    answer=$(python3 - "$kubernetes" "$(terraform version -json)" "$(kubectl version --client -o json)" \
        "$(helm version --template '{{.Version}}')" "$(aws --version)" <<'PYTHON'
import json, re, sys

def minor(text):
    found = re.search(r"(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0, 0)

cluster, terraform, kubectl, helm, aws = sys.argv[1:]
cluster, helm, aws = minor(cluster), minor(helm), minor(aws)
terraform = minor(json.loads(terraform)["terraform_version"])
kubectl = minor(json.loads(kubectl)["clientVersion"]["gitVersion"])
for name, has, needed, works in (
    ("terraform", terraform, "1.11 or newer", terraform >= (1, 11)),
    ("kubectl", kubectl, "%d.%d, or one minor version beside it," % cluster, kubectl[0] == 1 and abs(kubectl[1] - cluster[1]) <= 1),
    ("helm", helm, "3.14 or newer", helm >= (3, 14)),
    ("aws", aws, "2 or newer", aws >= (2, 0)),
):
    if not works:
        print("%s is %d.%d here; %s is needed" % (name, *has, needed))
PYTHON
    ) || fail "the versions of terraform, kubectl, helm and aws are not known; 'mise install' brings them"
    [ -z "$answer" ] || fail "$answer
'mise install' brings what mise.toml names"
}

check_region() {
    local zones zone
    zones=$(aws ec2 describe-availability-zones --query 'AvailabilityZones[].ZoneName' --output text 2>&1) ||
        fail "region $region cannot be asked for its zones. Regions opened since 2019 are enabled by account; another reason
is a role without ec2:DescribeAvailabilityZones. AWS says:
$zones"
    for zone in $(sed -n 's/^zones *= *\[\(.*\)\].*/\1/p' "$folder/terraform.tfvars" | tr -d '",'); do
        [[ " ${zones//[$'\t\n']/ } " == *" $zone "* ]] ||
            fail "zones in $folder/terraform.tfvars names $zone, which account $account does not have in $region; it has: $zones"
    done
}

# A private endpoint needs a way in, which is made or found now: after Terraform everything costs.
check_way_in() {
    is_private || return 0
    "$inside" && return
    grep -Eq '^ *management_host *= *true' "$folder/terraform.tfvars" ||
        fail "the cluster's endpoint will be private, and this machine would not reach it. In $folder/terraform.tfvars
name your network in public_access_cidrs, or set management_host = true, through which this script then goes; or give
--inside where this machine reaches the VPC already"
    command -v session-manager-plugin >/dev/null ||
        fail "the way to the private endpoint is Session Manager, and session-manager-plugin is not installed; see
https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html"
}

# Names that somebody else has, or that are not free yet.
check_names() {
    local answer deleted
    answer=$(aws s3api head-bucket --bucket "$bucket" 2>&1) || case $answer in
        *"(404)"* | *"Not Found"*) ;;
        *) fail "the bucket for Terraform's state, $bucket, is somebody else's or may not be read; take another name in
$folder/backend.hcl. AWS says:
$answer" ;;
    esac
    if ! grep -Eq '^ *existing_cluster *= *[^n ]' "$folder/terraform.tfvars"; then
        answer=$(aws eks describe-cluster --name "$cluster" --query 'cluster.tags."modelyard.dev/cluster"' --output text 2>/dev/null) ||
            answer=$cluster
        [ "$answer" = "$cluster" ] ||
            fail "there is a cluster $cluster in $region that this environment did not make; take another cluster_name, or
give it as existing_cluster in $folder/terraform.tfvars"
    fi
    deleted=$(aws secretsmanager list-secrets --include-planned-deletion --filters "Key=name,Values=$cluster/" \
        --query 'SecretList[?DeletedDate].[Name]' --output text)
    [ -z "$deleted" ] || [ "$deleted" = None ] ||
        fail "these secrets of an earlier $cluster wait out their recovery time, and their names are taken until then:
$deleted
Wait, or delete each for good:  aws secretsmanager delete-secret --force-delete-without-recovery --secret-id NAME"
}

# The digest under which charts.lock has Argo CD's chart, without `sha256:`; empty where it has none.
locked_chart() {
    [ -f charts.lock ] || return 0
    awk -v name=argo-cd -v version="$chart_version" '
        $1 == "-" { here = ""; $0 = substr($0, index($0, "-") + 1) }
        $1 ~ /^(name|version|digest):$/ { gsub(/["\047]/, "", $2); here = here " " $1 $2 }
        $1 == "digest:" || $1 == "version:" || $1 == "name:" {
            if (here ~ " name:" name "( |$)" && index(here " ", " version:" version " ") && match(here, /digest:sha256:[0-9a-f]+/))
                print substr(here, RSTART + 14, RLENGTH - 14)
        }' charts.lock | head -n 1
}

# Argo CD is applied as an administrator, so its chart is the one that was reviewed and no other of that version.
check_chart() {
    [ -n "$(locked_chart)" ] ||
        fail "charts.lock does not name argo-cd $chart_version; run this, commit and push charts.lock:
  modelyard fetch"
}

# Certificates that load balancers name.
check_certificates() {
    local arn arns status
    arns=$(grep -rhoE 'arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+' "$folder" | sort -u || true)
    for arn in $arns; do
        status=$(aws acm describe-certificate --certificate-arn "$arn" --query Certificate.Status --output text 2>/dev/null) || status=absent
        [ "$status" = ISSUED ] ||
            fail "the certificate $arn, which $folder names, is ${status:-absent} in account $account; no load balancer takes it.
Request one (aws acm request-certificate) and write its ARN"
    done
}

# HTTP status of an address, asked with a header that is not an argument.
status_of() { curl --silent --output /dev/null --write-out '%{http_code}' --max-time 20 --header @- "$1" || true; }

# Tokens, tried before they are stored.
ask_tokens() {
    local status
    hugging_face_token=
    git_token=
    if grep -rqs 'features/hf-token' "$folder/models" && ! filled "$cluster/hf-token"; then
        hugging_face_token=$(secret HF_TOKEN "Hugging Face token for gated models")
        if [ -n "$hugging_face_token" ]; then
            status=$(printf 'Authorization: Bearer %s' "$hugging_face_token" | status_of https://huggingface.co/api/whoami-v2) || true
            case $status in
                401 | 403) fail "Hugging Face refuses the token ($status); make one that reads at https://huggingface.co/settings/tokens" ;;
                200) ;;
                *) say "Hugging Face token: not checked, since huggingface.co does not answer from here" ;;
            esac
        fi
    fi
    case $repository in https://*) ;; *) return ;; esac
    filled "$cluster/argocd-git" && return
    git_token=$(secret GIT_TOKEN "Token with which Argo CD reads $repository, none for a public one")
    if [ -n "$git_token" ]; then
        status=$(printf '%s:%s' "${GIT_USERNAME:-git}" "$git_token" | python3 -c 'import base64, sys
print("Authorization: Basic " + base64.b64encode(sys.stdin.buffer.read()).decode(), end="")' |
            status_of "${repository%.git}.git/info/refs?service=git-upload-pack") || true
    else
        status=$(status_of "${repository%.git}.git/info/refs?service=git-upload-pack" </dev/null)
    fi
    case $status in
        401 | 403 | 404)
            [ -z "$git_token" ] || fail "the token does not read $repository ($status); Argo CD would not either. It needs to read contents"
            fail "$repository is not public ($status), and Argo CD would not read it; give a token that reads contents (GIT_TOKEN)" ;;
        200) ;;
        *) say "access to $repository: not checked, since it does not answer from here" ;;
    esac
}
