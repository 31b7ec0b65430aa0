/** All that works on one transcript, put together: text, sound, marks. */

import { t } from "../texts.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { day } from "./clock.js";
import { Column } from "./column.js";
import { Controls } from "./controls.js";
import { Document } from "./document.js";
import { Following } from "./following.js";
import { Marks } from "./marks.js";
import { Player } from "./player.js";
import { Speakers } from "./speakers.js";
import { Machine } from "./words.js";

export class Workplace {
  /**
   * @param {HTMLElement} root
   * @param {{api: import("../api.js").Api, base: string, shared: boolean, about: any, words: any, correction: any}} what
   */
  constructor(root, { api, base, shared, about, words, correction }) {
    Object.assign(this, { root, api, base, shared, about });
    const machine = new Machine(words);
    this.text = new Document(machine, correction.changes);
    this.speakers = new Speakers(words, this.text, machine);
    this.player = new Player(api, base);
    this.draw();
    const at = (name) => root.querySelector(name);
    this.column = new Column(at(".column"), this.text, this.speakers, words.language ?? "");
    this.marks = new Marks(this.column);
    this.column.onSeen = () => this.marks.draw();
    this.following = new Following(this.player, this.column, this.marks);
    this.controls = new Controls(at(".controls"), this.player, machine.duration);
    this.text.listeners.push(() => {
      this.column.draw();
      this.following.refresh();
    });
    at(".column").addEventListener("click", (event) => this.#clicked(event));
    this.following.addEventListener("change", () => this.draw());
    this.player.addEventListener("ready", () => at(".picture").replaceChildren(...[this.player.media].filter(Boolean)));
    this.player.open();
  }

  close() {
    this.column.close();
    this.following.close();
    this.marks.close();
    this.player.close();
  }

  draw() {
    const { about, shared } = this;
    const isAway = this.following && !this.following.isOn;
    render(
      html`
        ${shared ? nothing : html`<nav><a href="#/">← ${t("transcript.back")}</a></nav>`}
        <h1><bdi>${about.file_name}</bdi></h1>
        <p class="hint">${about.expires_at ? t("transcript.ends", { day: day(about.expires_at) }) : nothing}</p>
        <section class="column" aria-label=${t("transcript.text")}></section>
        <section class="player" aria-label=${t("player.name")}>
          ${isAway ? html`<button class="follow" @click=${() => this.following.goBack()}>${t("player.follow")}</button>` : nothing}
          <div class="picture"></div>
          <div class="controls"></div>
        </section>
      `,
      this.root,
    );
  }

  /** A click on a word plays from there, and one on a time from its paragraph. */
  #clicked(event) {
    if (event.target.closest(".time")) {
      this.#playWord(Number(event.target.dataset.id), 0);
      return;
    }
    const at = event.target.closest(".words") && this.column.at(event.clientX, event.clientY);
    if (at && getSelection().isCollapsed) {
      const { words } = this.text.table(at.id);
      this.#playWord(at.id, words.findLastIndex(({ from }) => from <= at.at));
    }
  }

  #playWord(id, place) {
    const word = this.text.table(id).words[Math.max(0, place)];
    if (word) {
      this.player.playFrom(word.start);
      this.following.goBack();
    }
  }
}
