/** Saving, against a service that loses answers: nothing is lost, and nobody is in conflict with themselves. */

import assert from "node:assert/strict";
import { afterEach, test } from "node:test";
import { Service, kept } from "./browser.mjs";
import { PAGE } from "./random_edits.mjs";

const { Document } = await import(new URL("document.js", PAGE));
const { Drafts } = await import(new URL("../drafts.js", PAGE));
const { Saving } = await import(new URL("saving.js", PAGE));
const { Machine } = await import(new URL("words.js", PAGE));

const LATER = 10_000;
const tabs = [];
const change = (first, end, ...pieces) => ({ first, end, segments: [{ speaker: null, pieces }] });
const shown = ({ text }) => text.paragraphs.map(({ id }) => text.table(id).text).join(" | ");

/** A machine's transcript: "a0 b0 | a1 b1 | a2 b2". */
function heard() {
  const words = (place) => [[` a${place}`, place, place + 0.5, 1], [` b${place}`, place + 0.5, place + 1, 1]];
  return new Machine({ duration: 9, segments: [0, 1, 2].map((place) => ({ speaker: null, words: words(place) })) });
}

async function opened(service) {
  const { body } = await service.get("");
  const text = new Document(heard(), body.changes);
  const saving = new Saving({ api: service, base: "job", text, drafts: new Drafts("job"), correction: body });
  const tab = { text, saving };
  tabs.push(tab);
  await saving.restore();
  return tab;
}

/** The tab is gone at once: no request is sent any more. */
function killed({ saving }) {
  clearTimeout(saving.timer);
  saving.isClosed = true;
}

function write({ text }, place, words, now = 0) {
  text.retext(text.paragraphs[place].id, words, now);
}

afterEach(() => {
  tabs.splice(0).forEach(killed);
  kept.clear();
});

test("who types on after a lost answer is not in conflict with their own text", async () => {
  const service = new Service();
  const tab = await opened(service);
  service.answersLost = 1;
  write(tab, 0, "hej b0");
  await tab.saving.save();
  assert.equal(tab.saving.state, "offline");
  write(tab, 0, "hej då b0", LATER);
  await tab.saving.save();
  assert.deepEqual(tab.saving.conflicts, []);
  await tab.saving.save();
  assert.deepEqual(service.newest, [change(0, 2, "hej då", [1, 2])]);
  assert.equal(kept.size, 0);
});

test("a tab that died before the answer came is not in conflict with its own text", async () => {
  const service = new Service();
  const tab = await opened(service);
  service.answersLost = 1;
  write(tab, 0, "hej b0");
  await tab.saving.save();
  write(tab, 0, "hej då b0", LATER);
  killed(tab);
  const again = await opened(service);
  assert.deepEqual(again.saving.conflicts, []);
  assert.equal(shown(again), "hej då b0 | a1 b1 | a2 b2");
});

test("what another wrote at the same place is a conflict, though an answer was lost before", async () => {
  const service = new Service();
  const tab = await opened(service);
  service.answersLost = 1;
  write(tab, 0, "mitt");
  await tab.saving.save();
  service.add([change(0, 2, "deras")]);
  await tab.saving.save();
  assert.equal(tab.saving.conflicts.length, 1);
});

test("who only opens a transcript saves nothing, however its correction was written", async () => {
  const deletions = [{ first: 0, end: 2, segments: [] }, { first: 2, end: 4, segments: [] }];
  const service = new Service(deletions);
  const tab = await opened(service);
  await tab.saving.look();
  await tab.saving.save();
  assert.equal(service.number, 1);
  service.add([change(0, 2, "åter"), deletions[1]]);
  await tab.saving.look();
  assert.deepEqual(tab.saving.conflicts, []);
  assert.equal(shown(tab), "åter | a2 b2");
});

test("taking theirs leaves what was corrected beside it, though it was joined with it meanwhile", async () => {
  const beside = change(2, 4, "rättad");
  const service = new Service([beside]);
  const tab = await opened(service);
  service.add([change(0, 2, "deras"), beside]);
  write(tab, 0, "mitt");
  await tab.saving.save();
  tab.text.joinBefore(tab.text.paragraphs[1].id);
  tab.saving.settle(tab.saving.conflicts[0], true);
  assert.equal(shown(tab), "deras | rättad | a2 b2");
});

for (const [others, drafts] of [
  ["somebody else", [change(0, 2, "mitt"), change(4, 6, "annat")]],
  ["another tab", [change(0, 2, "mitt"), change(0, 2, "annat")]],
]) {
  test(`a conflict of a draft with ${others} is asked again after the tab was closed`, async () => {
    const service = new Service();
    drafts.forEach((made, place) => kept.set(`draft:job:${place}`, JSON.stringify({ number: 0, changes: [made] })));
    if (others === "somebody else") {
      service.add([change(0, 2, "deras")]);
    }
    const tab = await opened(service);
    assert.equal(tab.saving.conflicts.length, 1);
    killed(tab);
    const again = await opened(service);
    assert.ok(again.saving.conflicts.length > 0);
    while (again.saving.conflicts.length > 0) {
      again.saving.settle(again.saving.conflicts[0], false);
    }
    await again.saving.save();
    assert.equal(again.saving.conflicts.length, 0);
    await again.saving.save();
    assert.equal(kept.size, 0);
  });
}

test("a draft that could not be put together stays, though other text is saved", async () => {
  const service = new Service([change(0, 2, "deras")]);
  kept.set("draft:job:0", JSON.stringify({ number: 0, changes: [change(4, 6, "mitt")] }));
  const { body } = await service.get("");
  const text = new Document(heard(), body.changes);
  const saving = new Saving({ api: service, base: "job", text, drafts: new Drafts("job"), correction: body });
  const tab = { text, saving };
  tabs.push(tab);
  service.requestsLost = 1;
  await assert.rejects(tab.saving.restore());
  write(tab, 1, "nytt");
  await tab.saving.save();
  assert.deepEqual([...kept.keys()], ["draft:job:0"]);
  killed(tab);
  assert.equal(shown(await opened(service)), "deras | nytt | mitt");
});
