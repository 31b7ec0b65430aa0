/** The text that a person works on: its paragraphs, what can be done to them, and the way back. Pure. */

import { aligned, compact, part } from "./alignment.js";
import { changesOf } from "./changes.js";
import { grouped, paragraph, paragraphsOf, tables } from "./words.js";

const STEPS_KEPT = 500;
/** What is typed without a pause of this length is taken back at once. */
const PAUSE_MS = 1_000;

export class Document {
  /**
   * @param {import("./words.js").Machine} machine
   * @param {ReturnType<changesOf>} changes
   */
  constructor(machine, changes) {
    this.machine = machine;
    /** @type {(() => void)[]} are called after each change */
    this.listeners = [];
    this.#tables = new Map();
    this.paragraphs = [];
    this.#show(paragraphsOf(machine, changes));
    this.#forget();
  }

  #tables;
  #past = [];
  #future = [];
  /** What is being typed: in which paragraph, since when, and its words before that. */
  #typing = null;

  /** All changes against the machine's words. */
  changes() {
    return changesOf(this.machine, this.paragraphs);
  }

  /** @returns {import("./words.js").Table} a paragraph's text and words */
  table(id) {
    return this.#tables.get(id).table;
  }

  place(id) {
    return this.paragraphs.findIndex((one) => one.id === id);
  }

  /** A paragraph's text was edited. */
  retext(id, text, now) {
    const typing = this.#typing?.id === id ? this.#typing : { id, last: -Infinity, table: this.table(id) };
    const pieces = aligned(typing.table, text);
    this.#replace(id, (one) => [{ ...one, pieces }], now - typing.last < PAUSE_MS);
    this.#typing = { ...typing, last: now };
  }

  /** Two paragraphs of one, at a place in its text; returns the id of the second. */
  split(id, at) {
    const { text } = this.table(id);
    let second;
    this.#replace(id, (one) => {
      second = paragraph(one.speaker, this.#part(id, at, text.length), one.home);
      return [{ ...one, pieces: this.#part(id, 0, at) }, second];
    });
    return second.id;
  }

  /** A paragraph goes on in the one before it. Returns where the two meet, or null if there is none before. */
  joinBefore(id) {
    const place = this.place(id);
    if (place < 1) {
      return null;
    }
    const [before, one] = this.paragraphs.slice(place - 1, place + 1);
    const home = { first: Math.min(before.home.first, one.home.first), end: Math.max(before.home.end, one.home.end) };
    const { text } = this.table(before.id);
    this.#put(place - 1, 2, [{ ...before, home, pieces: compact([...before.pieces, ...one.pieces]) }]);
    return { id: before.id, at: text.length };
  }

  /** Takes a paragraph away. */
  remove(id) {
    this.#replace(id, () => []);
  }

  /** Somebody else says this part of a paragraph's text; returns the id of what it is now. */
  speak(id, from, to, speaker) {
    const { text } = this.table(id);
    let middle;
    this.#replace(id, (one) => {
      const [before, after] = [this.#part(id, 0, from), this.#part(id, to, text.length)];
      const isWhole = before.length === 0 && after.length === 0;
      middle = isWhole ? { ...one, speaker } : paragraph(speaker, this.#part(id, from, to), one.home);
      const around = (pieces, same) =>
        pieces.length ? [same ? { ...one, pieces } : paragraph(one.speaker, pieces, one.home)] : [];
      return isWhole ? [middle] : [...around(before, true), middle, ...around(after, before.length === 0)];
    });
    return middle.id;
  }

  /** A doubtful word is right: it becomes a person's. */
  confirm(id, word) {
    const { text, words } = this.table(id);
    const { from, to } = words[word];
    const [before, after] = [this.#part(id, 0, from), this.#part(id, to, text.length)];
    this.#replace(id, (one) => [{ ...one, pieces: compact([...before, text.slice(from, to), ...after]) }]);
  }

  /** Other changes take the place of all; the way back ends here. */
  reset(changes) {
    const known = new Map(this.paragraphs.map((one) => [described(one), one]));
    const next = paragraphsOf(this.machine, changes).map((one) => {
      const same = known.get(described(one));
      known.delete(described(one));
      return same ?? one;
    });
    this.#forget();
    this.#show(next);
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  /** Takes back what was done last; returns the id of the first paragraph that is not as before. */
  undo() {
    return this.#travel(this.#past, this.#future);
  }

  redo() {
    return this.#travel(this.#future, this.#past);
  }

  #travel(from, to) {
    if (from.length === 0) {
      return undefined;
    }
    const before = this.paragraphs;
    to.push(before);
    this.#typing = null;
    this.#show(from.pop());
    const place = this.paragraphs.findIndex((one, at) => one !== before[at]);
    return this.paragraphs.at(Math.max(place, -1))?.id;
  }

  #forget() {
    this.#past = [];
    this.#future = [];
    this.#typing = null;
  }

  #part(id, from, to) {
    return part(this.table(id), from, to);
  }

  #replace(id, change, goesOn = false) {
    const place = this.place(id);
    this.#put(place, 1, change(this.paragraphs[place]), goesOn);
  }

  #put(place, count, next, goesOn = false) {
    if (!goesOn) {
      this.#past.push(this.paragraphs);
      this.#past.splice(0, this.#past.length - STEPS_KEPT);
    }
    this.#future = [];
    this.#typing = null;
    this.#show(this.paragraphs.toSpliced(place, count, ...next));
  }

  /** Makes the words of what is new, and of what stands in one place with it. */
  #show(next) {
    this.paragraphs = next;
    const before = this.#tables;
    this.#tables = new Map();
    for (const group of grouped(next)) {
      const size = group.paragraphs.length;
      const isNew = group.paragraphs.some((one) => before.get(one.id)?.of !== one || before.get(one.id).size !== size);
      const made = isNew ? tables(this.machine, group) : group.paragraphs.map((one) => before.get(one.id).table);
      group.paragraphs.forEach((one, place) => this.#tables.set(one.id, { of: one, size, table: made[place] }));
    }
    for (const listener of this.listeners) {
      listener();
    }
  }
}

function described({ speaker, pieces, home }) {
  return JSON.stringify([speaker, pieces, home.first, home.end]);
}
