/** Marks words without touching the text: the word being said, doubtful ones, and what was looked for. */

/** Below these probabilities a word is doubtful: a little, more, and much. The first is the service's own limit. */
const DEGREES = [0.5, 0.35, 0.2];
const NAMES = ["doubt-1", "doubt-2", "doubt-3", "found", "found-now", "said"];

/** How doubtful a word is: 0 (not) to 3. */
export function doubt({ probability }) {
  return DEGREES.filter((limit) => probability < limit).length;
}

const found = new WeakMap();

/**
 * The places of a paragraph's doubtful words.
 *
 * @param {import("./words.js").Table} table
 * @returns {number[]}
 */
export function doubtful(table) {
  if (!found.has(table)) {
    found.set(
      table,
      table.words.flatMap((word, place) => (doubt(word) ? [place] : [])),
    );
  }
  return found.get(table);
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
    /** @type {Map<number, [Highlight, StaticRange][]>} what is marked, by its paragraph */
    this.ranges = new Map();
    /** @type {(id: number) => {from: number, to: number, isNow: boolean}[]} what was found in a paragraph */
    this.found = () => [];
  }

  close() {
    NAMES.forEach((name) => CSS.highlights?.delete(name));
  }

  /** Marks what is seen of these paragraphs anew; of all, if none are given. */
  draw(ids = [...this.ranges.keys(), ...this.column.seen]) {
    for (const id of ids) {
      this.ranges.get(id)?.forEach(([highlight, range]) => highlight.delete(range));
      this.ranges.delete(id);
      if (this.column.seen.has(id)) {
        this.ranges.set(id, this.#marked(id));
      }
    }
  }

  /** Marks the word being said; null: none is. */
  say(id, word) {
    const said = this.highlights.get("said");
    const range = word && this.column.range(id, word.from, word.to);
    said?.clear();
    if (range) {
      said?.add(range);
    }
  }

  #marked(id) {
    const table = this.column.text.table(id);
    const doubts = doubtful(table).map((place) => [`doubt-${doubt(table.words[place])}`, table.words[place]]);
    const found = this.found(id).map((place) => [place.isNow ? "found-now" : "found", place]);
    return [...doubts, ...found].flatMap(([name, { from, to }]) => {
      const [highlight, range] = [this.highlights.get(name), this.column.range(id, from, to)];
      if (!highlight || !range) {
        return [];
      }
      highlight.add(range);
      return [[highlight, range]];
    });
  }
}
