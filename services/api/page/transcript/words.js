/**
 * What was said, word by word: the machine's words, and paragraphs that keep some of them and hold new ones. Pure.
 *
 * @typedef {[text: string, start: number, end: number, probability: number]} MachineWord times in seconds
 * @typedef {[first: number, end: number] | string} Piece words of the machine that are kept, or the text of new ones
 * @typedef {{first: number, end: number}} Home the words of the machine in whose place something stands
 * @typedef {{id: number, speaker: number | null, pieces: Piece[], home: Home}} Paragraph is never changed, but replaced
 * @typedef {{from: number, to: number, start: number, end: number, probability: number, index: number}} Word a word at
 *   its place in a paragraph's text; `index` is its number among the machine's words, or -1
 * @typedef {{text: string, words: Word[]}} Table a paragraph's text with its words
 */

/** The probability of a word that a person wrote. */
export const SURE = 1;
/** What a correction may not hold: control characters, line breaks, marks of direction, halves of characters. */
const UNPRINTABLE =
  /[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/gu;
const INK = /[^\u00ad\u200b-\u200d\u2060-\u2064\ufeff]/u;

let paragraphsMade = 0;

/** The machine's transcript, whose words are found by their number. */
export class Machine {
  /** @param {{duration: number, segments: {speaker: number | null, words: MachineWord[]}[]}} answer of `…/words` */
  constructor(answer) {
    this.duration = answer.duration ?? 0;
    /** @type {MachineWord[]} */
    this.words = answer.segments.flatMap((segment) => segment.words);
    let first = 0;
    /** @type {(Home & {speaker: number | null})[]} */
    this.segments = answer.segments.map(({ speaker, words }) => ({ first, end: (first += words.length), speaker }));
    /** @type {Map<number, number>} the place of a segment, by its first word */
    this.places = new Map(this.segments.map((segment, place) => [segment.first, place]));
  }

  /** The segments of some words, which begin and end where segments do. */
  segmentsOf({ first, end }) {
    const begin = this.places.get(first) ?? this.segments.length;
    return this.segments.slice(begin, this.places.get(end) ?? this.segments.length).filter(hasWords);
  }

  /** When a word begins; of one behind the last word, when the recording ends. */
  start(word) {
    return word < this.words.length ? this.words[word][1] : this.duration;
  }

  /** When the word before this one ends; before the first word, when the recording begins. */
  endBefore(word) {
    return word > 0 ? this.words[word - 1][2] : 0;
  }
}

function hasWords({ first, end }) {
  return end > first;
}

/**
 * @param {number | null} speaker
 * @param {Piece[]} pieces
 * @param {Home} home
 * @returns {Paragraph} with an id of its own
 */
export function paragraph(speaker, pieces, home) {
  paragraphsMade += 1;
  return { id: paragraphsMade, speaker, pieces, home };
}

/** The paragraphs of a correction; without changes they are the machine's. */
export function paragraphsOf(machine, changes) {
  const found = [];
  let seen = 0;
  for (const { first, end, segments } of changes) {
    found.push(...machineParagraphs(machine, { first: seen, end: first }));
    const home = { first, end };
    found.push(...segments.map(({ speaker, pieces }) => paragraph(speaker, pieces, home)));
    seen = end;
  }
  return [...found, ...machineParagraphs(machine, { first: seen, end: machine.words.length })];
}

function machineParagraphs(machine, home) {
  if (!hasWords(home)) {
    return [];
  }
  return machine.segmentsOf(home).map(({ first, end, speaker }) => paragraph(speaker, [[first, end]], { first, end }));
}

/** Whether two homes are one change: they have words in common, or insert at the same place. */
export function meet(one, other) {
  const same = one.first === other.first && one.end === other.end;
  return same || (one.first < other.end && other.first < one.end);
}

/**
 * Paragraphs that follow each other and stand in the same place, together.
 *
 * @param {Paragraph[]} paragraphs
 * @returns {{home: Home, paragraphs: Paragraph[]}[]}
 */
export function grouped(paragraphs) {
  const groups = [];
  for (const one of paragraphs) {
    const last = groups.at(-1);
    if (last && meet(last.home, one.home)) {
      last.paragraphs.push(one);
      const { first, end } = last.home;
      last.home = { first: Math.min(first, one.home.first), end: Math.max(end, one.home.end) };
    } else {
      groups.push({ home: one.home, paragraphs: [one] });
    }
  }
  return groups;
}

/** A text as words with one space between them, without what a correction may not hold. */
export function normal(text) {
  const printable = text.replace(/[\u0085\u2028\u2029]/g, " ").replace(UNPRINTABLE, "");
  return printable
    .split(/\s+/u)
    .filter((word) => INK.test(word))
    .join(" ");
}

/**
 * The text and the words of paragraphs that stand together in one place. New words share the time between the kept
 * words around them, by their lengths; the service does the same.
 *
 * @param {Machine} machine
 * @param {{home: Home, paragraphs: Paragraph[]}} group
 * @returns {Table[]} one a paragraph
 */
export function tables(machine, { home, paragraphs }) {
  const inserted = home.first === home.end;
  let start = inserted ? machine.endBefore(home.first) : machine.start(home.first);
  const last = inserted ? machine.start(home.end) : machine.endBefore(home.end);
  /** @type {{word: Word, length: number}[]} new words that have no time yet */
  let fresh = [];
  const made = paragraphs.map((one) => {
    const table = { text: "", words: [] };
    for (const piece of one.pieces) {
      if (typeof piece === "string") {
        for (const text of piece.split(" ")) {
          fresh.push({ word: added(table, ` ${text}`, [0, 0, SURE], -1), length: [...text].length });
        }
        continue;
      }
      shareOut(fresh, start, machine.start(piece[0]));
      fresh = [];
      for (let index = piece[0]; index < piece[1]; index += 1) {
        const [text, ...rest] = machine.words[index];
        added(table, index === piece[0] ? ` ${text.trimStart()}` : text, rest, index);
      }
      start = machine.endBefore(piece[1]);
    }
    return table;
  });
  shareOut(fresh, start, last);
  return made;
}

/** Writes a word behind the others of a table. */
function added(table, text, [start, end, probability], index) {
  const shown = table.text === "" ? text.trimStart() : text;
  const from = table.text.length + shown.length - shown.trimStart().length;
  table.text += shown;
  const word = { from, to: table.text.length, start, end, probability, index };
  table.words.push(word);
  return word;
}

/** Gives new words the time from start to end, by their lengths in characters. */
function shareOut(fresh, start, end) {
  const begin = Math.min(start, end);
  const whole = fresh.reduce((sum, { length }) => sum + length, 0);
  let said = 0;
  let moment = begin;
  for (const { word, length } of fresh) {
    said += length;
    const share = Math.round((begin + ((end - begin) * said) / whole) * 1000) / 1000;
    word.start = moment;
    word.end = said === whole ? end : Math.min(Math.max(moment, share), end);
    moment = word.end;
  }
}
