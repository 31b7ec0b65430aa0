/** Who is signed in. The key is kept for this tab alone, and never in an address. */

import { Api, Refusal } from "./api.js";

const KEPT = "key";
const FORM = /^[A-Za-z0-9_-]{16,200}$/;

export class Session {
  constructor() {
    /** @type {string | null} */
    this.key = sessionStorage.getItem(KEPT);
    /** Why the last one ended, as a sentence. */
    this.reason = "";
  }

  /**
   * Tries a key, and keeps it if the API knows it.
   *
   * @param {string} key
   * @returns {Promise<boolean>} whether the API knows it
   * @throws {Refusal | import("./api.js").Unreachable} the API cannot say it
   */
  async begin(key) {
    if (!FORM.test(key) || !(await isKnown(key))) {
      return false;
    }
    sessionStorage.setItem(KEPT, key);
    this.key = key;
    this.reason = "";
    return true;
  }

  /** Forgets the key. */
  end(reason) {
    sessionStorage.removeItem(KEPT);
    this.key = null;
    this.reason = reason;
  }
}

async function isKnown(key) {
  try {
    await new Api(key).get("api/jobs?limit=1");
  } catch (error) {
    if (error instanceof Refusal && error.status === 401) {
      return false;
    }
    throw error;
  }
  return true;
}
