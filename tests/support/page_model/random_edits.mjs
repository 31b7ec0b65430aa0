/** Transcripts and what people do to them, by chance but the same each time. */

export const PAGE = new URL("../../../services/api/page/transcript/", import.meta.url);
const { Document } = await import(new URL("document.js", PAGE));
const { Machine } = await import(new URL("words.js", PAGE));

const LANGUAGE = ["ja", "nej", "och", "det", "var", "Åsa", "👩‍👩‍👧", "<b>", "שלום", "10", "a"];

/** Numbers from 0 to 1 that are the same each time. */
export function dice(seed) {
  let state = seed + 1;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

export const below = (roll, limit) => Math.floor(roll() * limit);
export const word = (roll) => LANGUAGE[below(roll, LANGUAGE.length)];
export const text = (document) => document.paragraphs.map(({ id }) => document.table(id).text);

/** A machine's transcript of some segments; some words follow others without a space. */
export function machine(roll, segments = 4) {
  return new Machine(heard(roll, segments));
}

/** What the service tells of such a transcript. */
export function heard(roll, segments = 4) {
  let moment = 0;
  const made = Array.from({ length: segments }, () => ({
    speaker: below(roll, 2),
    channel: 0,
    words: Array.from({ length: 1 + below(roll, 5) }, (_, place) => {
      const start = moment;
      moment += roll() < 0.2 ? 0 : 0.3;
      const isApart = place === 0 || roll() < 0.9;
      return [`${isApart ? " " : ""}${word(roll)}`, start, moment, roll()];
    }),
  }));
  return { duration: moment + 1, segments: made };
}

/** Does something to a document, as a person may. */
function act(document, roll) {
  const { paragraphs } = document;
  if (paragraphs.length === 0) {
    return;
  }
  const { id } = paragraphs[below(roll, paragraphs.length)];
  const { text: before, words } = document.table(id);
  const [from, to] = [below(roll, before.length + 1), below(roll, before.length + 1)].sort((one, other) => one - other);
  const acts = [
    () => document.retext(id, before.slice(0, from) + (roll() < 0.7 ? word(roll) : " ") + before.slice(to), roll() * 1e4),
    () => document.retext(id, before.slice(0, from) + before.slice(from + 1), roll() * 1e4),
    () => document.split(id, from),
    () => document.joinBefore(id),
    () => document.remove(id),
    () => document.speak(id, from, to, below(roll, 3)),
    () => words.length && document.confirm(id, below(roll, words.length)),
    () => document.undo(),
    () => document.redo(),
  ];
  acts[below(roll, acts.length)]();
}

export function edited(own, roll, acts) {
  const document = new Document(own, []);
  for (let count = 0; count < acts; count += 1) {
    act(document, roll);
  }
  return document;
}
