#!/usr/bin/env bash
# Make the certificates and passwords of OpenSearch, as the JSON that the secret in AWS holds. It prints secrets: only
# into a pipe, such as
#   bash bases/platform/opensearch/credentials.sh |
#     aws secretsmanager put-secret-value --secret-id CLUSTER/opensearch --secret-string file:///dev/stdin
set -euo pipefail

DAYS=${DAYS:-825}

for tool in openssl htpasswd; do
  if ! command -v "$tool" >/dev/null; then
    echo "$tool is not installed; htpasswd is in the package apache2-utils or httpd-tools" >&2
    exit 2
  fi
done
if [[ -t 1 ]]; then
  echo "this prints secrets; give them to a pipe: bash $0 | aws secretsmanager put-secret-value ..." >&2
  exit 2
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
umask 077

key=(-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes)
openssl req -x509 "${key[@]}" -days "$DAYS" -subj /CN=opensearch-ca -keyout ca.key -out ca.crt 2>/dev/null
openssl req -new "${key[@]}" -subj /CN=opensearch-node -keyout tls.key -out tls.csr 2>/dev/null
names='DNS:opensearch.opensearch.svc,DNS:opensearch.opensearch.svc.cluster.local,DNS:localhost'
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days "$DAYS" -out tls.crt 2>/dev/null \
  -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names")

# A file's text as a JSON string; PEM has nothing to escape but its line ends.
text() {
  awk '{ printf "%s\\n", $0 }' "$1"
}

printf '{"ca.crt": "%s", "tls.crt": "%s", "tls.key": "%s"' "$(text ca.crt)" "$(text tls.crt)" "$(text tls.key)"
for user in admin fluent-bit grafana; do
  password=$(openssl rand -hex 24)
  hash=$(htpasswd -niBC 12 "$user" <<<"$password" | cut -d: -f2 | head -n 1)
  printf ', "%s-password": "%s", "%s-hash": "%s"' "$user" "$password" "$user" "$hash"
done
echo '}'
