#!/usr/bin/env bash
# Take one environment down in the order that leaves nothing behind: models, load balancers, volumes, nodes, then what
# Terraform made. The bucket with Terraform's state is kept. After an interruption run it again.
set -euo pipefail

usage_text="usage: scripts/cleanup.sh [--dry-run] [--yes] ENVIRONMENT

  --dry-run  print each command and run none
  --yes      do not ask for the cluster's name, and let Terraform destroy without asking"

# shellcheck source-path=SCRIPTDIR source=environment.sh
. "$(dirname "$0")/environment.sh"
start "$@"

if ! "$dry_run"; then
    ready aws kubectl terraform
    confirm "This deletes the cluster $cluster in account $account with everything on it, volumes included." "$cluster"
fi

say "1. Nobody puts back what is taken away"
if "$dry_run" || aws eks describe-cluster --name "$cluster" >/dev/null 2>&1; then
    run aws eks update-kubeconfig --name "$cluster" --region "$region" --alias "$cluster"
    # The root and the platform's Applications have no finalizers, so their objects stay for now.
    run "${kubectl[@]}" --namespace argocd delete application root --ignore-not-found --wait --timeout=2m

    say "2. Models and what they hold"
    # Their Applications have finalizers, so this waits for their objects.
    run "${kubectl[@]}" --namespace argocd delete applications --selector app.kubernetes.io/component=model \
        --wait --timeout=15m
    run "${kubectl[@]}" --namespace argocd delete applications --selector app.kubernetes.io/component=platform \
        --wait --timeout=5m

    say "3. Load balancers and volumes, while their controllers still run"
    services=$("$dry_run" || "${kubectl[@]}" get services --all-namespaces --no-headers \
        -o custom-columns=NAMESPACE:.metadata.namespace,NAME:.metadata.name,TYPE:.spec.type)
    while read -r namespace name type; do
        [ "$type" = LoadBalancer ] || continue
        run "${kubectl[@]}" --namespace "$namespace" delete service "$name" --wait --timeout=10m
    done <<<"$services"
    # Claims go when no pod uses them: first what would make such pods again.
    claims=$("$dry_run" || "${kubectl[@]}" get persistentvolumeclaims --all-namespaces --no-headers \
        -o custom-columns=NAMESPACE:.metadata.namespace | sort -u)
    for namespace in $claims; do
        run "${kubectl[@]}" --namespace "$namespace" delete statefulsets,deployments --all --wait --timeout=10m
        run "${kubectl[@]}" --namespace "$namespace" delete persistentvolumeclaims --all --wait --timeout=10m
    done

    say "4. Nodes that Karpenter made, which Terraform does not know"
    for kind in nodepools.karpenter.sh nodeclaims.karpenter.sh ec2nodeclasses.karpenter.k8s.aws nodeclasses.eks.amazonaws.com; do
        if "$dry_run" || "${kubectl[@]}" get crd "$kind" >/dev/null 2>&1; then
            run "${kubectl[@]}" delete "$kind" --all --wait --timeout=15m
        fi
    done
else
    say "there is no cluster $cluster; what is left of the environment follows"
fi

say "5. What would keep the network from going"
# What somebody made by hand in the cluster's network, and what a controller could not remove.
if "$dry_run"; then
    run aws ec2 describe-vpcs --filters "Name=tag:modelyard.dev/cluster,Values=$cluster"
else
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
    volumes=$(aws ec2 describe-volumes --filters "Name=tag:kubernetes.io/cluster/$cluster,Values=owned" \
        --query 'Volumes[].VolumeId' --output text)
    [ -z "$left" ] || fail "this was not made by Terraform and keeps the network from going; remove it, then run this again:
$left"
    [ -z "$volumes" ] || say "volumes of the cluster that stay, and cost: $volumes"
fi

say "6. What Terraform made"
approve=()
! "$yes" || approve=(-auto-approve)
terraform_init
run terraform -chdir=terraform destroy -var-file="../$folder/terraform.tfvars" ${approve[@]+"${approve[@]}"}

say "7. What remains"
run aws resourcegroupstaggingapi get-resources --tag-filters "Key=modelyard.dev/cluster,Values=$cluster" \
    --query 'ResourceTagMappingList[].ResourceARN' --output text
say "Keys and secrets wait out their recovery time. Kept on purpose: the state in $folder/backend.hcl, and the files here:"
say "modelyard env remove $environment"
