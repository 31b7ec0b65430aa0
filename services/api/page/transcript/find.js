/** Finds words in the text. */

import { t } from "../texts.js";
import { html, nothing, render } from "../vendor/lit-html.js";

export class Find {
  /**
   * @param {HTMLElement} root
   * @param {import("./document.js").Document} text
   * @param {import("./column.js").Column} column
   * @param {import("./marks.js").Marks} marks
   */
  constructor(root, text, column, marks) {
    Object.assign(this, { root, text, column, marks });
    this.wanted = "";
    /** @type {{id: number, from: number, to: number}[]} */
    this.places = [];
    this.at = -1;
    marks.found = (id) => this.#of(id);
    text.listeners.push(() => this.wanted && this.#look());
    this.draw();
  }

  /** Lets the person say what she looks for. Returns false if she is there already: the browser's own search is next. */
  focus() {
    const field = this.root.querySelector("input");
    if (document.activeElement === field) {
      return false;
    }
    field.focus();
    field.select();
    return true;
  }

  draw() {
    const { length } = this.places;
    const [none, told] = [length === 0, t("find.count", { number: this.at + 1, count: length })];
    render(
      html`
        <input
          type="search"
          aria-label=${t("find.name")}
          placeholder=${t("find.short")}
          .value=${this.wanted}
          @input=${(event) => this.#asked(event.target.value)}
          @keydown=${(event) => this.#pressed(event)}
        />
        <span class="count" role="status">${this.wanted ? (none ? t("find.none") : told) : nothing}</span>
        <button
          class="small"
          ?disabled=${none}
          aria-label=${t("find.previous")}
          title=${t("find.previous")}
          @click=${() => this.go(-1)}
        >
          ↑
        </button>
        <button
          class="small"
          ?disabled=${none}
          aria-label=${t("find.next")}
          title=${t("find.next")}
          @click=${() => this.go(1)}
        >
          ↓
        </button>
      `,
      this.root,
    );
  }

  /** Goes to the next place, or the one before, around the end. */
  go(step) {
    const { length } = this.places;
    if (length > 0) {
      this.at = (this.at + step + length) % length;
      this.#show();
    }
  }

  #pressed(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.go(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      this.#asked("");
    }
  }

  #asked(wanted) {
    this.wanted = wanted;
    this.#look();
    // The first place from what is in the window on.
    const seen = this.text.paragraphs.findIndex(({ id }) => this.column.seen.has(id));
    const ids = new Set(this.text.paragraphs.slice(Math.max(0, seen)).map(({ id }) => id));
    this.at = Math.max(
      0,
      this.places.findIndex(({ id }) => ids.has(id)),
    );
    if (this.places.length > 0) {
      this.#show();
    }
  }

  #look() {
    const words = this.wanted
      .trim()
      .split(/\s+/u)
      .map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&"));
    const pattern = words[0] ? new RegExp(words.join("\\s+"), "giu") : null;
    this.places = !pattern
      ? []
      : this.text.paragraphs.flatMap(({ id }) =>
          [...this.text.table(id).text.matchAll(pattern)].map(({ index, 0: { length } }) => ({
            id,
            from: index,
            to: index + length,
          })),
        );
    this.at = Math.min(this.at, this.places.length - 1);
    this.marks.draw();
    this.draw();
  }

  #show() {
    const { id, from, to } = this.places[this.at];
    const box = this.column.box(id, from, to);
    if (box && (box.top < innerHeight * 0.15 || box.bottom > innerHeight * 0.7)) {
      this.column.turns.get(id).element.scrollIntoView({ block: "center" });
    }
    this.marks.draw();
    this.draw();
  }

  #of(id) {
    const now = this.places[this.at];
    return this.places.filter((place) => place.id === id).map((place) => ({ ...place, isNow: place === now }));
  }
}
