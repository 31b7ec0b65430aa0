/** A menu at a paragraph: who says it, and what a speaker is called. */

import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { MOST_SPEAKERS } from "./speakers.js";

export class Assigning {
  /**
   * @param {HTMLElement} root a popover
   * @param {{api: import("../api.js").Api, base: string, text: import("./document.js").Document,
   *   column: import("./column.js").Column, speakers: import("./speakers.js").Speakers}} what
   */
  constructor(root, what) {
    Object.assign(this, { root }, what);
    this.trouble = null;
    root.addEventListener("keydown", (event) => this.#key(event));
    root.addEventListener("toggle", ({ newState }) => newState === "closed" && this.#back());
  }

  /** Opens at a paragraph; if a part of its text is selected, that part is given away. */
  open(id) {
    const { from, to } = this.column.selection() ?? {};
    const { length } = this.text.table(id).text;
    const isPart = this.column.selection()?.id === id && from < to;
    this.place = isPart ? { id, from, to } : { id, from: 0, to: length };
    this.trouble = null;
    this.#draw();
    this.root.showPopover();
    const { element, words } = this.column.turns.get(id);
    const box = (element.querySelector(".who:not([hidden])") ?? words).getBoundingClientRect();
    const { offsetWidth, offsetHeight } = this.root;
    this.root.style.left = `${Math.max(8, Math.min(box.left, innerWidth - offsetWidth - 8))}px`;
    this.root.style.top = `${Math.max(8, Math.min(box.bottom + 4, innerHeight - offsetHeight - 8))}px`;
    this.root.querySelector("button, input")?.focus();
  }

  get #speaker() {
    return this.speakers.of(this.text.paragraphs[this.text.place(this.place.id)]);
  }

  #give(speaker) {
    const { id, from, to } = this.place;
    this.place = { ...this.place, id: this.text.speak(id, from, to, speaker) };
    this.root.hidePopover();
  }

  async #rename(event) {
    event.preventDefault();
    const names = this.speakers.renamed(this.#speaker, new FormData(event.target).get("name"));
    try {
      const { body } = await this.api.send("PATCH", this.base, { names: names.length ? names : null });
      this.speakers.names = [...body.names];
    } catch (error) {
      this.trouble = error;
      this.#draw();
      return;
    }
    this.column.draw();
    this.root.hidePopover();
  }

  #draw() {
    const speaker = this.#speaker;
    const { all } = this.speakers;
    render(
      html`
        ${this.trouble ? html`<p class="wrong" role="alert">${sentence(this.trouble)}</p>` : nothing}
        ${this.speakers.areAsked ? this.#choices(all, speaker) : nothing}
        ${
          speaker === null
            ? nothing
            : html`<form @submit=${(event) => this.#rename(event)}>
                <label
                  >${t("speaker.rename")}
                  <input
                    name="name"
                    maxlength="80"
                    autocomplete="off"
                    .value=${this.speakers.names[speaker] ?? ""}
                    placeholder=${this.speakers.name(speaker)}
                  />
                </label>
                <button class="small">${t("speaker.rename.button")}</button>
              </form>`
        }
      `,
      this.root,
    );
  }

  #choices(all, speaker) {
    const choice = (one, name) =>
      html` <button
        class="quiet choice"
        data-speaker=${one === null ? "" : this.speakers.colour(one)}
        aria-pressed=${one === speaker ? "true" : "false"}
        @click=${() => this.#give(one)}
      >
        <bdi class="who">${name}</bdi>
      </button>`;
    return html`
      <p class="hint">${t("speaker.says")}</p>
      ${all.map((one) => choice(one, this.speakers.name(one)))}
      ${all.length < MOST_SPEAKERS ? choice(all.length, t("speaker.new", { name: this.speakers.name(all.length) })) : nothing}
      ${choice(null, t("speaker.none"))}
    `;
  }

  /** Arrows lead through the choices, and a digit is one. */
  #key(event) {
    const choices = [...this.root.querySelectorAll(".choice")];
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.target.matches("input") || choices.length === 0) {
      return;
    }
    const digit = Number(event.key);
    if (step) {
      event.preventDefault();
      choices.at((choices.indexOf(document.activeElement) + step) % choices.length).focus();
    } else if (digit >= 1 && digit <= this.speakers.all.length) {
      event.preventDefault();
      this.#give(digit - 1);
    }
  }

  /** The caret is where it was. */
  #back() {
    const turn = this.column.turns.get(this.place.id);
    if (turn && this.column.isOpen) {
      this.column.select(this.place.id, 0);
    } else {
      turn?.words.focus({ preventScroll: true });
    }
  }
}
