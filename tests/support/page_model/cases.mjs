/** Prints edited transcripts as JSON lines: what the machine heard, the changes, and the words as the page shows them. */

import { PAGE, dice, edited, heard } from "./random_edits.mjs";

const { Machine } = await import(new URL("words.js", PAGE));

for (let seed = 0; seed < Number(process.argv[2]); seed += 1) {
  const roll = dice(seed);
  const answer = heard(roll);
  const document = edited(new Machine(answer), roll, 6);
  const changes = document.changes();
  document.reset(changes);
  const paragraphs = document.paragraphs.map(({ id, speaker }) => {
    const { text, words } = document.table(id);
    return { speaker, text, times: words.map(({ start, end, probability }) => [start, end, probability]) };
  });
  console.log(JSON.stringify({ answer, changes, paragraphs: paragraphs.filter(({ text }) => text) }));
}
