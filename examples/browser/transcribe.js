/**
 * A recording through the API from a page of another origin, which the deployment lists in `cors_origins`.
 *
 * docs/api/README.md, "From a page of your own", says what the browser asks for, and whose key a page may hold.
 */

/** Every other status is an end, also one that a later version of the API may have. */
const GOES_ON = new Set(["awaiting_upload", "queued", "running"]);
const POLL_MS = 1000;
/** From this size on a file is sent in parts: a connection that breaks then costs parts, and not all of the file. */
const PARTS_FROM = 100_000_000;
const PARTS_AT_ONCE = 4;
const MOST_ROUNDS_IN_VAIN = 3;

/**
 * The text of a recording.
 *
 * @param {object} wanted
 * @param {string} wanted.api address of the deployment, without a slash at the end
 * @param {string} wanted.key API key
 * @param {File} wanted.file the recording
 * @param {(stage: string, fraction: number) => void} wanted.tell is called with how far each stage is, from 0 to 1
 * @param {number} [wanted.partsFrom] bytes from which on the file is sent in parts
 * @returns {Promise<string>} the text; rejected with an Error whose message says why there is none
 */
export async function transcribe({ api, key, file, tell, partsFrom = PARTS_FROM }) {
  // 1. A job: the reply says where to upload. The key makes a repeated request happen once.
  let job = await ask(`${api}/api/jobs`, key, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify({
      file_name: file.name,
      size: file.size,
      multipart: file.size >= partsFrom,
      content_type: /^(audio|video)\//.test(file.type) ? file.type : null,
      options: { language: "sv" },
    }),
  });

  // 2. The upload, without the API key. If S3 refuses the form because it has ended, a fresh one goes on.
  const more = () => ask(`${api}/api/jobs/${job.job_id}/upload`, key, { method: "POST" });
  const told = (fraction) => tell("upload", fraction);
  if (job.upload) {
    let refusal = await sendForm(job.upload, file, told);
    if (refusal.includes("expired")) {
      refusal = await sendForm((await more()).upload, file, told);
    }
    if (refusal) {
      throw new Error(`S3 refused the upload: ${refusal}`);
    }
  } else {
    await sendParts(more, file, told);
    await ask(`${api}/api/jobs/${job.job_id}/upload/complete`, key, { method: "POST" });
  }

  // 3. Until it has ended.
  while (GOES_ON.has(job.status)) {
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    job = await ask(`${api}/api/jobs/${job.job_id}`, key);
    tell(job.progress.stage, job.progress.fraction ?? 0);
  }
  if (job.status !== "completed") {
    throw new Error(`The job is ${job.status}: ${job.error?.message ?? "there is no text."}`);
  }

  // 4. The text. The page fetches the link by itself: if it followed the API's redirect, the browser would tell S3 the
  // origin "null", which no list holds.
  const { url } = await ask(`${api}/api/jobs/${job.job_id}/transcript?format=txt&redirect=false`, key);
  const reply = await reached(fetch(url));
  if (!reply.ok) {
    throw new Error(await reply.text());
  }
  return reply.text();
}

/** What the API answers; a refusal becomes an Error with its sentence. */
async function ask(url, key, { headers = {}, ...how } = {}) {
  const reply = await reached(fetch(url, { ...how, headers: { Authorization: `Bearer ${key}`, ...headers } }));
  const body = await reply.json();
  if (!reply.ok) {
    throw new Error(body.detail ?? `The API answered ${reply.status}.`);
  }
  return body;
}

/** A browser does not tell a page why it keeps an answer from it. */
async function reached(answer) {
  try {
    return await answer;
  } catch (error) {
    throw new Error(`There is no answer that this page may read: is ${location.origin} in cors_origins?`, {
      cause: error,
    });
  }
}

/**
 * Sends the fields of a form first and the file last; returns what S3 refuses it with, or nothing. It uses XMLHttpRequest,
 * since fetch does not tell how far an upload is.
 */
function sendForm({ url, fields }, file, tell) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) {
    form.append(name, value);
  }
  form.append("file", file);
  const request = new XMLHttpRequest();
  const sent = new Promise((resolve, reject) => {
    request.onload = () => resolve(request.status < 300 ? "" : request.responseText);
    request.onerror = () => reject(new Error("The upload has failed."));
  });
  request.upload.onprogress = ({ loaded, total }) => tell(loaded / total);
  request.open("POST", url);
  request.send(form);
  return sent;
}

/**
 * Sends the parts that S3 does not have, as long as there are any. Each round has fresh links for up to 100 of them; a
 * part that failed is among those of the next round.
 */
async function sendParts(more, file, tell) {
  let inVain = 0;
  while (inVain < MOST_ROUNDS_IN_VAIN) {
    const { part_size: size, parts, received, links } = (await more()).multipart;
    if (!links.length) {
      return;
    }
    let there = received.length;
    const sendRest = async () => {
      for (let link = links.shift(); link; link = links.shift()) {
        const start = (link.number - 1) * size;
        const part = { method: "PUT", body: file.slice(start, start + link.bytes) };
        if (await fetch(link.url, part).then((reply) => reply.ok, () => false)) {
          tell(++there / parts);
        }
      }
    };
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, sendRest));
    inVain = there > received.length ? 0 : inVain + 1;
  }
  throw new Error("The upload has failed: S3 takes none of the parts that are left.");
}
