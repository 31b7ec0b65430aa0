/**
 * The text's column: one element a paragraph, with its time and its speaker in the margin.
 *
 * A paragraph's text is one text node, so that a place in it is a number.
 */

import { Turn } from "./turn.js";

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
    /** @type {number | undefined} the paragraph at which the Tab key stops */
    this.stop = undefined;
    /** @type {Map<number, Turn>} */
    this.turns = new Map();
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
    const { words } = this.turns.get(id);
    const node = words.firstChild ?? words;
    const length = node.textContent.length;
    words.focus({ preventScroll: true });
    getSelection().setBaseAndExtent(node, Math.min(from, length), node, Math.min(to, length));
  }

  /** A part of a paragraph's text, for marking it; null if the page shows less. */
  range(id, from, to) {
    const node = this.turns.get(id)?.node;
    if (!node || from >= node.length) {
      return null;
    }
    const [startContainer, endContainer] = [node, node];
    return new StaticRange({ startContainer, startOffset: from, endContainer, endOffset: Math.min(to, node.length) });
  }

  /** Where a part of a text is in the window. */
  box(id, from, to) {
    const node = this.turns.get(id)?.node;
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
    for (const turn of this.turns.values()) {
      turn.open(isOpen);
    }
    this.draw();
  }

  /** Shows the text as it is now, and touches only what is not as it was. */
  draw() {
    this.changed = [];
    const ids = new Set(this.text.paragraphs.map(({ id }) => id));
    for (const [id, { element }] of this.turns) {
      if (!ids.has(id)) {
        this.watcher.unobserve(element);
        this.turns.delete(id);
        this.seen.delete(id);
        this.changed.push(id);
        element.remove();
      }
    }
    let next = this.root.firstElementChild;
    let before;
    for (const one of this.text.paragraphs) {
      const turn = this.turns.get(one.id) ?? this.#made(one.id);
      if (turn.element === next) {
        next = next.nextElementSibling;
      } else {
        this.root.insertBefore(turn.element, next);
      }
      this.#fill(one, turn, before);
      before = one;
    }
    this.#keepOneStop();
    this.onSeen(this.changed);
  }

  /** What was typed in a paragraph has one space between words again. */
  settle(id) {
    const turn = this.turns.get(id);
    if (turn && turn.words.textContent !== turn.table.text) {
      turn.words.textContent = turn.table.text;
      this.onSeen([id]);
    }
  }

  #made(id) {
    const turn = new Turn(id, this.language);
    this.turns.set(id, turn);
    turn.open(this.isOpen);
    this.watcher.observe(turn.element);
    return turn;
  }

  #fill(one, turn, before) {
    if (turn.write(this.text.table(one.id))) {
      this.changed.push(one.id);
    }
    const { speakers } = this;
    const speaker = speakers.of(one);
    const name = speakers.name(speaker);
    turn.margin({
      name,
      colour: speaker === null ? null : speakers.colour(speaker),
      isSame: before !== undefined && speakers.of(before) === speaker,
      isNamed: name !== "" || speakers.areAsked,
      mayChange: this.mayCorrect,
      isOpen: this.isOpen,
    });
  }

  /** The Tab key stops once in the text. */
  #keepOneStop() {
    const id = this.turns.has(this.stop) ? this.stop : this.text.paragraphs[0]?.id;
    if (id !== undefined) {
      this.stopAt(id);
    }
  }

  /** The Tab key stops at this paragraph from now on. */
  stopAt(id) {
    const before = this.turns.get(this.stop);
    if (before) {
      before.words.tabIndex = -1;
    }
    this.stop = id;
    this.turns.get(id).words.tabIndex = 0;
  }

  #watched(entries) {
    for (const { target, isIntersecting } of entries) {
      const id = Number(target.dataset.id);
      if (isIntersecting && this.turns.has(id)) {
        this.seen.add(id);
      } else {
        this.seen.delete(id);
      }
    }
    this.onSeen(entries.map(({ target }) => Number(target.dataset.id)));
  }
}
