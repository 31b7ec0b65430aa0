/** Marks words without touching the text: the word being said, doubtful ones, and what was looked for. */

/** Below these probabilities a word is doubtful: a little, more, and much. The first is the service's own limit. */
const DEGREES = [0.5, 0.35, 0.2];
const NAMES = ["doubt-1", "doubt-2", "doubt-3", "found", "found-now", "said"];

/** How doubtful a word is: 0 (not) to 3. */
export function doubt({ probability }) {
  return DEGREES.filter((limit) => probability < limit).length;
}

export class Marks {
  /** @param {import("./column.js").Column} column whose seen paragraphs are marked */
  constructor(column) {
    this.column = column;
    this.highlights = new Map();
    if (globalThis.Highlight && CSS.highlights) {
      NAMES.forEach((name, priority) => {
        const highlight = new Highlight();
        highlight.priority = priority;
        CSS.highlights.set(name, highlight);
        this.highlights.set(name, highlight);
      });
    }
    /** @type {(id: number) => {from: number, to: number, isNow: boolean}[]} what was found in a paragraph */
    this.found = () => [];
  }

  close() {
    NAMES.forEach((name) => CSS.highlights?.delete(name));
  }

  /** Marks all that is seen anew. */
  draw() {
    ["doubt-1", "doubt-2", "doubt-3", "found", "found-now"].forEach((name) => this.highlights.get(name)?.clear());
    for (const id of this.column.seen) {
      for (const word of this.column.text.table(id).words) {
        const degree = doubt(word);
        if (degree) {
          this.#mark(`doubt-${degree}`, id, word);
        }
      }
      this.found(id).forEach((place) => this.#mark(place.isNow ? "found-now" : "found", id, place));
    }
  }

  /** Marks the word being said; null: none is. */
  say(id, word) {
    this.highlights.get("said")?.clear();
    if (word) {
      this.#mark("said", id, word);
    }
  }

  #mark(name, id, { from, to }) {
    const range = this.column.range(id, from, to);
    if (range) {
      this.highlights.get(name)?.add(range);
    }
  }
}
