// A recording through the generated types, told of by a webhook: `node transcribe.js FILE` prints the text.
// TRANSCRIBE_URL: the API's address. TRANSCRIBE_KEY: an API key.

import assert from "node:assert/strict";
import { openAsBlob } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import createClient from "openapi-fetch";
import { Webhook } from "standardwebhooks";

import type { components, paths, webhooks } from "./transcriber.js";

type Schemas = components["schemas"];
type Completed = webhooks["transcription.completed"]["post"]["requestBody"]["content"]["application/json"];

// How long anything may take that is waited for.
const MILLISECONDS = 120_000;

const file = process.argv[2]!;
const api = createClient<paths>({
  baseUrl: process.env["TRANSCRIBE_URL"]!,
  headers: { Authorization: `Bearer ${process.env["TRANSCRIBE_KEY"]}` },
});

// What was asked for; a refusal ends the program.
async function granted<T>(reply: Promise<{ data?: T; error?: Schemas["ProblemDocument"] }>): Promise<T> {
  const { data, error } = await reply;
  if (data === undefined) throw new Error(`The API refused: ${error?.code} ${error?.detail}`);
  return data;
}

// The first answer that fits; asks again until there is one.
async function until<T>(ask: () => Promise<T | undefined>): Promise<T> {
  for (const deadline = Date.now() + MILLISECONDS; Date.now() < deadline; await sleep(500)) {
    const found = await ask();
    if (found !== undefined) return found;
  }
  throw new Error("It took too long.");
}

let told: (message: { id: string; body: Completed }) => void;
const message = new Promise<Parameters<typeof told>[0]>((resolve) => (told = resolve));
let secret: Webhook;

// The raw bytes are verified: parsed and written again, the signature would no longer fit.
async function receive(request: IncomingMessage): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const body = secret.verify(Buffer.concat(chunks), request.headers as Record<string, string>) as Completed;
  told({ id: request.headers["webhook-id"] as string, body });
}

const server = createServer((request, response) => {
  receive(request).then(
    () => response.writeHead(204).end(),
    () => response.writeHead(400).end(),
  );
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const hook = `http://127.0.0.1:${(server.address() as AddressInfo).port}/transcripts`;

// A job whose end is told to the hook.
const recording = await openAsBlob(file);
const made = await granted(
  api.POST("/api/jobs", {
    body: {
      file_name: basename(file),
      size: recording.size,
      options: { language: "sv" },
      callback: { url: hook, events: ["transcription.completed"] },
    },
  }),
);
secret = new Webhook(made.callback!.secret);

assert(made.upload, "which only a job that is uploaded in parts lacks");
const form = new FormData();
for (const [name, value] of Object.entries(made.upload.fields)) form.append(name, value);
form.append("file", recording);
const uploaded = await fetch(made.upload.url, { method: "POST", body: form });
assert(uploaded.ok, await uploaded.text());

const path = { job_id: made.job_id };
const job = await until(async () => {
  const now = await granted(api.GET("/api/jobs/{job_id}", { params: { path } }));
  return now.progress.stage === "ended" ? now : undefined;
});
assert.equal(job.status, "completed", job.error?.code satisfies Schemas["JobErrorCode"] | undefined);
assert(job.duration);

let after: string | null = null;
const event = await until(async () => {
  const query: { after: string | null } = { after };
  const feed: Schemas["Feed"] = await granted(api.GET("/api/events", { params: { query } }));
  after = feed.next ?? after;
  return feed.events.find((one) => one.job_id === job.job_id && one.type === "transcription.completed");
});
const received = await message;
assert.equal(event.event_id, received.id);
assert.deepEqual(event.body, received.body);
assert.deepEqual(received.body.data.results, job.results);

// The transcript in one format, from the link, which takes no API key.
async function read(format: Schemas["Format"]): Promise<Response> {
  const query = { format, redirect: false };
  const link = await granted(api.GET("/api/jobs/{job_id}/transcript", { params: { path, query } }));
  assert(typeof link === "object" && "url" in link, "what came is a file: that of the latest version");
  return fetch(link.url);
}

const transcript = (await (await read("json")).json()) as Schemas["Transcript"];
assert.equal(transcript.duration, job.duration);
assert.equal(transcript.text, received.body.data.text);
console.log(await (await read("txt")).text());
server.close();
