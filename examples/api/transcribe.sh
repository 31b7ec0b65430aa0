#!/usr/bin/env bash
# A recording through the API with curl and jq: transcribe.sh FILE
# TRANSCRIBE_URL: the API's address. TRANSCRIBE_KEY: an API key.
# Prints the text. If there is none, it says why on standard error and ends with a status other than 0.
set -euo pipefail

file=${1:?usage: transcribe.sh FILE}
: "${TRANSCRIBE_URL:?Set it to the address of the API.}" "${TRANSCRIBE_KEY:?Set it to an API key.}"

# Prints the reply. A refusal is a document that says what was wrong; it goes to standard error, and the script ends.
api() {
  local reply
  reply=$(curl --silent --show-error --fail-with-body --header "Authorization: Bearer $TRANSCRIBE_KEY" "$@") ||
    { printf '%s\n' "$reply" >&2; return 1; }
  printf '%s\n' "$reply"
}

# 1. A job: the reply says where to upload. The key makes a repeated request happen once.
wanted=$(jq --null-input --arg name "$(basename -- "$file")" --argjson size "$(wc -c <"$file")" \
  '{file_name: $name, size: $size, options: {language: "sv"}}')
job=$(api "$TRANSCRIBE_URL/api/jobs" --data "$wanted" \
  --header "Content-Type: application/json" --header "Idempotency-Key: $(date +%s%N)-$$")
id=$(jq --raw-output .job_id <<<"$job")

# Sends the form with the fields of the reply first and the file last, without the API key. The file comes from standard
# input, since curl gives a meaning to some characters of a file's name (; , " and others).
upload() {
  local form
  form=$(jq --raw-output '.upload.fields | to_entries[] | "form-string = \("\(.key)=\(.value)" | @json)"' <<<"$1")
  curl --silent --show-error --fail-with-body --config <(printf '%s\n' "$form") --form "file=@-" \
    "$(jq --raw-output .upload.url <<<"$1")" <"$file"
}

# 2. The upload. If the form has ended meanwhile, a fresh one goes on: once, since it is good for an hour.
if ! refusal=$(upload "$job"); then
  [[ $refusal == *expired* ]] || { printf '%s\n' "$refusal" >&2; exit 1; }
  upload "$(api "$TRANSCRIBE_URL/api/jobs/$id/upload" --request POST)" >&2
fi

# 3. Until it has ended, however that is called. A webhook spares this: see docs/webhooks.md.
while [[ $(jq --raw-output .status <<<"$job") =~ ^(awaiting_upload|queued|running)$ ]]; do
  sleep 1
  job=$(api "$TRANSCRIBE_URL/api/jobs/$id")
done
case $(jq --raw-output .status <<<"$job") in
  completed) ;;
  expired) echo "The job has expired: its upload did not come in time." >&2; exit 1 ;;
  *) jq --raw-output '"The job is \(.status): \(.error.message // "there is no text.")"' <<<"$job" >&2; exit 1 ;;
esac

# 4. The text, by a link that takes no API key.
link=$(api "$TRANSCRIBE_URL/api/jobs/$id/transcript?format=txt&redirect=false" | jq --raw-output .url)
curl --silent --show-error --fail-with-body "$link"
