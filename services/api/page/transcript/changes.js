/** A correction's changes: what paragraphs are against the machine's words. Pure. */

import { grouped, paragraphsOf } from "./words.js";

/**
 * All that differs, in order; each change is as small as the machine's segments allow.
 *
 * @param {import("./words.js").Machine} machine
 * @param {import("./words.js").Paragraph[]} paragraphs
 * @returns {{first: number, end: number, segments: {speaker: number | null, pieces: import("./words.js").Piece[]}[]}[]}
 */
export function changesOf(machine, paragraphs) {
  const changes = [];
  let seen = 0;
  for (const { home, paragraphs: together } of grouped(paragraphs)) {
    changes.push(...deleted(machine, { first: seen, end: home.first }));
    seen = Math.max(seen, home.end);
    const segments = together.filter(({ pieces }) => pieces.length > 0).map(segment);
    if (!isMachine(machine, home, segments)) {
      changes.push({ ...home, segments });
    }
  }
  return [...changes, ...deleted(machine, { first: seen, end: machine.words.length })];
}

/** The same changes as this page writes them; other clients may put one deletion into two changes, for example. */
export function rewritten(machine, changes) {
  return changesOf(machine, paragraphsOf(machine, changes));
}

function segment({ speaker, pieces }) {
  return { speaker, pieces };
}

function deleted(machine, home) {
  return home.end > home.first ? [{ ...home, segments: [] }] : [];
}

/** Whether these are the segments that the machine made of these words. */
function isMachine(machine, home, segments) {
  const own = home.end > home.first ? machine.segmentsOf(home) : [];
  return (
    own.length === segments.length &&
    own.every(({ first, end, speaker }, place) => {
      const { pieces, speaker: chosen } = segments[place];
      const [kept] = pieces;
      return chosen === speaker && pieces.length === 1 && kept[0] === first && kept[1] === end;
    })
  );
}
