/** Saves by itself, upon what was read; what cannot be saved stays in a draft. */

import { Refusal, Unreachable } from "../api.js";
import { rewritten } from "./changes.js";
import { merged, withTheirs } from "./merging.js";

/** It saves so long after the last change. */
const REST_MS = 1_500;
const WAITS_MS = [2_000, 5_000, 15_000, 30_000];
/** How many texts are remembered of which it is not known whether the service has them. */
const MOST_UNANSWERED = 20;

/**
 * Tells by `change` of its state: `saved`, `waiting` (for a pause), `saving`, `offline`, `refused` (`trouble` says why)
 * or `conflict` (`conflicts` says where: it saves on when all are settled). `expires` tells when the service keeps it
 * for longer.
 */
export class Saving extends EventTarget {
  /**
   * @param {{api: import("../api.js").Api, base: string, text: import("./document.js").Document,
   *   drafts: import("../drafts.js").Drafts, correction: {number: number, changed_at: string | null, changes: any[]}}} what
   */
  constructor({ api, base, text, drafts, correction }) {
    super();
    Object.assign(this, { api, base, text, drafts });
    /** What the service has, as far as is known here. */
    this.known = this.#own(correction);
    /** The number upon which the draft is made. */
    this.begun = correction.number;
    this.state = "saved";
    this.savedAt = correction.changed_at;
    this.expiresAt = null;
    /** @type {import("./merging.js").Conflict[]} */
    this.conflicts = [];
    this.trouble = null;
    /** @type {import("./merging.js").Changes[]} what was sent, and perhaps were saved though no answer came; the newest last */
    this.unanswered = [];
    this.failures = 0;
    this.isAsking = false;
    /** Whether the browser could keep what the service has not. */
    this.isKept = true;
    this.ending = new AbortController();
    const { signal } = this.ending;
    text.listeners.push(() => this.#changed());
    addEventListener("online", () => this.#soon(0), { signal });
    addEventListener("pagehide", () => this.save(), { signal });
    const warn = (event) => this.isKept || this.state === "saved" || event.preventDefault();
    addEventListener("beforeunload", warn, { signal });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.save() : this.look()), { signal });
  }

  /** Takes over what earlier tabs could not save. */
  async restore() {
    const left = await this.drafts.left();
    for (const { name, number, changes, sent } of left) {
      const isThere = number === this.known.number || told(sent) === told(this.known.changes);
      const before = isThere ? this.known : await this.#read(number);
      this.#merge(before.changes, changes, this.text.changes(), before.number);
      this.drafts.taken.push(name);
    }
    if (left.length > 0) {
      this.#changed();
    }
    // Two drafts may be in conflict with each other: then both stay until that is settled and saved.
    if (this.conflicts.length === 0) {
      this.drafts.dropTaken();
    }
    return left.length > 0;
  }

  close() {
    clearTimeout(this.timer);
    this.save();
    this.isClosed = true;
    this.ending.abort();
    this.drafts.close();
  }

  /** Saves now what is not saved. */
  async save() {
    clearTimeout(this.timer);
    if (this.isAsking || this.isClosed || this.conflicts.length > 0 || !this.#differs()) {
      return;
    }
    this.isAsking = true;
    const changes = this.text.changes();
    this.unanswered = [...this.unanswered, changes].slice(-MOST_UNANSWERED);
    this.#set("saving");
    try {
      const headers = { "If-Match": `"${this.known.number}"` };
      const { body } = await this.api.send("PUT", `${this.base}/correction`, { changes }, { headers });
      this.#saved(body, changes);
    } catch (error) {
      await this.#failed(error);
    }
    this.isAsking = false;
    if (this.state === "saving" || (this.state === "saved" && this.#differs())) {
      this.#changed();
    }
  }

  /** Looks whether somebody else has saved meanwhile. */
  async look() {
    if (this.isAsking || this.#differs()) {
      this.#soon(0);
      return;
    }
    try {
      const theirs = await this.#read();
      if (theirs.number > this.known.number && !this.isAsking) {
        this.#meet(theirs);
      }
    } catch {
      // It is asked again when something is saved.
    }
  }

  /** A conflict is settled: mine or theirs is right. */
  settle(conflict, isTheirs) {
    this.conflicts = this.conflicts.filter((other) => other !== conflict);
    if (isTheirs) {
      this.text.reset(withTheirs(this.text.changes(), conflict, this.known.changes));
    }
    this.#changed();
    this.save();
  }

  #differs() {
    return told(this.text.changes()) !== told(this.known.changes);
  }

  #changed() {
    if (this.conflicts.length > 0) {
      this.#keep();
      this.#set("conflict");
    } else if (this.#differs()) {
      this.#keep();
      this.#set(this.isAsking ? "saving" : "waiting");
      this.#soon(REST_MS);
    } else if (!this.isAsking) {
      clearTimeout(this.timer);
      this.drafts.drop();
      this.#set("saved");
    }
  }

  #keep() {
    this.isKept = this.drafts.keep({ number: this.begun, changes: this.text.changes(), sent: this.unanswered.at(-1) });
  }

  #soon(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), milliseconds);
  }

  #saved(body, changes) {
    this.known = { number: body.number, changes };
    this.begun = body.number;
    this.unanswered = [];
    this.savedAt = body.changed_at;
    this.failures = 0;
    this.trouble = null;
    this.expiresAt = body.expires_at;
    this.#set("saved");
    if (!this.#differs()) {
      this.drafts.drop();
    }
  }

  async #failed(error) {
    const mayPass = error instanceof Unreachable || (error instanceof Refusal && (error.status >= 500 || error.status === 429));
    if (!mayPass || error.status === 429) {
      this.unanswered.pop();
    }
    if (error instanceof Refusal && error.code === "CORRECTED_MEANWHILE") {
      try {
        this.#meet(await this.#read());
        return;
      } catch (another) {
        error = another;
      }
    }
    this.trouble = error;
    this.#set(error instanceof Unreachable ? "offline" : "refused");
    if (mayPass || error.code === "CONFLICT") {
      this.#soon(WAITS_MS[Math.min(this.failures, WAITS_MS.length - 1)]);
      this.failures += 1;
    }
  }

  /** Somebody else has saved: what does not meet is put together. It may also be what was sent from here. */
  #meet(theirs) {
    const isOwn = this.unanswered.some((sent) => told(sent) === told(theirs.changes));
    const before = isOwn ? theirs : this.known;
    this.known = { number: theirs.number, changes: theirs.changes };
    this.unanswered = [];
    this.savedAt = theirs.changed_at;
    this.#merge(before.changes, this.text.changes(), theirs.changes, before.number);
    this.#changed();
  }

  #merge(base, mine, theirs, number) {
    const { changes, conflicts } = merged(base, mine, theirs);
    this.conflicts.push(...conflicts);
    // While something is to be settled, the draft stays upon the oldest number: so it is asked again after a closed tab.
    this.begun = this.conflicts.length > 0 ? Math.min(this.begun, number) : this.known.number;
    if (told(changes) !== told(this.text.changes())) {
      this.text.reset(changes);
    }
  }

  async #read(number) {
    const asked = number === undefined ? "" : `?number=${number}`;
    const { body } = await this.api.get(`${this.base}/correction${asked}`, { signal: this.ending.signal });
    return { ...body, ...this.#own(body) };
  }

  /** A correction as this page writes it, whoever wrote it: otherwise it would seem to be changed here. */
  #own({ number, changes }) {
    return { number, changes: rewritten(this.text.machine, changes) };
  }

  #set(state) {
    this.state = state;
    this.dispatchEvent(new Event("change"));
  }
}

/** Changes that can be compared. */
function told(changes) {
  return JSON.stringify(changes);
}
