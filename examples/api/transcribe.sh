#!/usr/bin/env bash
# A recording through the API with curl and jq: transcribe.sh FILE
# TRANSCRIBE_URL: the API's address. TRANSCRIBE_KEY: an API key.
set -euo pipefail

file=$1
api() { curl --silent --show-error --fail-with-body --header "Authorization: Bearer $TRANSCRIBE_KEY" "$@"; }

# 1. A job: the reply says where to upload. The key makes a repeated request happen once.
job=$(api "$TRANSCRIBE_URL/api/jobs" \
  --header "Content-Type: application/json" --header "Idempotency-Key: $(date +%s%N)-$$" \
  --data "$(jq --null-input --arg name "$(basename "$file")" --argjson size "$(wc -c < "$file")" \
    '{file_name: $name, size: $size, options: {language: "sv"}}')")
id=$(jq --raw-output .job_id <<< "$job")

# 2. The upload: a form with the fields of the reply first and the file last, without the API key.
fields=()
while IFS= read -r field; do fields+=(--form-string "$field"); done \
  < <(jq --raw-output '.upload.fields | to_entries[] | "\(.key)=\(.value)"' <<< "$job")
curl --silent --show-error --fail-with-body "${fields[@]}" --form "file=@$file" "$(jq --raw-output .upload.url <<< "$job")"

# 3. Until it is there. A webhook spares this: see docs/webhooks.md.
until status=$(api "$TRANSCRIBE_URL/api/jobs/$id" | jq --raw-output .status); [[ $status =~ ^(completed|failed|canceled)$ ]]; do
  sleep 1
done
[[ $status == completed ]] || { api "$TRANSCRIBE_URL/api/jobs/$id" | jq .error >&2; exit 1; }

# 4. The text: the redirect is followed without the API key, which curl leaves out for another host by itself.
link=$(api "$TRANSCRIBE_URL/api/jobs/$id/transcript?format=txt&redirect=false" | jq --raw-output .url)
curl --silent --show-error --fail-with-body "$link"
