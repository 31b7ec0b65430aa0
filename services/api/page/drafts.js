/**
 * What is not saved yet, kept by the browser: it outlives the tab, the key and the line.
 *
 * Each tab keeps a draft of its own. Who opens the transcript takes over the drafts of tabs that are gone.
 */

const PREFIX = "draft:";

/**
 * @typedef {import("./transcript/merging.js").Changes} Changes
 * @typedef {{number: number, changes: Changes, sent?: Changes}} Draft `number` is of the correction before it; `sent`
 *   was sent, and no answer has come
 */

export class Drafts {
  /**
   * @param {string} job the id of the transcript's job, however it was opened
   * @param {string} who writes; see `fingerprint`
   */
  constructor(job, who) {
    this.who = who;
    this.folder = `${PREFIX}${job}:`;
    this.own = `${this.folder}${crypto.randomUUID()}`;
    // It is held as long as the tab lives, so that others know.
    this.release = () => {};
    /** @type {string[]} drafts whose text is in this tab's now */
    this.taken = [];
    navigator.locks?.request(this.own, () => new Promise((resolve) => (this.release = resolve)));
  }

  close() {
    this.release();
  }

  /** Keeps a draft; returns whether the browser could. */
  keep(draft) {
    try {
      localStorage.setItem(this.own, JSON.stringify({ ...draft, who: this.who }));
      return true;
    } catch {
      return false;
    }
  }

  /** The service has it all. */
  drop() {
    localStorage.removeItem(this.own);
    this.dropTaken();
  }

  /**
   * The drafts of tabs that are gone. They stay until they are in `taken` and all is in good hands.
   *
   * @returns {Promise<(Draft & {name: string})[]>}
   */
  async left() {
    const held = new Set(((await navigator.locks?.query())?.held ?? []).map(({ name }) => name));
    const names = Object.keys(localStorage).filter((name) => name.startsWith(this.folder) && name !== this.own);
    return names.filter((name) => !held.has(name)).map(read).filter(Boolean);
  }

  dropTaken() {
    this.taken.forEach((name) => localStorage.removeItem(name));
    this.taken = [];
  }

  /**
   * Forgets the drafts of a transcript that is gone: all, or those of one who wrote. To whoever has another client's key
   * every transcript is gone, and others' drafts are not theirs to lose.
   */
  static forget(job, who) {
    const names = Object.keys(localStorage).filter((name) => name.startsWith(`${PREFIX}${job}:`));
    const gone = who === undefined ? names : names.filter((name) => read(name)?.who === who);
    gone.forEach((name) => localStorage.removeItem(name));
  }
}

/** Tells one key from another, without telling the key. */
export async function fingerprint(authorization) {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(authorization));
  return Array.from(new Uint8Array(digest).subarray(0, 6), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @returns {(Draft & {name: string}) | null} */
function read(name) {
  try {
    const draft = JSON.parse(localStorage.getItem(name));
    return Number.isInteger(draft.number) && Array.isArray(draft.changes) ? { ...draft, name } : null;
  } catch {
    return null;
  }
}
