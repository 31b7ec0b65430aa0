/**
 * The text's column: one element a paragraph, with its time and its speaker in the margin.
 *
 * A paragraph's text is one text node, so that a place in it is a number.
 */

import { t } from "../texts.js";
import { clock } from "./clock.js";
import { normal } from "./words.js";

/** How far beyond the window paragraphs count as seen, so that what scrolls in is marked already. */
const MARGIN = "300px 0px";

export class Column {
  /**
   * @param {HTMLElement} root
   * @param {import("./document.js").Document} text
   * @param {import("./speakers.js").Speakers} speakers
   * @param {string} language of what is said
   * @param {boolean} mayCorrect whether speakers can be changed
   */
  constructor(root, text, speakers, language, mayCorrect) {
    this.root = root;
    this.text = text;
    this.speakers = speakers;
    this.language = language;
    this.mayCorrect = mayCorrect;
    this.isOpen = false;
    /** @type {Map<number, {turn: HTMLElement, words: HTMLElement, time: HTMLElement, who: HTMLElement, told: string}>} */
    this.parts = new Map();
    /** @type {Set<number>} the paragraphs that are seen, or nearly */
    this.seen = new Set();
    /** @type {(ids: number[]) => void} is called when other paragraphs are seen, or their text is another */
    this.onSeen = () => {};
    this.watcher = new IntersectionObserver((entries) => this.#watched(entries), { rootMargin: MARGIN });
    this.draw();
  }

  close() {
    this.watcher.disconnect();
  }

  /** The paragraph and the place in its text at a point of the window; null if there is none. */
  at(x, y) {
    const place = document.caretPositionFromPoint?.(x, y);
    const range = place ? null : document.caretRangeFromPoint?.(x, y);
    return this.placeOf(place?.offsetNode ?? range?.startContainer, place?.offset ?? range?.startOffset ?? 0);
  }

  /** The paragraph and the place in its text of a place in the page; null if it is in none. */
  placeOf(node, offset) {
    const element = node instanceof Element ? node : node?.parentElement;
    const words = element?.closest?.(".words");
    if (!words || !this.root.contains(words)) {
      return null;
    }
    const at = node === words ? (offset === 0 ? 0 : words.textContent.length) : offset;
    return { id: Number(words.dataset.id), at };
  }

  /** The place of the caret, or of the selection's two ends; null if it is in no paragraph. */
  selection() {
    const selected = getSelection();
    if (!selected?.rangeCount) {
      return null;
    }
    const { startContainer, startOffset, endContainer, endOffset } = selected.getRangeAt(0);
    const [start, end] = [this.placeOf(startContainer, startOffset), this.placeOf(endContainer, endOffset)];
    return start && { id: start.id, from: start.at, to: end?.id === start.id ? end.at : start.at };
  }

  /** Puts the caret, or a selection, into a paragraph. */
  select(id, from, to = from) {
    const { words } = this.parts.get(id);
    const node = words.firstChild ?? words;
    const length = node.textContent.length;
    words.focus({ preventScroll: true });
    getSelection().setBaseAndExtent(node, Math.min(from, length), node, Math.min(to, length));
  }

  /** A part of a paragraph's text, for marking it; null if the page shows less. */
  range(id, from, to) {
    const node = this.parts.get(id)?.words.firstChild;
    if (!node || from >= node.length) {
      return null;
    }
    const [startContainer, endContainer] = [node, node];
    return new StaticRange({ startContainer, startOffset: from, endContainer, endOffset: Math.min(to, node.length) });
  }

  /** Where a part of a text is in the window. */
  box(id, from, to) {
    const node = this.parts.get(id)?.words.firstChild;
    if (!node) {
      return null;
    }
    const range = document.createRange();
    range.setStart(node, Math.min(from, node.length));
    range.setEnd(node, Math.min(to, node.length));
    return range.getBoundingClientRect();
  }

  /** Lets the texts be edited, or not. */
  open(isOpen) {
    this.isOpen = isOpen;
    this.root.classList.toggle("correcting", isOpen);
    for (const [id, part] of this.parts) {
      this.#openOne(id, part);
    }
    this.draw();
  }

  /** Shows the text as it is now, and touches only what is not as it was. */
  draw() {
    this.changed = [];
    const ids = new Set(this.text.paragraphs.map(({ id }) => id));
    for (const [id, { turn }] of this.parts) {
      if (!ids.has(id)) {
        this.watcher.unobserve(turn);
        this.parts.delete(id);
        this.seen.delete(id);
        this.changed.push(id);
        turn.remove();
      }
    }
    let next = this.root.firstElementChild;
    let before;
    for (const one of this.text.paragraphs) {
      const part = this.parts.get(one.id) ?? this.#made(one.id);
      if (part.turn === next) {
        next = next.nextElementSibling;
      } else {
        this.root.insertBefore(part.turn, next);
      }
      this.#fill(one, part, before);
      before = one;
    }
    this.#keepOneStop();
    this.onSeen(this.changed);
  }

  #made(id) {
    const turn = document.createElement("div");
    const [who, time] = [button("who"), button("time")];
    const words = document.createElement("p");
    turn.className = "turn";
    words.className = "words";
    words.lang = this.language;
    words.dir = "auto";
    for (const element of [words, who, time]) {
      element.dataset.id = String(id);
    }
    words.tabIndex = -1;
    words.append("");
    turn.append(who, time, words);
    const part = { turn, who, time, words, told: "" };
    this.parts.set(id, part);
    this.#openOne(id, part);
    this.watcher.observe(turn);
    return part;
  }

  #openOne(id, { words }) {
    if (this.isOpen) {
      words.contentEditable = "plaintext-only";
      words.setAttribute("role", "textbox");
      words.setAttribute("aria-multiline", "true");
    } else {
      words.removeAttribute("contenteditable");
      words.removeAttribute("role");
      words.removeAttribute("aria-multiline");
      words.removeAttribute("aria-label");
    }
    this.parts.get(id).told = "";
  }

  #fill(one, part, before) {
    const table = this.text.table(one.id);
    const speaker = this.speakers.of(one);
    const isSame = before !== undefined && this.speakers.of(before) === speaker;
    if (part.table !== table) {
      part.table = table;
      this.#write(part, table);
      this.changed.push(one.id);
    }
    const time = table.words.length ? table.words[0].start : null;
    const told = `${this.speakers.described(speaker)} ${isSame} ${time} ${this.isOpen}`;
    if (part.told !== told) {
      part.told = told;
      this.#margin(part, speaker, isSame, time === null ? "" : clock(time));
    }
  }

  /** Shows a paragraph's text; what is being typed may have other spaces. */
  #write(part, { text }) {
    const shown = part.words.textContent;
    const isTyped = document.activeElement === part.words && normal(shown) === text;
    if (shown !== text && !isTyped) {
      part.words.textContent = text;
    }
  }

  #margin({ turn, who, time: shown, words }, speaker, isSame, time) {
    const name = this.speakers.name(speaker);
    turn.classList.toggle("begins", !isSame);
    turn.dataset.speaker = speaker === null ? "" : String(this.speakers.colour(speaker));
    who.textContent = name || t("speaker.none");
    who.hidden = isSame || (!name && !this.speakers.areAsked);
    who.disabled = !this.mayCorrect;
    who.setAttribute("aria-label", t("speaker.of", { name: name || t("speaker.none"), time }));
    shown.textContent = time;
    shown.setAttribute("aria-label", t("time.play", { time }));
    if (this.isOpen) {
      words.setAttribute("aria-label", t("paragraph.of", { name: name || t("speaker.none"), time }));
    }
  }

  /** The Tab key stops once in the text. */
  #keepOneStop() {
    const id = this.parts.has(this.stop) ? this.stop : this.text.paragraphs[0]?.id;
    if (id !== undefined) {
      this.stopAt(id);
    }
  }

  /** The Tab key stops at this paragraph from now on. */
  stopAt(id) {
    const before = this.parts.get(this.stop);
    if (before) {
      before.words.tabIndex = -1;
    }
    this.stop = id;
    this.parts.get(id).words.tabIndex = 0;
  }

  #watched(entries) {
    for (const { target, isIntersecting } of entries) {
      const id = Number(target.lastElementChild.dataset.id);
      if (isIntersecting && this.parts.has(id)) {
        this.seen.add(id);
      } else {
        this.seen.delete(id);
      }
    }
    this.onSeen(entries.map(({ target }) => Number(target.lastElementChild.dataset.id)));
  }
}

function button(name) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.tabIndex = -1;
  return made;
}
