#!/usr/bin/env bash
# Tell OpenSearch how its log indices are made and how long they are kept. May run any number of times.
set -euo pipefail

SETTINGS=${SETTINGS:-/settings}

# The password reaches curl by its standard input: arguments can be read by other processes.
ask() {
  printf 'user = "admin:%s"\n' "$ADMIN_PASSWORD" |
    curl --silent --show-error --config - --cacert /tls/ca.crt --header 'Content-Type: application/json' "$@"
}

until ask --fail --output /dev/null "$OPENSEARCH/_cluster/health?wait_for_status=yellow&timeout=30s"; do
  sleep 10
done

ask --fail --request PUT --data "@$SETTINGS/template.json" "$OPENSEARCH/_index_template/logs"
echo

# A policy that is there is replaced only by whoever names its last change.
policy=$OPENSEARCH/_plugins/_ism/policies/logs
before=$(ask "$policy")
if [[ $before =~ \"_seq_no\":[[:space:]]*([0-9]+) ]]; then
  number=${BASH_REMATCH[1]}
  [[ $before =~ \"_primary_term\":[[:space:]]*([0-9]+) ]]
  policy="$policy?if_seq_no=$number&if_primary_term=${BASH_REMATCH[1]}"
fi
ask --fail --request PUT --data "@$SETTINGS/retention.json" "$policy"
echo

# Indices that are there go by the copy of the policy that they were given; without any there is nothing to change.
ask --request POST --data '{"policy_id": "logs"}' "$OPENSEARCH/_plugins/_ism/change_policy/logs-*"
echo
