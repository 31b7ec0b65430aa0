/** Which of a paragraph's words an edited text keeps. Pure. */

import { normal } from "./words.js";

/** Texts of more differing words than this product are not compared word by word: all of these are new. */
const MOST_COMPARED = 1_000_000;

/**
 * The pieces of an edited text: the machine's words that are still there, and the text of new ones.
 *
 * @param {import("./words.js").Table} table the paragraph as it was
 * @param {string} text as it is now
 * @returns {import("./words.js").Piece[]} none if there is no word
 */
export function aligned(table, text) {
  const units = unitsOf(table);
  const now = normal(text).split(" ").filter(Boolean);
  return pieces(
    units,
    now,
    matches(
      units.map(({ token }) => token),
      now,
    ),
  );
}

/**
 * A part of a paragraph as pieces.
 *
 * @param {import("./words.js").Table} table
 * @param {number} from
 * @param {number} to place in the text; a word that it cuts becomes new in both parts
 */
export function part(table, from, to) {
  return aligned(
    { text: table.text, words: table.words.filter((word) => word.from >= from && word.to <= to) },
    table.text.slice(from, to),
  );
}

/** The same pieces, with neighbours of one kind put together. */
export function compact(found) {
  const put = [];
  for (const piece of found) {
    const last = put.at(-1);
    if (typeof piece === "string" && typeof last === "string") {
      put[put.length - 1] = `${last} ${piece}`;
    } else if (Array.isArray(piece) && Array.isArray(last) && last[1] === piece[0]) {
      put[put.length - 1] = [last[0], piece[1]];
    } else {
      put.push(piece);
    }
  }
  return put;
}

/**
 * What stands between two spaces: one word or, where the machine wrote words without a space between them, several.
 *
 * @returns {{token: string, first: number, end: number}[]} `first` is -1 where not all are the machine's, in their order
 */
function unitsOf({ text, words }) {
  const units = [];
  let behind = -1;
  for (const { from, to, index } of words) {
    if (from === behind && units.length > 0) {
      const last = units.at(-1);
      last.token += text.slice(from, to);
      last.first = last.end === index ? last.first : -1;
    } else {
      units.push({ token: text.slice(from, to), first: index, end: 0 });
    }
    units.at(-1).end = index + 1;
    behind = to;
  }
  return units;
}

/** For each new token the unit that it is, or -1; the units rise. A unit with a space in it is never one token. */
function matches(old, now) {
  const found = new Array(now.length).fill(-1);
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) {
    found[head] = head;
    head += 1;
  }
  let tail = 0;
  while (tail < old.length - head && tail < now.length - head && old.at(-1 - tail) === now.at(-1 - tail)) {
    tail += 1;
    found[now.length - tail] = old.length - tail;
  }
  const before = old.slice(head, old.length - tail);
  const after = now.slice(head, now.length - tail);
  if (before.length * after.length <= MOST_COMPARED) {
    for (const [place, unit] of common(before, after)) {
      found[head + place] = head + unit;
    }
  }
  return found;
}

/** The longest common subsequence, as pairs of a place in `after` and one in `before`. */
function common(before, after) {
  const width = after.length + 1;
  const best = new Uint16Array((before.length + 1) * width);
  for (let row = before.length - 1; row >= 0; row -= 1) {
    for (let column = after.length - 1; column >= 0; column -= 1) {
      const at = row * width + column;
      best[at] = before[row] === after[column] ? best[at + width + 1] + 1 : Math.max(best[at + width], best[at + 1]);
    }
  }
  const pairs = [];
  for (let row = 0, column = 0; row < before.length && column < after.length;) {
    const at = row * width + column;
    if (before[row] === after[column]) {
      pairs.push([column++, row++]);
    } else if (best[at + width] >= best[at + 1]) {
      row += 1;
    } else {
      column += 1;
    }
  }
  return pairs;
}

function pieces(units, now, found) {
  return compact(
    now.map((token, place) => {
      const unit = units[found[place]];
      return unit && unit.first >= 0 ? [unit.first, unit.end] : token;
    }),
  );
}
