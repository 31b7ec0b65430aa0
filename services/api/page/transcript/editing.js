/** Typing in the text: each paragraph is edited in its place; what crosses its ends is done to the whole text. */

const BACKWARD = /^delete(Content|Word|SoftLine|HardLine)Backward$/;
const FORWARD = /^delete(Content|Word|SoftLine|HardLine)Forward$/;

export class Editing {
  /**
   * @param {import("./column.js").Column} column
   * @param {import("./document.js").Document} text
   */
  constructor(column, text) {
    Object.assign(this, { column, text });
    const { root } = column;
    root.addEventListener("beforeinput", (event) => this.#before(event));
    root.addEventListener("input", (event) => event.isComposing || this.#typed(event.target));
    root.addEventListener("compositionend", (event) => this.#typed(event.target));
    root.addEventListener(
      "focusin",
      ({ target }) => target.matches(".words") && column.stopAt(Number(target.dataset.id)),
    );
    root.addEventListener(
      "focusout",
      ({ target }) => target.matches(".words") && column.settle(Number(target.dataset.id)),
    );
    root.addEventListener("keydown", (event) => this.#moved(event));
  }

  undo() {
    this.#show(this.text.undo());
  }

  redo() {
    this.#show(this.text.redo());
  }

  #before(event) {
    const caret = this.column.selection();
    const act = caret && this.#instead(event, caret);
    if (act) {
      event.preventDefault();
      act();
    }
  }

  /** What is done in place of the browser's own; undefined: nothing. */
  #instead({ inputType, data, dataTransfer }, { id, from, to }) {
    const { length } = this.column.turns.get(id).words.textContent;
    if (inputType === "historyUndo") {
      return () => this.undo();
    }
    if (inputType === "historyRedo") {
      return () => this.redo();
    }
    if (inputType === "insertParagraph" || inputType === "insertLineBreak") {
      return () => this.#split(id, from, to);
    }
    if (inputType === "insertFromPaste" || inputType === "insertFromDrop") {
      return () => this.#write(id, from, to, dataTransfer?.getData("text/plain") ?? data ?? "");
    }
    if (from === to && from === 0 && BACKWARD.test(inputType)) {
      return () => this.#join(id);
    }
    if (from === to && to === length && FORWARD.test(inputType)) {
      return () => this.#join(this.text.paragraphs[this.text.place(id) + 1]?.id);
    }
    return undefined;
  }

  #typed(target) {
    const words = target.closest(".words");
    if (!words || !this.column.isOpen) {
      return;
    }
    const id = Number(words.dataset.id);
    if (words.childNodes.length !== 1 || words.firstChild.nodeType !== Node.TEXT_NODE) {
      // Browsers leave a line break behind when all is deleted.
      const at = this.column.selection()?.from ?? 0;
      words.textContent = words.textContent || "";
      this.column.select(id, at);
    }
    this.text.retext(id, words.textContent, Date.now());
  }

  /** Writes plain text, all of it in this paragraph. */
  #write(id, from, to, written) {
    const { words } = this.column.turns.get(id);
    const told = written.replace(/\s+/gu, " ");
    const before = words.textContent;
    words.textContent = before.slice(0, from) + told + before.slice(to);
    this.column.select(id, from + told.length);
    this.text.retext(id, words.textContent, Date.now());
  }

  #split(id, from, to) {
    if (from !== to) {
      this.#write(id, from, to, "");
    }
    const { text } = this.text.table(id);
    this.column.select(this.text.split(id, Math.min(from, text.length)), 0);
  }

  #join(id) {
    const met = id !== undefined && this.text.joinBefore(id);
    if (met) {
      this.column.select(met.id, met.at);
    }
  }

  /** Shows what was taken back. */
  #show(id) {
    if (id !== undefined) {
      const { length } = this.text.table(id).text;
      this.column.select(id, Math.min(this.column.selection()?.from ?? 0, length));
      this.column.turns.get(id).element.scrollIntoView({ block: "nearest" });
    }
  }

  /** Arrows lead from one paragraph to the next. */
  #moved(event) {
    const words = event.target.closest(".words");
    if (!words || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey || event.isComposing) {
      return;
    }
    const id = Number(words.dataset.id);
    const step = this.column.isOpen ? this.#leaves(event.key, id, words) : { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const next = step && this.text.paragraphs[this.text.place(id) + step];
    if (next) {
      event.preventDefault();
      const end = this.text.table(next.id).text.length;
      this.column.select(next.id, event.key === "ArrowLeft" ? end : 0);
      this.column.turns.get(next.id).element.scrollIntoView({ block: "nearest" });
    }
  }

  /** Where a key leads that leaves the paragraph: -1, 1, or undefined if it stays. */
  #leaves(key, id, words) {
    const { from, to } = this.column.selection() ?? { from: 0, to: 0 };
    const { length } = words.textContent;
    if (from !== to) {
      return undefined;
    }
    const [box, caret] = [words.getBoundingClientRect(), this.column.box(id, from, from)];
    const line = Number.parseFloat(getComputedStyle(words).lineHeight);
    const isFirst = length === 0 || !caret?.height || caret.top < box.top + line;
    const isLast = length === 0 || !caret?.height || caret.bottom > box.bottom - line;
    const leads = {
      ArrowLeft: from === 0 && -1,
      ArrowUp: isFirst && -1,
      ArrowRight: from === length && 1,
      ArrowDown: isLast && 1,
    };
    return leads[key] || undefined;
  }
}
