/** The page's model of a text: `node --test` runs it, as tests/unit/test_page_model.py does. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { PAGE, below, dice, edited, machine, text, word } from "./random_edits.mjs";

const { aligned } = await import(new URL("alignment.js", PAGE));
const { Document } = await import(new URL("document.js", PAGE));
const { merged, withTheirs } = await import(new URL("merging.js", PAGE));
const { Machine, grouped, normal, paragraphsOf, tables } = await import(new URL("words.js", PAGE));

const TRIES = 150;

/** The text of changes, as the service would write it. */
function written(own, changes) {
  const shown = new Document(own, changes);
  return text(shown).filter(Boolean);
}

test("changes give back exactly the edited text", () => {
  for (let seed = 0; seed < TRIES; seed += 1) {
    const roll = dice(seed);
    const own = machine(roll);
    const document = edited(own, roll, 8);
    assert.deepEqual(written(own, document.changes()), text(document).filter(Boolean), `seed ${seed}`);
  }
});

test("what is typed is the text, but for spaces", () => {
  for (let seed = 0; seed < TRIES; seed += 1) {
    const roll = dice(seed);
    const own = machine(roll);
    const document = new Document(own, []);
    const { id } = document.paragraphs[below(roll, document.paragraphs.length)];
    const before = document.table(id).text;
    const typed = ` ${before.slice(0, below(roll, before.length))}\t${word(roll)}  ${before.slice(below(roll, before.length))}`;
    document.retext(id, typed, 0);
    assert.equal(document.table(id).text, normal(typed), `seed ${seed}`);
  }
});

test("words that are kept keep their times, and times never run backwards", () => {
  for (let seed = 0; seed < TRIES; seed += 1) {
    const roll = dice(seed);
    const own = machine(roll);
    const document = edited(own, roll, 8);
    let moment = 0;
    for (const { id } of document.paragraphs) {
      for (const { index, start, end, from, to } of document.table(id).words) {
        assert.ok(start >= moment - 1e-9, `seed ${seed}: ${start} after ${moment}`);
        assert.ok(end >= start - 1e-9 && to > from);
        moment = start;
        if (index >= 0) {
          assert.deepEqual([start, end], own.words[index].slice(1, 3));
          assert.equal(document.table(id).text.slice(from, to), own.words[index][0].trim());
        }
      }
    }
  }
});

test("changes are as the service takes them: in order, between segments, with kept words that rise", () => {
  for (let seed = 0; seed < TRIES; seed += 1) {
    const roll = dice(seed);
    const own = machine(roll);
    const boundaries = new Set([...own.places.keys(), own.words.length]);
    let seen = 0;
    let insertion = -1;
    for (const { first, end, segments } of edited(own, roll, 8).changes()) {
      assert.ok(first >= seen && end >= first && boundaries.has(first) && boundaries.has(end), `seed ${seed}`);
      assert.ok(first !== end || insertion !== first, `seed ${seed}: one insertion a place`);
      insertion = first === end ? first : -1;
      seen = end;
      let kept = first;
      for (const piece of segments.flatMap(({ pieces }) => pieces)) {
        if (typeof piece === "string") {
          assert.equal(piece, normal(piece));
          assert.notEqual(piece, "");
        } else {
          assert.ok(piece[0] >= kept && piece[1] > piece[0] && piece[1] <= end, `seed ${seed}`);
          kept = piece[1];
        }
      }
      assert.ok(segments.every(({ pieces }) => pieces.length > 0));
    }
  }
});

test("all that was done can be taken back, and done again", () => {
  for (let seed = 0; seed < TRIES; seed += 1) {
    const roll = dice(seed);
    const own = machine(roll);
    const document = edited(own, roll, 8);
    const after = text(document);
    let steps = 0;
    for (; document.canUndo; steps += 1) {
      document.undo();
    }
    assert.deepEqual(document.changes(), [], `seed ${seed}`);
    for (; document.canRedo && steps > 0; steps -= 1) {
      document.redo();
    }
    if (!document.canRedo && steps === 0) {
      assert.deepEqual(text(document), after, `seed ${seed}`);
    }
  }
});

test("an accident that is typed back leaves nothing", () => {
  const own = machine(dice(3));
  const document = new Document(own, []);
  const { id } = document.paragraphs[0];
  const before = document.table(id).text;
  document.retext(id, `x${before}`, 0);
  assert.equal(document.changes().length, 1);
  document.retext(id, before, 100);
  assert.deepEqual(document.changes(), []);
});

test("what is typed in one go is taken back at once", () => {
  const own = machine(dice(4));
  const document = new Document(own, []);
  const { id } = document.paragraphs[0];
  document.retext(id, "a", 0);
  document.retext(id, "ab", 300);
  document.retext(id, "ab c", 5_000);
  document.undo();
  assert.equal(document.table(id).text, "ab");
  document.undo();
  assert.deepEqual(document.changes(), []);
});

test("a word that is confirmed is a person's, and stays so when the text around it changes", () => {
  const own = new Machine({ duration: 9, segments: [{ speaker: null, words: [[" en", 0, 1, 0.2], [" två", 1, 2, 0.2]] }] });
  const document = new Document(own, []);
  const { id } = document.paragraphs[0];
  document.confirm(id, 0);
  assert.deepEqual(document.table(id).words.map(({ probability }) => probability), [1, 0.2]);
  document.retext(id, "en tv", 0);
  assert.deepEqual(document.changes()[0].segments[0].pieces, ["en tv"]);
});

test("new words share the time between the kept ones by their lengths", () => {
  const own = new Machine({
    duration: 9,
    segments: [{ speaker: null, words: [[" a", 0, 1, 1], [" b", 1, 3, 1], [" c", 4, 5, 1]] }],
  });
  const pieces = aligned(tables(own, grouped(paragraphsOf(own, []))[0])[0], "a xxx y c");
  assert.deepEqual(pieces, [[0, 1], "xxx y", [2, 3]]);
  const [one] = paragraphsOf(own, [{ first: 0, end: 3, segments: [{ speaker: null, pieces }] }]);
  const [table] = tables(own, { home: one.home, paragraphs: [one] });
  assert.deepEqual(table.words.map(({ start, end }) => [start, end]), [[0, 1], [1, 3.25], [3.25, 4], [4, 5]]);
});

test("what a correction may not hold is left out of what is written", () => {
  assert.equal(normal("a\u0000b\u202ec \u2028 d\u00a0e\ud800 \u200b f\n"), "abc d e f");
});

test("two people's changes at different places are put together", () => {
  for (let seed = 0; seed < TRIES; seed += 1) {
    const roll = dice(seed);
    const own = machine(roll, 6);
    const [mine, theirs] = [edited(own, roll, 3).changes(), edited(own, roll, 3).changes()];
    const { changes, conflicts } = merged([], mine, theirs);
    if (conflicts.length === 0) {
      const all = [...mine, ...theirs].map((change) => JSON.stringify(change));
      assert.deepEqual(new Set(changes.map((change) => JSON.stringify(change))), new Set(all), `seed ${seed}`);
    }
    assert.deepEqual(merged([], theirs, mine).conflicts.length, conflicts.length);
    const chosen = conflicts.reduce((left, conflict) => withTheirs(left, conflict, theirs), changes);
    for (const { home, theirs: wanted } of conflicts) {
      assert.deepEqual(chosen.filter(({ first, end }) => first >= home.first && end <= home.end && (first < home.end || home.first === home.end)), wanted, `seed ${seed}`);
    }
    written(own, chosen);
  }
});

test("what both changed alike, or only one took back, is no conflict", () => {
  const change = (first, end, ...pieces) => ({ first, end, segments: [{ speaker: null, pieces }] });
  const base = [change(0, 2, "a")];
  assert.deepEqual(merged(base, [], base), { changes: [], conflicts: [] });
  assert.deepEqual(merged(base, base, []), { changes: [], conflicts: [] });
  assert.deepEqual(merged([], base, base), { changes: base, conflicts: [] });
  const { changes, conflicts } = merged(base, [change(0, 2, "b")], [change(0, 4, "c")]);
  assert.deepEqual(changes, [change(0, 2, "b")]);
  assert.deepEqual(conflicts[0].home, { first: 0, end: 4 });
  assert.deepEqual(withTheirs(changes, conflicts[0], [change(0, 4, "c")]), [change(0, 4, "c")]);
});

test("a paragraph of hundreds of words is compared in a moment", () => {
  const words = Array.from({ length: 900 }, (_, place) => [` w${place % 50}`, place, place + 1, 1]);
  const own = new Machine({ duration: 900, segments: [{ speaker: null, words }] });
  const document = new Document(own, []);
  const { id } = document.paragraphs[0];
  const shuffled = document.table(id).text.split(" ").reverse().join(" ");
  const began = process.cpuUsage().user;
  document.retext(id, shuffled, 0);
  assert.equal(document.table(id).text, shuffled);
  assert.ok(process.cpuUsage().user - began < 2_000_000);
});
