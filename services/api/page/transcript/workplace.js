/** All that works on one transcript, put together: text, sound, marks, saving. */

import { t } from "../texts.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { Assigning } from "./assigning.js";
import { back } from "./back.js";
import { day } from "./clock.js";
import { Column } from "./column.js";
import { Controls } from "./controls.js";
import { Document } from "./document.js";
import { Doubts } from "./doubts.js";
import { Drafts } from "../drafts.js";
import { Editing } from "./editing.js";
import { Find } from "./find.js";
import { Following } from "./following.js";
import { listen } from "./keys.js";
import { Marks } from "./marks.js";
import { Player, SKIP_SECONDS } from "./player.js";
import { Saving } from "./saving.js";
import { Sharing } from "./sharing.js";
import { Speakers } from "./speakers.js";
import { Status } from "./status.js";
import { Toolbar } from "./toolbar.js";
import { Waveform } from "./waveform.js";
import { Machine } from "./words.js";

export class Workplace {
  /**
   * @param {HTMLElement} root
   * @param {{api: import("../api.js").Api, base: string, shared: boolean, about: any, words: any, correction: any,
   *   job: string, who: string}} what `job`: its id; `who`: who writes, see `fingerprint`
   */
  constructor(root, { api, base, shared, about, words, correction, job, who }) {
    Object.assign(this, { root, api, base, shared, about });
    this.mayCorrect = !shared || about.right === "correct";
    this.ending = new AbortController();
    const machine = new Machine(words);
    this.text = new Document(machine, correction.changes);
    this.speakers = new Speakers(words, this.text, machine);
    this.player = new Player(api, base);
    this.#frame();
    document.title = `${about.file_name} – ${t("page.name")}`;
    this.#read(words.language ?? "");
    this.#hear(machine.duration);
    this.#change(correction, job, who);
    this.#at(".ends").textContent = this.#ends();
    this.toolbar = new Toolbar(this.#at(".tools"), this);
    this.text.listeners.push(() => this.toolbar.draw());
    this.player.open();
  }

  close() {
    this.ending.abort();
    for (const part of [this.saving, this.column, this.following, this.marks, this.waveform, this.player]) {
      part?.close();
    }
  }

  /** Lets the text be edited, or only read. */
  correct(isOpen) {
    if (this.mayCorrect) {
      this.column.open(isOpen);
      this.toolbar.draw();
    }
  }

  #at(name) {
    return this.root.querySelector(name);
  }

  /** The places of all parts; each part draws in its own. */
  #frame() {
    const { about, shared } = this;
    render(
      html`
        ${shared ? nothing : back()}
        <h1><bdi>${about.file_name}</bdi></h1>
        <p class="hint ends"></p>
        <div class="top" role="region" aria-label=${t("transcript.tools")}>
          <div class="tools"></div>
          <div class="find" role="search"></div>
          <p class="told"><span class="saving" role="status"></span> <span class="doubt" role="status"></span></p>
        </div>
        <div class="conflicts"></div>
        <section class="column" aria-label=${t("transcript.text")}></section>
        ${this.text.paragraphs.length ? nothing : html`<p>${t("transcript.empty")}</p>`}
        <section class="player" aria-label=${t("player.name")}>
          <button class="follow" hidden @click=${() => this.following.goBack()}>${t("player.follow")}</button>
          <div class="picture"></div>
          <div class="wave" role="slider" tabindex="0"></div>
          <div class="controls"></div>
        </section>
        <div class="menu assigning" popover aria-label=${t("speaker.menu")} role="dialog"></div>
        <div class="sharing"></div>
      `,
      this.root,
    );
  }

  #ends() {
    const { about, shared } = this;
    const ends = this.saving?.expiresAt ?? about.expires_at;
    const told = ends ? t("transcript.ends", { day: day(ends) }) : "";
    return shared ? `${t("transcript.shared", { day: day(about.ends_at) })}. ${told}` : told;
  }

  #read(language) {
    const { text, speakers } = this;
    this.column = new Column(this.#at(".column"), text, speakers, language, this.mayCorrect);
    this.marks = new Marks(this.column);
    this.column.onSeen = (ids) => this.marks.draw(ids);
    this.following = new Following(this.player, this.column, this.marks);
    const follow = this.#at(".follow");
    const offer = () => (follow.hidden = this.following.isOn || !this.player.isPlaying || this.player.loop !== null);
    this.following.addEventListener("change", offer);
    this.player.addEventListener("change", offer);
    text.listeners.push(() => {
      this.column.draw();
      this.following.refresh();
      // Who writes is not led away from there by the sound that goes on.
      this.following.pause();
    });
    this.find = new Find(this.#at(".find"), text, this.column, this.marks);
    const tell = (sentence) => (this.#at(".doubt").textContent = sentence);
    this.doubts = new Doubts({ text, column: this.column, player: this.player, following: this.following, tell });
  }

  #hear(duration) {
    const { player } = this;
    this.controls = new Controls(this.#at(".controls"), player, duration);
    this.waveform = new Waveform(this.#at(".wave"), player, duration);
    player.addEventListener("ready", () => {
      this.#at(".picture").replaceChildren(...[player.media].filter(Boolean));
      this.waveform.load();
    });
    this.#at(".column").addEventListener("click", (event) => this.#clicked(event));
    this.#at(".column").addEventListener("dblclick", (event) => this.#opened(event));
    // Any key ends what is heard again and again; the one that plays and pauses does nothing else then.
    listen(this.#acts(), () => (this.hasStopped = this.doubts.stop()), this.ending.signal);
  }

  #change(correction, job, who) {
    const { api, base, text, column, speakers } = this;
    this.editing = new Editing(column, text);
    this.sharing = new Sharing(this.#at(".sharing"), api, base);
    this.assigning = new Assigning(this.#at(".assigning"), { api, base, text, column, speakers });
    if (this.mayCorrect) {
      this.saving = new Saving({ api, base, text, drafts: new Drafts(job, who), correction });
      this.status = new Status(this.#at(".saving"), this.#at(".conflicts"), this.saving, speakers);
      this.saving.addEventListener("change", () => (this.#at(".ends").textContent = this.#ends()));
      // Where the line breaks meanwhile, the draft stays where it is until the text is opened the next time.
      this.saving.restore().then((isRestored) => isRestored && this.#restored(), () => {});
    }
  }

  #restored() {
    this.status.remark = t("saving.restored");
    this.status.draw();
    this.correct(true);
  }

  #acts() {
    const { player, doubts } = this;
    return {
      toggle: () => this.hasStopped || player.toggle(),
      back: () => player.skip(-SKIP_SECONDS),
      forward: () => player.skip(SKIP_SECONDS),
      nextDoubt: () => doubts.go(1),
      previousDoubt: () => doubts.go(-1),
      confirm: () => this.mayCorrect && doubts.confirm(),
      here: (event) => this.#playHere(event),
      correct: () => this.correct(!this.column.isOpen),
      speaker: () => this.#assign(),
      find: () => this.find.focus(),
      undo: () => (this.column.isOpen && !isField() ? this.editing.undo() : false),
      redo: () => (this.column.isOpen && !isField() ? this.editing.redo() : false),
    };
  }

  #assign(id = this.column.selection()?.id ?? this.column.stop) {
    return this.mayCorrect && id !== undefined ? this.assigning.open(id) : false;
  }

  /** A click on a word plays from there, one on a time from its paragraph, and one on a name opens its menu. */
  #clicked({ target, clientX, clientY }) {
    const id = Number(target.dataset.id);
    if (target.closest(".who")) {
      this.#assign(id);
    } else if (target.closest(".time")) {
      this.#play(id, 0);
    } else if (target.closest(".words") && getSelection().isCollapsed) {
      const at = this.column.at(clientX, clientY);
      // In a text that is being corrected, a click chooses the place, and it plays on if it plays.
      (this.column.isOpen ? this.#seek : this.#play).call(this, id, this.#wordAt(at ?? { id, at: 0 }));
    }
  }

  /** Enter plays from a paragraph that is read, and Ctrl+Enter from the caret. */
  #playHere({ target, ctrlKey, metaKey }) {
    const words = target.closest?.(".words");
    if (!words || (this.column.isOpen && !ctrlKey && !metaKey)) {
      return false;
    }
    const caret = this.column.selection();
    const id = Number(words.dataset.id);
    return this.#play(id, this.column.isOpen && caret ? this.#wordAt({ id, at: caret.from }) : 0);
  }

  #wordAt({ id, at }) {
    return Math.max(
      0,
      this.text.table(id).words.findLastIndex(({ from }) => from <= at),
    );
  }

  #seek(id, place) {
    const word = this.text.table(id).words[place];
    this.doubts.now = null;
    if (word) {
      this.player.seek(word.start);
    }
  }

  #play(id, place) {
    this.#seek(id, place);
    this.player.play();
    this.following.goBack();
  }

  #opened({ clientX, clientY }) {
    const at = this.mayCorrect && !this.column.isOpen && this.column.at(clientX, clientY);
    if (at) {
      this.player.media?.pause();
      this.correct(true);
      this.column.select(at.id, at.at);
    }
  }
}

/** Whether the person types in a field, which has a way back of its own. */
function isField() {
  return document.activeElement?.matches("input, select, textarea");
}
