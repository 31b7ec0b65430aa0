/** Leads from one doubtful word to the next, and lets it be heard until a key is pressed. */

import { t } from "../texts.js";
import { doubt, doubtful } from "./marks.js";

/** So much of the sound around a word is heard with it. */
const AROUND_SECONDS = 0.6;

export class Doubts {
  /**
   * @param {{text: import("./document.js").Document, column: import("./column.js").Column,
   *   player: import("./player.js").Player, following: import("./following.js").Following,
   *   tell: (sentence: string) => void}} what
   */
  constructor(what) {
    Object.assign(this, what);
    /** @type {{id: number, place: number} | null} the one that is heard */
    this.now = null;
  }

  /** How many there are. */
  get count() {
    return this.text.paragraphs.reduce((sum, { id }) => sum + doubtful(this.text.table(id)).length, 0);
  }

  /** Goes to the next one (1) or the one before (-1), around the end. */
  go(step) {
    const all = this.#all();
    if (all.length === 0) {
      this.tell(t("doubt.none"));
      return;
    }
    const here = this.#here();
    const behind = all.findIndex((one) => isAfter(one, here));
    const next = behind < 0 ? all.length : behind;
    const isOn = all[next - 1] && !isAfter(here, all[next - 1]);
    const wanted = step > 0 ? next : next - (isOn ? 2 : 1);
    this.#show(all.at(wanted % all.length), all);
  }

  /** The word that is heard is right, and a person says so. Returns false if none is heard. */
  confirm() {
    const { now } = this;
    const id = this.text.place(now?.id) >= 0 ? now.id : null;
    const word = id && this.text.table(id).words[now.place];
    if (!word || !doubt(word)) {
      return false;
    }
    this.text.confirm(id, now.place);
    this.go(1);
    return true;
  }

  /** Ends the repeating. Returns false if nothing was repeated. */
  stop() {
    if (this.player.loop === null) {
      return false;
    }
    this.player.repeat(null);
    this.player.media?.pause();
    return true;
  }

  #show({ id, place }, all) {
    const word = this.text.table(id).words[place];
    this.now = { id, place };
    const { element, words } = this.column.turns.get(id);
    this.following.pause();
    element.scrollIntoView({ block: "center" });
    if (this.column.isOpen) {
      this.column.select(id, word.from, word.to);
    } else {
      words.focus({ preventScroll: true });
      this.column.stopAt(id);
    }
    this.player.repeat({ start: Math.max(0, word.start - AROUND_SECONDS), end: word.end + AROUND_SECONDS });
    const number = all.findIndex((one) => one.id === id && one.place === place) + 1;
    const said = this.text.table(id).text.slice(word.from, word.to);
    const sure = Math.round(word.probability * 100);
    this.tell(t("doubt.at", { word: said, sure, number, count: all.length }));
  }

  /** Where the person is: at the doubtful word, else at the caret, else where it plays. */
  #here() {
    const { now } = this;
    if (now && this.text.place(now.id) >= 0) {
      return this.#placed(now.id, now.place);
    }
    const caret = this.column.selection();
    const place = caret && this.text.table(caret.id).words.findLastIndex(({ from }) => from <= caret.from);
    const at = caret ? { id: caret.id, place } : this.following.word;
    return at ? this.#placed(at.id, at.place) : { order: -1, place: -1 };
  }

  #placed(id, place) {
    return { id, place, order: this.text.place(id) };
  }

  #all() {
    return this.text.paragraphs.flatMap(({ id }, order) =>
      doubtful(this.text.table(id)).map((place) => ({ id, place, order })),
    );
  }
}

function isAfter(one, other) {
  return one.order > other.order || (one.order === other.order && one.place > other.place);
}
