/**
 * Requests to the API that serves this page.
 *
 * A request that the API puts off (429 and 503 with `Retry-After`) is sent again, and so is a GET whose line broke.
 * Everything else is told at once: whoever sent it knows whether it may be repeated.
 */

const WAITS_MS = [500, 1500, 4000];
/** What is waited before each further try, where the API does not say it. */
const LONGEST_WAIT_MS = 60_000;

/** The API refuses a request. */
export class Refusal extends Error {
  /**
   * @param {number} status HTTP's
   * @param {{code?: string, detail?: string, message?: string}} problem the problem document; `{}` if there is none
   * @param {Headers} headers
   */
  constructor(status, problem, headers) {
    super(problem.detail ?? problem.message ?? `HTTP ${status}`);
    this.status = status;
    this.code = problem.code ?? "";
    this.sentence = this.message;
    this.problem = problem;
    this.headers = headers;
  }
}

/** There is no answer: the line is broken, or the service is not there. */
export class Unreachable extends Error {}

export class Api {
  /**
   * @param {string} authorization the key or the token of a share
   * @param {() => void} [unauthorized] is called when the API does not know it
   */
  constructor(authorization, unauthorized = () => {}) {
    this.authorization = authorization;
    this.unauthorized = unauthorized;
  }

  /**
   * @param {string} path relative to the page's origin, such as `api/jobs`
   * @param {{headers?: Record<string, string>, signal?: AbortSignal}} [how]
   * @returns {Promise<{status: number, headers: Headers, body: any}>} `body`: parsed JSON, or else a Blob
   * @throws {Refusal | Unreachable}
   */
  get(path, how = {}) {
    return this.#asked(path, { method: "GET", headers: how.headers ?? {}, signal: how.signal }, true);
  }

  /** As `get`; `body` is sent as JSON, and nothing if it is undefined. */
  send(method, path, body, how = {}) {
    const headers = { ...(body === undefined ? {} : { "Content-Type": "application/json" }), ...how.headers };
    const sent = body === undefined ? undefined : JSON.stringify(body);
    return this.#asked(path, { method, headers, body: sent, signal: how.signal }, false);
  }

  async #asked(path, how, repeatable) {
    for (let tries = 0; ; tries++) {
      const reply = await this.#fetched(path, how, repeatable && tries < WAITS_MS.length);
      const wait = reply && putOff(reply);
      if (reply && (wait === null || tries >= WAITS_MS.length)) {
        return this.#read(reply);
      }
      await passed(wait ?? WAITS_MS[tries], how.signal);
    }
  }

  /** The answer; null if the line broke and may break. */
  async #fetched(path, how, mayBreak) {
    const headers = { Authorization: `Bearer ${this.authorization}`, ...how.headers };
    try {
      return await fetch(path, { ...how, headers, credentials: "omit", referrerPolicy: "no-referrer" });
    } catch (error) {
      how.signal?.throwIfAborted();
      // Where the browser knows that there is no line, waiting is in vain.
      if (mayBreak && navigator.onLine) {
        return null;
      }
      throw new Unreachable("There is no answer.", { cause: error });
    }
  }

  async #read(reply) {
    // What was deleted is answered with nothing, whatever its kind is said to be.
    const isJson = reply.status !== 204 && /[/+]json\b/.test(reply.headers.get("content-type") ?? "");
    let body;
    try {
      body = isJson ? await reply.json() : await reply.blob();
    } catch (error) {
      throw new Unreachable("The answer broke off.", { cause: error });
    }
    if (reply.ok || reply.status === 304) {
      return { status: reply.status, headers: reply.headers, body };
    }
    if (reply.status === 401) {
      this.unauthorized();
    }
    throw new Refusal(reply.status, isJson ? body : {}, reply.headers);
  }
}

/** Milliseconds after which the API wants to be asked again; null: it does not. */
function putOff(reply) {
  const seconds = Number(reply.headers.get("retry-after") ?? NaN);
  const asks = (reply.status === 429 || reply.status === 503) && Number.isFinite(seconds);
  return asks ? Math.min(seconds * 1000, LONGEST_WAIT_MS) : null;
}

/** Resolves after some milliseconds; rejects if the signal aborts before. */
export function passed(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    if (signal?.aborted) {
      stop();
    }
    signal?.addEventListener("abort", stop, { once: true });
  });
}
