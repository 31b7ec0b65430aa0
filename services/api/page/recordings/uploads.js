/** All uploads of this tab. They go on while views come and go, three at a time, and wait where there is no line. */

import { passed, Refusal, Unreachable } from "../api.js";
import { recordOf } from "./records.js";
import { sendForm, sendParts, StorageRefusal } from "./sending.js";

/** Why an upload is broken off for good. */
const REMOVED = "removed";
const MOST_TRIES = 3;
const AT_ONCE = 3;
/** A file that is larger than a part is sent in parts: a line that breaks then costs a part, and not all of the file. */
const PARTS_FROM_BYTES = 8 << 20;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15_000;
/** Media types that the API takes; of others it is told nothing, and the engine recognises the file by itself. */
const MEDIA = /^(audio|video)\/[\w!#&^.+-]+$/;
/** States in which an upload still wants something of this tab. */
const BUSY = new Set(["waiting", "sending", "offline"]);

/**
 * @typedef {object} Upload
 * @property {File} file
 * @property {Record<string, unknown>} options of its job
 * @property {string} key under which its registration is known
 * @property {AbortController} ending breaks it off
 * @property {"waiting" | "sending" | "offline" | "done" | "failed"} state
 * @property {number} bytes that are there
 * @property {string | null} job
 * @property {unknown} error why it failed
 */

/** Tells of each change by an event `change`, and by `done` that the recording of an upload is there. */
export class Uploads extends EventTarget {
  /** @param {import("../api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
    /** @type {Upload[]} */
    this.all = [];
  }

  /** Whether a closed tab would break something off. */
  get isBusy() {
    return this.all.some((one) => BUSY.has(one.state));
  }

  /**
   * Sends files; one that is being sent already is left out.
   *
   * @param {Iterable<File>} files
   * @param {Record<string, unknown>} options of their jobs
   */
  add(files, options) {
    for (const file of files) {
      if (!this.all.some((one) => BUSY.has(one.state) && isSame(one.file, file))) {
        const [key, ending] = [random(), new AbortController()];
        this.all.push({ file, options, key, ending, state: "waiting", bytes: 0, job: null, error: null });
      }
    }
    this.#goOn();
  }

  /** Tries one again that failed. */
  retry(upload) {
    Object.assign(upload, { state: "waiting", error: null });
    this.#goOn();
  }

  /** Takes one out of the list; if it is not done, it is broken off, and its job is canceled. */
  async remove(upload) {
    const isOpen = upload.state !== "done";
    upload.ending.abort(new DOMException(REMOVED, "AbortError"));
    this.all = this.all.filter((one) => one !== upload);
    this.#goOn();
    if (isOpen) {
      await this.#giveUp(upload);
    }
  }

  /** Cancels the job of an upload that was removed. If that cannot be done, the job expires by itself. */
  async #giveUp({ file, job }) {
    recordOf(file).remove();
    for (let tries = 0; job && tries < MOST_TRIES; tries++) {
      try {
        await this.api.send("POST", `api/jobs/${job}/cancel`);
        return;
      } catch (error) {
        if (error instanceof Refusal && error.code !== "CONFLICT") {
          return;
        }
      }
      await passed(FIRST_WAIT_MS);
    }
  }

  /** Breaks everything off. */
  close() {
    this.all.forEach((one) => one.ending.abort(new DOMException("signed out", "AbortError")));
    this.all = [];
  }

  #goOn() {
    const free = AT_ONCE - this.all.filter((one) => one.state === "sending" || one.state === "offline").length;
    this.all
      .filter((one) => one.state === "waiting")
      .slice(0, Math.max(free, 0))
      .forEach((one) => this.#run(one));
    this.#tell();
  }

  async #run(upload) {
    upload.state = "sending";
    const signal = upload.ending.signal;
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(wait * 2, LONGEST_WAIT_MS)) {
      const before = upload.bytes;
      try {
        await this.#send(upload, signal);
        upload.state = "done";
        this.dispatchEvent(new CustomEvent("done", { detail: upload }));
        break;
      } catch (error) {
        if (signal.aborted) {
          return;
        }
        if (!passes(error)) {
          Object.assign(upload, { state: "failed", error });
          break;
        }
      }
      this.#set(upload, { state: "offline" });
      wait = upload.bytes > before ? FIRST_WAIT_MS : wait;
      await Promise.race([passed(wait, signal), lineIsBack(signal)]).catch(() => {});
      if (signal.aborted) {
        return;
      }
      this.#set(upload, { state: "sending" });
    }
    this.#goOn();
  }

  async #send(upload, signal) {
    const { file } = upload;
    const record = recordOf(file);
    const isLarge = file.size > PARTS_FROM_BYTES;
    const job = (await this.#begun(upload, record)) ?? (await this.#registered(upload, record, isLarge));
    this.#set(upload, { job: job.job_id });
    if (signal.aborted && signal.reason.message === REMOVED) {
      // It was removed while it was registered, so there was no job yet that could be canceled.
      await this.#giveUp(upload);
    }
    signal.throwIfAborted();
    if (job.status === "awaiting_upload") {
      const post = async (path) => (await this.api.send("POST", `api/jobs/${job.job_id}/${path}`)).body;
      const more = () => post("upload");
      const told = (bytes) => this.#set(upload, { bytes });
      const how = { more, told, signal, complete: () => post("upload/complete") };
      try {
        await (isLarge ? sendParts(file, how) : sendForm(job.upload ?? null, file, how));
      } catch (error) {
        // A recording that is complete waits for no upload, which is told as a refusal.
        if (!(error instanceof Refusal && error.code === "NOT_AWAITING") || !(await this.#begun(upload, record))) {
          throw error;
        }
      }
    }
    upload.bytes = file.size;
    record.remove();
  }

  /** The job for which this file was sent before, by this tab or another one; null if there is none any more. */
  async #begun(upload, record) {
    const id = upload.job ?? record.read();
    if (!id) {
      return null;
    }
    try {
      const { body } = await this.api.get(`api/jobs/${id}`);
      if (!["canceled", "expired", "failed"].includes(body.status)) {
        return body;
      }
    } catch (error) {
      if (!(error instanceof Refusal && error.status === 404)) {
        throw error;
      }
    }
    // The next registration is another one.
    Object.assign(upload, { job: null, key: random() });
    record.remove();
    return null;
  }

  async #registered(upload, record, isLarge) {
    const { file } = upload;
    const wanted = {
      file_name: file.name,
      size: file.size,
      multipart: isLarge,
      content_type: MEDIA.test(file.type) ? file.type : null,
      options: upload.options,
    };
    // Sent once more because its answer was lost, it happens once.
    const { body } = await this.api.send("POST", "api/jobs", wanted, { headers: { "Idempotency-Key": upload.key } });
    record.write(body.job_id);
    return body;
  }

  #set(upload, change) {
    Object.assign(upload, change);
    this.#tell();
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Whether an error passes by itself. */
function passes(error) {
  return (
    error instanceof Unreachable ||
    (error instanceof Refusal && (error.status === 429 || error.status >= 500)) ||
    (error instanceof StorageRefusal && /<Code>(SlowDown|InternalError|ServiceUnavailable|RequestTimeout)</.test(error.text))
  );
}

function lineIsBack(signal) {
  return new Promise((resolve) => window.addEventListener("online", resolve, { once: true, signal }));
}

function isSame(one, other) {
  return one.name === other.name && one.size === other.size && one.lastModified === other.lastModified;
}

/** Not `randomUUID`, which an address without TLS does not have. */
function random() {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join("-");
}
