/** As much of a browser, and of the service, as saving needs. */

import { PAGE } from "./random_edits.mjs";

const { Refusal, Unreachable } = await import(new URL("../api.js", PAGE));
/** What the browser keeps when a tab is closed. */
export const kept = new Map();
const storage = {
  getItem: (name) => kept.get(name) ?? null,
  setItem: (name, value) => kept.set(name, value),
  removeItem: (name) => kept.delete(name),
};
const listing = {
  ownKeys: () => [...kept.keys()],
  getOwnPropertyDescriptor: (_, name) =>
    kept.has(name) ? { enumerable: true, configurable: true, value: kept.get(name) } : undefined,
};
const locks = { request() {}, query: async () => ({ held: [] }) };
globalThis.addEventListener = () => {};
globalThis.document = { hidden: false, addEventListener() {} };
globalThis.localStorage = new Proxy(storage, listing);
Object.defineProperty(globalThis, "navigator", { value: { locks }, configurable: true });

/** Keeps corrections as the service does: upon what was read, and a repeated request is answered as it was. */
export class Service {
  constructor(...corrections) {
    this.corrections = [{ base: null, changes: [] }];
    corrections.forEach((changes) => this.add(changes));
    /** How many answers are lost on the way back, and how many requests on the way to here. */
    this.answersLost = 0;
    this.requestsLost = 0;
  }

  get number() {
    return this.corrections.length - 1;
  }

  get newest() {
    return this.corrections[this.number].changes;
  }

  add(changes, base = this.number) {
    this.corrections.push({ base, changes: structuredClone(changes) });
  }

  async get(path) {
    if (this.requestsLost > 0) {
      this.requestsLost -= 1;
      throw new Unreachable("lost");
    }
    const number = Number(/number=(\d+)/.exec(path)?.[1] ?? this.number);
    return { body: { number, changed_at: null, changes: structuredClone(this.corrections[number].changes) } };
  }

  async send(_method, _path, { changes }, { headers }) {
    const base = Number(headers["If-Match"].slice(1, -1));
    const isSame = JSON.stringify(this.newest) === JSON.stringify(changes);
    const isRepeated = isSame && this.corrections[this.number].base === base;
    if (base !== this.number && !isRepeated) {
      throw new Refusal(412, { code: "CORRECTED_MEANWHILE" }, new Headers());
    }
    if (!isRepeated) {
      this.add(changes, base);
    }
    if (this.answersLost > 0) {
      this.answersLost -= 1;
      throw new Unreachable("lost");
    }
    return { body: { number: this.number, changed_at: null, expires_at: null } };
  }
}
