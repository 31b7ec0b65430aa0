/** Two people's corrections of the same words, put together. Pure. */

import { meet } from "./words.js";

/**
 * @typedef {ReturnType<typeof import("./changes.js").changesOf>} Changes
 * @typedef {{home: import("./words.js").Home, base: Changes, mine: Changes, theirs: Changes}} Conflict
 */

/**
 * Mine and theirs, where both began with `base`. Places that only one of the two changed are as that one has them.
 *
 * @param {Changes} base
 * @param {Changes} mine
 * @param {Changes} theirs
 * @returns {{changes: Changes, conflicts: Conflict[]}} at a conflict, `changes` has mine
 */
export function merged(base, mine, theirs) {
  const changes = [];
  const conflicts = [];
  for (const place of places({ base, mine, theirs })) {
    const [was, ours, other] = [place.base, place.mine, place.theirs].map((part) => JSON.stringify(part));
    changes.push(...(ours === was ? place.theirs : place.mine));
    if (ours !== was && other !== was && ours !== other) {
      conflicts.push(place);
    }
  }
  return { changes, conflicts };
}

/**
 * The same changes, with theirs in the place of a conflict.
 *
 * What was joined with that place since then cannot be told from it any more: there, it is as the service has it.
 *
 * @param {Changes} changes
 * @param {Conflict} conflict
 * @param {Changes} known what the service has
 * @returns {Changes}
 */
export function withTheirs(changes, { home, theirs }, known) {
  const around = known.filter((change) => !meet(change, home));
  const [place] = places({ conflict: [{ ...home }], changes, around }).filter(({ conflict }) => conflict.length > 0);
  const kept = changes.filter((change) => !place.changes.includes(change));
  return [...kept, ...place.around, ...theirs].sort(inOrder);
}

/** What meets, of all versions; in order. */
function places(versions) {
  const all = Object.entries(versions).flatMap(([whose, changes]) => changes.map((change) => ({ whose, change })));
  all.sort((one, other) => inOrder(one.change, other.change));
  const found = [];
  for (const { whose, change } of all) {
    const { first, end } = change;
    let last = found.at(-1);
    if (last && meet(last.home, change)) {
      last.home = { first: last.home.first, end: Math.max(last.home.end, end) };
    } else {
      last = { home: { first, end }, ...Object.fromEntries(Object.keys(versions).map((name) => [name, []])) };
      found.push(last);
    }
    last[whose].push(change);
  }
  return found;
}

function inOrder(one, other) {
  return one.first - other.first || one.end - other.end;
}
