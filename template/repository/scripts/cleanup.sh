#!/usr/bin/env bash
# Take one environment down in the order that leaves nothing behind: models, load balancers, volumes, nodes, then what
# Terraform made. Only what belongs to the environment goes (scripts/owned.py says what that is), and the list is shown
# before anything is changed. The bucket with Terraform's state is kept. After an interruption run it again.
set -euo pipefail

usage_text="usage: scripts/cleanup.sh [--dry-run] [--yes] [--approve APPLICATION]... [--with-others]
                          [--delete-data | --keep-data] ENVIRONMENT

  --dry-run              say what would go, and change nothing
  --yes                  do not ask for the cluster's name, and let Terraform destroy without asking
  --approve APPLICATION  let Argo CD delete what it keeps until somebody approves (Delete=confirm); may be repeated
  --with-others          also delete what others made in a cluster that goes: load balancers, volumes, workloads, nodes
  --delete-data          delete the weights in the bucket of models and the images in ECR with all their versions
  --keep-data            keep that bucket, its key and those repositories, outside of Terraform's state"

approved=()
with_others=false
data=ask
own_option() {
    case $1 in
        --approve)
            [ $# -gt 1 ] || return 0
            approved+=("$2")
            taken=2
            ;;
        --with-others) with_others=true && taken=1 ;;
        --delete-data) data=delete && taken=1 ;;
        --keep-data) data=keep && taken=1 ;;
    esac
}

# shellcheck source-path=SCRIPTDIR source=environment.sh
. "$(dirname "$0")/environment.sh"
start "$@"
ready aws kubectl python3 terraform
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"; [ -z "$tunnel" ] || kill "$tunnel" 2>/dev/null || true' EXIT
repository=$(sed -n 's/^repository: //p' "$folder/environment.yaml")

# --- What there is -------------------------------------------------------------------------------------------------

# True when this environment made the cluster: Terraform's settings and the cluster's own tag both say so.
made_here() {
    ! grep -Eq '^ *existing_cluster *= *[^n ]' "$folder/terraform.tfvars" &&
        [ "$(aws eks describe-cluster --name "$cluster" --query 'cluster.tags."modelyard.dev/cluster"' --output text)" = "$cluster" ]
}

# The names of Applications of a kind (model or platform): those of this environment's folder in Git, since Argo CD of a
# cluster that was there before may have others, and those that Git no longer lists but Argo CD still has.
applications_of() {
    python3 - "$1" "$repository" "$folder" "$scratch/applications.json" <<'PYTHON'
import json, pathlib, re, sys

component, repository, folder, listed = sys.argv[1:]
names = set()
for path in pathlib.Path(folder, "applications").glob("*.yaml"):
    text = path.read_text(encoding="utf-8")
    if re.search(rf"app\.kubernetes\.io/component: *{component}\b", text):
        names.add(path.stem)
try:
    things = json.loads(pathlib.Path(listed).read_text(encoding="utf-8"))["items"]
except (ValueError, KeyError, TypeError):
    sys.exit("kubectl printed no list of Applications")
for thing in things:
    spec, labels = thing["spec"], thing["metadata"].get("labels") or {}
    sources = spec.get("sources") or [spec.get("source") or {}]
    ours = any(s.get("repoURL") == repository and s.get("path", "").startswith(f"{folder}/") for s in sources)
    if ours and labels.get("app.kubernetes.io/component") == component:
        names.add(thing["metadata"]["name"])
print("\n".join(sorted(names)))
PYTHON
}

# Write to $scratch/owned what goes, in parts.
look() {
    local kinds words=() application platform models
    "${kubectl[@]}" --namespace argocd get applications.argoproj.io -o json >"$scratch/applications.json" 2>"$scratch/error" ||
        { grep -q "doesn't have a resource type" "$scratch/error" && printf '{"items": []}' >"$scratch/applications.json"; } ||
        fail "the Applications in the cluster cannot be read; nothing was changed. kubectl says:
$(cat "$scratch/error")"
    if ! platform=$(applications_of platform) || ! models=$(applications_of model); then
        fail "the Applications in the cluster cannot be read; nothing was changed"
    fi
    for application in $platform; do words+=(--application "$application"); done
    for application in $models; do words+=(--model "$application"); done
    if ! "$own_cluster"; then
        # What install.sh makes last; what is older was there before the environment.
        since=$("${kubectl[@]}" --namespace argocd get appprojects.argoproj.io bootstrap -o 'jsonpath={.metadata.creationTimestamp}') ||
            fail "$cluster was there before this environment, and when the environment came is not known, since the
AppProject bootstrap is not there; nothing was changed. Remove what is left by hand, then run terraform destroy"
        words+=(--existing --since "$since")
    fi
    # Kinds that only machines write, many and without an Application.
    kinds=$("${kubectl[@]}" api-resources --verbs=list,delete --output name |
        grep -Evx 'pods|replicasets\.apps|controllerrevisions\.apps|events|events\.events\.k8s\.io|endpoints|endpointslices\.discovery\.k8s\.io|leases\.coordination\.k8s\.io|nodes|secrets|customresourcedefinitions\.apiextensions\.k8s\.io|certificatesigningrequests\.certificates\.k8s\.io|podtemplates|resourceslices\.resource\.k8s\.io|applications\.argoproj\.io' |
        paste -sd, -)
    "${kubectl[@]}" get "$kinds" --all-namespaces --show-managed-fields -o json |
        python3 scripts/owned.py --environment "$environment" ${words[@]+"${words[@]}"} >"$scratch/owned" ||
        fail "the objects of the cluster cannot be read; nothing was deleted in this step"
}

# Kind, namespace and names of one part, a kind and namespace a line.
part() {
    awk -F'\t' -v part="$1" '$1 == part { key = $2 " " $3; if (!(key in names)) order[++count] = key; names[key] = names[key] " " $4 }
        END { for (i = 1; i <= count; i++) print order[i] names[order[i]] }' "$scratch/owned"
}

show() {
    awk -F'\t' -v part="$1" '$1 == part { printf "  %s %s%s%s\n", $2, ($3 == "-" ? "" : $3 "/"), $4, ($5 == "-" ? "" : " (" $5 ")") }' \
        "$scratch/owned" >&2
}

has() { awk -F'\t' -v part="$1" '$1 == part { there = 1 } END { exit !there }' "$scratch/owned"; }

# Run kubectl with words for each kind and namespace of a part: the kind and names take the place of `{}`.
each_of() {
    local part=$1 kind namespace names scope name
    shift
    while read -r kind namespace names; do
        [ -n "$kind" ] || continue
        scope=()
        [ "$namespace" = - ] || scope=(--namespace "$namespace")
        # shellcheck disable=SC2086 # names of Kubernetes have no blanks
        run "${kubectl[@]}" ${scope[@]+"${scope[@]}"} "$1" "$kind" $names "${@:2}" || return 1
    done < <(part "$part")
}

# Delete a part and wait; where that does not end, say what is left and what holds it.
delete() {
    local part=$1 limit=$2 remedy=$3
    each_of "$part" delete --ignore-not-found --wait --timeout="$limit" ||
        fail "not everything of this step is gone, so the environment still stands:
$(show "$part" 2>&1)
$remedy"
}

stuck_nodes="A node goes when its pods have. What still holds one, and what says so:
  ${kubectl[*]} get pods --all-namespaces -o wide
  ${kubectl[*]} get poddisruptionbudgets --all-namespaces
  ${kubectl[*]} describe nodeclaims.karpenter.sh"

# --- Steps ---------------------------------------------------------------------------------------------------------

in_cluster=true
answer=$(aws eks describe-cluster --name "$cluster" --query cluster.status --output text 2>&1) || case $answer in
    *ResourceNotFoundException* | *"No cluster found"*) in_cluster=false ;;
    *) fail "whether there is a cluster $cluster is not known; nothing was changed. AWS says:
$answer" ;;
esac
own_cluster=true
dry_run=false terraform_init

say "1. What goes"
: >"$scratch/owned"
if "$in_cluster"; then
    made_here || own_cluster=false
    ! "$dry_run" || export KUBECONFIG=$scratch/kubeconfig
    aws eks update-kubeconfig --name "$cluster" --region "$region" --alias "$cluster" >&2
    reach_cluster "nothing was changed."
    look
    models=$(applications_of model)
    platform=$(applications_of platform)
    if "$own_cluster"; then
        say "The cluster $cluster goes, with all that runs on it. Removed one by one first, since they cost and Terraform does not know them:"
    else
        say "The cluster $cluster was there before this environment and stays. What the environment made in it goes:"
    fi
    say "  Applications of models: $(tr '\n' ' ' <<<"$models")"
    say "  Applications of the platform: $(tr '\n' ' ' <<<"$platform")"
    for name in entrances derived custom deployments workloads budgets claims pools nodes classes webhooks last rest; do
        show "$name"
    done
    if has shared || has before; then
        say "It stays, since others may use it or it was there before:"
        show shared
        show before
    fi
    if has others; then
        say "Not of this environment, and lost with its cluster:"
        show others
        "$with_others" || "$dry_run" ||
            fail "others made the above in $cluster; nothing was changed. Move it away, or give --with-others to delete it too"
        awk -F'\t' -v OFS='\t' '$1 == "others" { $1 = $5; $5 = "others" } { print }' "$scratch/owned" >"$scratch/all"
        mv "$scratch/all" "$scratch/owned"
    fi
    guarded=$(awk -F'\t' '$1 == "confirm" { print $5 }' "$scratch/owned" | sort -u)
    for application in $guarded; do
        case " ${approved[*]-} " in *" $application "*) continue ;; esac
        say "Argo CD keeps this of $application until somebody approves:"
        awk -F'\t' -v name="$application" '$1 == "confirm" && $5 == name { printf "  %s %s/%s\n", $2, $3, $4 }' "$scratch/owned" >&2
        "$dry_run" && continue
        ! "$yes" || fail "nothing was changed; give --approve $application to delete it"
        confirm "Its data goes with it." "$application"
        approved+=("$application")
    done
else
    say "there is no cluster $cluster; what is left of the environment follows"
fi

bucket=$(terraform -chdir=terraform output -raw models_bucket_name 2>/dev/null) || bucket=
held=
if [ -n "$bucket" ] && aws s3api head-bucket --bucket "$bucket" --expected-bucket-owner "$account" 2>/dev/null; then
    # Old versions and delete markers keep a bucket too.
    [ "$(aws s3api list-object-versions --bucket "$bucket" --max-items 1 \
        --query 'length([Versions, DeleteMarkers][])' --output text)" = 0 ] || held="  objects in s3://$bucket
"
fi
repositories=
for name in $(aws ecr describe-repositories --query "repositories[?starts_with(repositoryName, '$cluster/')].repositoryName" --output text); do
    [ "$(aws ecr list-images --repository-name "$name" --max-items 1 --query 'length(imageIds)' --output text)" = 0 ] ||
        repositories="$repositories $name"
done
[ -z "$repositories" ] || held="${held}  images in$repositories
"
if [ -n "$held" ]; then
    say "This holds data, and AWS deletes none of it while it does:
$held"
    if [ "$data" = ask ] && ! "$dry_run"; then
        ! "$yes" || fail "nothing was changed; give --delete-data to delete it, or --keep-data to keep it"
        printf 'Type delete to delete it with all its versions, keep to keep it: ' >&2
        read -r data || data=
        [ "$data" = delete ] || [ "$data" = keep ] || fail "that is neither delete nor keep; nothing was changed"
    fi
fi
[ -z "$(terraform -chdir=terraform state list 2>/dev/null | grep -E 'aws_(efs|fsx_lustre)_file_system\.' || true)" ] ||
    say "The shared file systems go, with what is on them."

"$dry_run" || confirm "This deletes the above in account $account; it cannot be undone." "$cluster"

if "$in_cluster"; then
    say "2. Nobody puts back what is taken away"
    # Claims and nodes are known by what made them, which goes first: marked, they are known when this runs again.
    for name in claims nodes; do
        each_of "$name" label --overwrite "modelyard.dev/cleanup=$environment"
    done
    # The root and the platform's Applications have no finalizers, so their objects stay for now.
    if [ -n "$(tr -d '[:space:]' <<<"$platform$models")" ]; then
        run "${kubectl[@]}" --namespace argocd delete applications.argoproj.io root --ignore-not-found --wait --timeout=2m

        say "3. Models and what they hold"
        # Their Applications have finalizers, by which Argo CD deletes their objects.
        for application in $models; do
            run "${kubectl[@]}" --namespace argocd delete applications.argoproj.io "$application" --ignore-not-found --wait=false
            case " ${approved[*]-} " in *" $application "*) ;; *) continue ;; esac
            # An approval counts when it is not older than the deletion.
            when=$("$dry_run" || "${kubectl[@]}" --namespace argocd get applications.argoproj.io "$application" \
                --ignore-not-found -o 'jsonpath={.metadata.deletionTimestamp}')
            [ -z "$when" ] || run "${kubectl[@]}" --namespace argocd annotate applications.argoproj.io "$application" \
                --overwrite "argocd.argoproj.io/deletion-approved=$when"
        done
        for application in $models; do
            run "${kubectl[@]}" --namespace argocd wait --for=delete --timeout=15m "applications.argoproj.io/$application" ||
                fail "Argo CD has not deleted the objects of $application, so the environment still stands. It says:
$("${kubectl[@]}" --namespace argocd get applications.argoproj.io "$application" -o 'jsonpath={range .status.conditions[*]}{.message}{"\n"}{end}' 2>&1)
If Argo CD runs no more, take its finalizer away:
  ${kubectl[*]} --namespace argocd patch applications.argoproj.io $application --type=merge --patch '{\"metadata\":{\"finalizers\":null}}'"
        done
        # shellcheck disable=SC2086 # names of Kubernetes have no blanks
        [ -z "$platform" ] || run "${kubectl[@]}" --namespace argocd delete applications.argoproj.io $platform \
            --ignore-not-found --wait --timeout=5m
    fi

    say "4. Load balancers, while their controllers still run"
    ! has webhooks || delete webhooks 2m "Delete them by hand: the API server asks them, and their pods go now."
    delete entrances 10m "Their controllers remove the load balancers first. See what they say:
  ${kubectl[*]} get events --all-namespaces --field-selector reason=FailedDeployModel"
    # What operators make goes by what they made it from; deleted alone, it would come back.
    delete custom 10m "An operator has not let go of them; see its log."
    each_of derived wait --for=delete --timeout=10m ||
        fail "load balancers of these are still there, so the environment still stands:
$(show derived 2>&1)"

    say "5. Workloads and their volumes"
    # Operators before what they would make again, all of it before the claims that it uses.
    delete deployments 10m "Their pods do not end; see kubectl describe pods."
    delete workloads 10m "Their pods do not end; see kubectl describe pods."
    delete claims 10m "A claim goes when no pod uses it; kubectl describe says which do (Used By)."

    say "6. Nodes that Karpenter made, which Terraform does not know"
    # Budgets first: with its pool gone an evicted pod finds no place, and a budget then holds the last node for an hour.
    delete budgets 2m "Delete them by hand."
    delete pools 15m "$stuck_nodes"
    each_of nodes wait --for=delete --timeout=15m || fail "nodes are still there and cost, so the environment still stands:
$(show nodes 2>&1)
$stuck_nodes"
    delete classes 5m "$stuck_nodes"

    if ! "$own_cluster"; then
        say "7. What else the environment made in the cluster"
        delete rest 5m "See kubectl describe for their finalizers."
        delete last 5m "See kubectl describe for their finalizers."
        run "${kubectl[@]}" --namespace argocd delete appprojects.argoproj.io models platform bootstrap --ignore-not-found
    fi
fi

say "8. What would keep the network from going"
# What somebody made by hand in the cluster's network, and what a controller could not remove. The network of a cluster
# that was there before is not this environment's.
vpc=$(aws ec2 describe-vpcs --filters "Name=tag:modelyard.dev/cluster,Values=$cluster" \
    --query 'Vpcs[0].VpcId' --output text)
left=
if [ "$vpc" != None ] && [ -n "$vpc" ]; then
    balancers=$(aws elbv2 describe-load-balancers --query "LoadBalancers[?VpcId=='$vpc'].LoadBalancerName" --output text)
    # Services without the load balancer controller get the older kind.
    classic=$(aws elb describe-load-balancers --query "LoadBalancerDescriptions[?VPCId=='$vpc'].LoadBalancerName" \
        --output text)
    instances=$(aws ec2 describe-instances --filters "Name=vpc-id,Values=$vpc" \
        Name=instance-state-name,Values=pending,running,stopping,stopped \
        --query "Reservations[].Instances[?!not_null(Tags[?Key=='modelyard.dev/cluster'])][].InstanceId" --output text)
    left="${balancers:+load balancers: $balancers
}${classic:+classic load balancers: $classic
}${instances:+instances: $instances
}"
fi
if [ -n "$left" ]; then
    "$dry_run" ||
        fail "this was not made by Terraform and keeps the network from going; remove it, then run this again:
$left"
    say "In the network now:
$left"
fi

say "9. What Terraform made"
if [ -n "$held" ] && [ "$data" = delete ]; then
    # Terraform empties a bucket when an apply before the destroy told it so; this one touches nothing else.
    case $held in *"objects in"*)
        run terraform -chdir=terraform apply -input=false -auto-approve -var-file="../$folder/terraform.tfvars" \
            -var models_bucket_force_destroy=true -target=module.storage.aws_s3_bucket.models
        ;;
    esac
    for name in $repositories; do
        run aws ecr delete-repository --repository-name "$name" --force >/dev/null
    done
elif [ -n "$held" ] && [ "$data" = keep ]; then
    # The key stays with what it encrypts.
    addresses=$(terraform -chdir=terraform state list |
        grep -E '^module\.(storage\.aws_s3_bucket|registry\.aws_ecr_repository\.|encryption\.aws_kms_(key|alias)\.this\["data"\])' || true)
    while read -r address; do
        [ -z "$address" ] || run terraform -chdir=terraform state rm "$address"
    done <<<"$addresses"
fi
approve=()
! "$yes" || approve=(-auto-approve)
run terraform -chdir=terraform destroy -var-file="../$folder/terraform.tfvars" ${approve[@]+"${approve[@]}"} ||
    fail "Terraform stopped before its end, so the environment still stands in part; mend what it says above, then run this again"

say "10. What remains"
if "$dry_run"; then
    exit 0
fi
volumes=$(aws ec2 describe-volumes --filters "Name=tag:kubernetes.io/cluster/$cluster,Values=owned" \
    --query 'Volumes[].VolumeId' --output text)
[ -z "$volumes" ] || [ "$volumes" = None ] || say "Volumes of the cluster that stay, and cost: $volumes"
[ "$data" != keep ] || [ -z "$held" ] || say "Kept with its key, as you chose, outside of Terraform's state:
$held"
if has shared || has before; then
    say "Left in the cluster, since others may use it or it was there before:"
    show shared
    show before
fi
tagged=$(aws resourcegroupstaggingapi get-resources --tag-filters "Key=modelyard.dev/cluster,Values=$cluster" \
    --query 'ResourceTagMappingList[].ResourceARN' --output text)
[ -z "$tagged" ] || say "AWS still knows of these by their tag; it forgets some only after hours: $tagged"
secrets=$(aws secretsmanager list-secrets --include-planned-deletion --filters "Key=name,Values=$cluster/" \
    --query 'SecretList[?DeletedDate].[Name]' --output text)
[ -z "$secrets" ] || say "These secrets can be brought back until their time is over. Until then their names are taken, and the same
environment cannot be installed: $(tr '\n' ' ' <<<"$secrets")
  aws secretsmanager restore-secret --secret-id NAME"
say "Encryption keys that were not kept wait 30 days before AWS deletes them. Kept on purpose: the state in $folder/backend.hcl,
and the files here:
  modelyard env remove --yes $environment"
