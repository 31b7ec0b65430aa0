/** Sends one file to the deployment's bucket: with a form, or in parts that are each sent again by themselves. */

import { Refusal, Unreachable } from "../api.js";

const PARTS_AT_ONCE = 2;
const MOST_SETBACKS = 3;
/** For so long, S3 may take nothing and answer nothing. */
const STILL_MS = 60_000;
/** What S3 says of a form or a link that has ended. */
const ENDED = /expired/i;
/** Why the API does not complete an upload that it gives further links for. */
const BEGIN_AGAIN = new Set(["MISSING_PARTS", "UPLOAD_DIFFERS"]);

/** S3 refuses what is sent; `text`: its answer. */
export class StorageRefusal extends Error {
  constructor(text) {
    super(text.match(/<Message>([^<]*)/)?.[1] ?? text);
    this.text = text;
  }
}

/** The file cannot be read, or is another than when it was chosen. */
export class Unreadable extends Error {}

/**
 * Sends with a form; a fresh one if the first has ended.
 *
 * @param {{url: string, fields: Record<string, string>} | null} form of the registration; null: a fresh one is asked for
 * @param {File} file
 * @param {{more: () => Promise<any>, told: (bytes: number) => void, signal: AbortSignal}} how
 * @throws {StorageRefusal | Unreachable | Unreadable | Refusal}
 */
export async function sendForm(form, file, { more, told, signal }) {
  const fresh = async () => (await more()).upload;
  try {
    await sendFields(form ?? (await fresh()), file, told, signal);
  } catch (error) {
    if (!(error instanceof StorageRefusal && ENDED.test(error.text))) {
      throw error;
    }
    await sendFields(await fresh(), file, told, signal);
  }
}

async function sendFields({ url, fields }, file, told, signal) {
  const body = new FormData();
  Object.entries(fields).forEach(([name, value]) => body.append(name, value));
  body.append("file", file);
  // The form around it is small beside the file.
  await sent("POST", url, body, file, (bytes) => told(Math.min(bytes, file.size)), signal);
}

/**
 * Sends the parts that S3 does not have until it has them all, and completes the upload.
 *
 * @param {File} file
 * @param {{more: () => Promise<any>, complete: () => Promise<any>, told: (bytes: number) => void, signal: AbortSignal}} how
 * @throws {StorageRefusal | Unreachable | Unreadable | Refusal}
 */
export async function sendParts(file, { more, complete, told, signal }) {
  let setbacks = 0;
  let before = -1;
  for (;;) {
    const { multipart } = await more();
    if (!multipart.links.length) {
      if (await isComplete(complete, ++setbacks)) {
        return;
      }
      continue;
    }
    setbacks = multipart.received.length > before ? 0 : setbacks + 1;
    before = multipart.received.length;
    const refused = await sendLinks(file, multipart, told, signal);
    if (refused && setbacks >= MOST_SETBACKS) {
      throw refused;
    }
  }
}

async function isComplete(complete, setbacks) {
  try {
    await complete();
    return true;
  } catch (error) {
    if (!(error instanceof Refusal && BEGIN_AGAIN.has(error.code)) || setbacks >= MOST_SETBACKS) {
      throw error;
    }
    return false;
  }
}

/**
 * Sends the parts of these links; returns S3's refusal if it did not take one of them, so that fresh links are needed. If
 * the line breaks for one, those that are under way may still arrive: otherwise they would be sent twice.
 */
async function sendLinks(file, { part_size: size, received, links }, told, signal) {
  const waiting = [...links];
  const underWay = new Map();
  const there = received.reduce((sum, number) => sum + lengthOf(number, size, file), 0);
  let done = 0;
  let refused = null;
  let broken = null;
  const tell = () => told(there + done + [...underWay.values()].reduce((sum, bytes) => sum + bytes, 0));
  tell();
  const sendRest = async () => {
    for (let link = waiting.shift(); link && !refused && !broken; link = waiting.shift()) {
      const { number, bytes, url } = link;
      const start = (number - 1) * size;
      const tellPart = (loaded) => {
        underWay.set(number, Math.min(loaded, bytes));
        tell();
      };
      try {
        await sent("PUT", url, file.slice(start, start + bytes), file, tellPart, signal);
        done += bytes;
      } catch (error) {
        if (error instanceof StorageRefusal) {
          refused = error;
        } else {
          broken ??= error;
        }
      } finally {
        underWay.delete(number);
      }
      tell();
    }
  };
  await Promise.all(Array.from({ length: PARTS_AT_ONCE }, sendRest));
  if (broken) {
    throw broken;
  }
  return refused;
}

function lengthOf(number, size, file) {
  return Math.min(size, file.size - (number - 1) * size);
}

/** One request to S3. Not `fetch`, which does not tell how far it is. A line that stands still is taken as broken. */
function sent(method, url, body, file, told, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    let timer = 0;
    const moves = () => {
      clearTimeout(timer);
      timer = setTimeout(stop, STILL_MS);
    };
    request.onload = () => (request.status < 300 ? resolve() : reject(new StorageRefusal(request.responseText)));
    // A browser says no more than that; whether the file can be read is found out by reading it.
    request.onerror = () =>
      file
        .slice(0, 1)
        .arrayBuffer()
        .then(
          () => reject(new Unreachable("The line is broken.")),
          (error) => reject(new Unreadable(file.name, { cause: error })),
        );
    request.onabort = () => reject(signal.aborted ? signal.reason : new Unreachable("The line stands still."));
    request.onloadend = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", stop);
    };
    request.upload.onprogress = ({ loaded }) => {
      moves();
      told(loaded);
    };
    signal.throwIfAborted();
    signal.addEventListener("abort", stop, { once: true });
    request.open(method, url);
    moves();
    request.send(body);
  });
}
