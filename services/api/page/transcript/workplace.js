/** All that works on one transcript, put together: text, sound, marks, saving. */

import { t } from "../texts.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { day } from "./clock.js";
import { Column } from "./column.js";
import { Controls } from "./controls.js";
import { Document } from "./document.js";
import { Drafts } from "./drafts.js";
import { Editing } from "./editing.js";
import { Following } from "./following.js";
import { Marks } from "./marks.js";
import { Player } from "./player.js";
import { Saving } from "./saving.js";
import { Speakers } from "./speakers.js";
import { Status } from "./status.js";
import { Machine } from "./words.js";

export class Workplace {
  /**
   * @param {HTMLElement} root
   * @param {{api: import("../api.js").Api, base: string, shared: boolean, about: any, words: any, correction: any,
   *   drafts: string}} what `drafts`: under which name the browser keeps what is not saved
   */
  constructor(root, { api, base, shared, about, words, correction, drafts }) {
    Object.assign(this, { root, api, base, shared, about });
    this.mayCorrect = !shared || about.right === "correct";
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
    this.text.listeners.push(() => this.#shown());
    this.editing = new Editing(this.column, this.text);
    if (this.mayCorrect) {
      this.saving = new Saving({ api, base, text: this.text, drafts: new Drafts(drafts), correction });
      this.status = new Status(at(".saving"), at(".conflicts"), this.saving, this.speakers);
      this.saving.addEventListener("change", () => this.#kept());
      this.saving.restore().then((isRestored) => this.#restored(isRestored));
    }
    at(".column").addEventListener("click", (event) => this.#clicked(event));
    at(".column").addEventListener("dblclick", (event) => this.#opened(event));
    this.following.addEventListener("change", () => this.draw());
    this.player.addEventListener("ready", () => at(".picture").replaceChildren(...[this.player.media].filter(Boolean)));
    this.player.open();
  }

  close() {
    this.saving?.close();
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
        <p class="hint">${this.#ends()}</p>
        <div class="tools" role="toolbar" aria-label=${t("transcript.tools")}>${this.#tools()}</div>
        <p class="saving" role="status"></p>
        <div class="conflicts"></div>
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

  /** Lets the text be edited, or only read. */
  correct(isOn) {
    this.column.open(isOn);
    this.marks.draw();
    this.draw();
  }

  #tools() {
    const isOpen = this.column?.isOpen ?? false;
    return this.mayCorrect
      ? html`
          <button class="small" aria-pressed=${isOpen ? "true" : "false"} @click=${() => this.correct(!isOpen)}>
            ${t("transcript.correct")}
          </button>
          <button class="small" ?disabled=${!this.text.canUndo} @click=${() => this.editing.undo()}>${t("edit.undo")}</button>
          <button class="small" ?disabled=${!this.text.canRedo} @click=${() => this.editing.redo()}>${t("edit.redo")}</button>
        `
      : nothing;
  }

  #ends() {
    const { about, shared } = this;
    const ends = this.saving?.expiresAt ?? about.expires_at;
    const told = ends ? t("transcript.ends", { day: day(ends) }) : "";
    return shared ? `${t("transcript.shared", { day: day(about.ends_at) })}. ${told}` : told;
  }

  #shown() {
    this.column.draw();
    this.following.refresh();
    this.draw();
  }

  #kept() {
    if (this.saving.expiresAt) {
      this.draw();
    }
  }

  #restored(isRestored) {
    if (isRestored) {
      this.status.remark = t("saving.restored");
      this.status.draw();
      this.correct(true);
    }
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

  /** In a text that is being corrected, a click chooses the place, and the person goes on as she was. */
  #playWord(id, place) {
    const word = this.text.table(id).words[Math.max(0, place)];
    if (word && this.column.isOpen) {
      this.player.seek(word.start);
    } else if (word) {
      this.player.playFrom(word.start);
      this.following.goBack();
    }
  }

  #opened(event) {
    const at = this.mayCorrect && !this.column.isOpen && this.column.at(event.clientX, event.clientY);
    if (at) {
      this.player.media?.pause();
      this.correct(true);
      this.column.select(at.id, at.at);
    }
  }
}
