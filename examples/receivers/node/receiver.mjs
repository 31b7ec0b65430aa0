// Receives transcription webhooks: verified, each message once, answered at once.

import express from "express";
import { Webhook } from "standardwebhooks";

// Message ids kept; a real receiver keeps them in its database, for longer than the three days of tries.
const REMEMBERED = 10_000;

// Secrets that are separated by spaces.
function parsed(secrets) {
  return secrets.split(/\s+/).filter(Boolean).map((secret) => new Webhook(secret));
}

// WEBHOOK_SECRETS maps callbacks' ids to their secrets; WEBHOOK_SECRET is for all that the map lacks.
const named = Object.entries(JSON.parse(process.env.WEBHOOK_SECRETS ?? "{}"));
const byCallback = new Map(named.map(([id, secrets]) => [id, parsed(secrets)]));
const forOthers = parsed(process.env.WEBHOOK_SECRET ?? "");
if (named.length + forOthers.length === 0) throw new Error("Set WEBHOOK_SECRET or WEBHOOK_SECRETS.");
const seen = new Set();
// The largest sequence of each job; a real receiver keeps it with the job in its database.
const latest = new Map();
const app = express();

// The message, if a secret of its callback signed it within the last five minutes; else null.
// The header with the callback's id is not signed. Whoever writes another id there has to know that callback's secret.
function verified(body, headers) {
  for (const secret of byCallback.get(headers["webhook-callback-id"]) ?? forOthers) {
    try {
      return secret.verify(body, headers);
    } catch {
      continue;
    }
  }
  return null;
}

// What is asked for, if the answer is good.
async function get(address, headers) {
  const response = await fetch(address, { headers });
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return response;
}

// The text of a completed job. A long one is left out of the message, and is fetched with an API key.
// Null: it is long, and the job asked for no txt, or the deployment has no API.
async function textOf(data) {
  if (data.text !== undefined) return data.text;
  const found = data.results.find((entry) => entry.format === "txt")?.result_url;
  if (found === undefined) return null;
  const address = new URL(found);
  address.searchParams.set("redirect", "false");
  const link = await (await get(address, { Authorization: `Bearer ${process.env.TRANSCRIBE_KEY}` })).json();
  // The link leads to S3, which refuses the API key.
  return (await get(link.url)).text();
}

// What the message is for; runs after the answer has been sent.
async function handle(message) {
  const told = { type: message.type, job_id: message.data.job_id ?? null };
  if (message.type === "transcription.completed") {
    const text = await textOf(message.data);
    // As Python counts them: a character beyond the first plane is one.
    told.characters = text === null ? null : [...text].length;
  }
  console.log(JSON.stringify(told));
}

// Whether a later message about the same job has come before this one.
function overtaken({ job_id, sequence }) {
  // It is about a callback, or comes from a release that gave no numbers.
  if (job_id === undefined || sequence === undefined) return false;
  if (sequence < (latest.get(job_id) ?? 0)) return true;
  latest.set(job_id, sequence);
  if (latest.size > REMEMBERED) latest.delete(latest.keys().next().value);
  return false;
}

// The raw bytes: parsed and written again, the signature would no longer fit.
app.post("/hook", express.raw({ type: () => true, limit: "1mb" }), (request, response) => {
  const message = Buffer.isBuffer(request.body) ? verified(request.body, request.headers) : null;
  if (message === null) {
    response.status(400).json({ error: "the signature does not fit or the message is too old" });
    return;
  }
  if (message.type === "callback.challenge") {
    response.json({ challenge: message.data.challenge });
    return;
  }
  // All callbacks get an event's message under one id. Only a callback whose own secret was asked for is believed.
  const callback = request.headers["webhook-callback-id"];
  const received = `${request.headers["webhook-id"]} ${byCallback.has(callback) ? callback : ""}`;
  if (!seen.has(received)) {
    seen.add(received);
    if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
    if (!overtaken(message.data)) setImmediate(() => handle(message).catch(console.error));
  }
  response.status(204).end();
});

const server = app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: server.address().port }));
});
