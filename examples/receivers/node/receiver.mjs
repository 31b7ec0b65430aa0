// Receives transcription webhooks: verified, each message once, answered at once.

import express from "express";
import { Webhook } from "standardwebhooks";

// Message ids kept; a real receiver keeps them in its database, for longer than the three days of tries.
const REMEMBERED = 10_000;

const secrets = process.env.WEBHOOK_SECRET.trim().split(/\s+/).map((secret) => new Webhook(secret));
const seen = new Set();
const app = express();

// The message, if one of the secrets signed it within the last five minutes; else null.
function verified(body, headers) {
  for (const secret of secrets) {
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
async function textOf(data) {
  if (data.text !== undefined) return data.text;
  const address = new URL(data.results.find((entry) => entry.format === "txt").result_url);
  address.searchParams.set("redirect", "false");
  const link = await (await get(address, { Authorization: `Bearer ${process.env.TRANSCRIBE_KEY}` })).json();
  // The link leads to S3, which refuses the API key.
  return (await get(link.url)).text();
}

// What the message is for; runs after the answer has been sent.
async function handle(message) {
  const told = { type: message.type, job_id: message.data.job_id ?? null };
  // As Python counts them: a character beyond the first plane is one.
  if (message.type === "transcription.completed") told.characters = [...(await textOf(message.data))].length;
  console.log(JSON.stringify(told));
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
  const id = request.headers["webhook-id"];
  if (!seen.has(id)) {
    seen.add(id);
    if (seen.size > REMEMBERED) seen.delete(seen.values().next().value);
    setImmediate(() => handle(message).catch(console.error));
  }
  response.status(204).end();
});

const server = app.listen(Number(process.env.PORT ?? 8000), "127.0.0.1", () => {
  console.log(JSON.stringify({ listening: server.address().port }));
});
