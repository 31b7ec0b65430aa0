/** Says whether everything is saved, and lets the person choose where two have written. */

import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { hour } from "./clock.js";
import { meet, paragraphsOf, tables, grouped } from "./words.js";

export class Status {
  /**
   * @param {HTMLElement} line
   * @param {HTMLElement} choices
   * @param {import("./saving.js").Saving} saving
   * @param {import("./speakers.js").Speakers} speakers
   */
  constructor(line, choices, saving, speakers) {
    Object.assign(this, { line, choices, saving, speakers });
    /** What is said once beside the state. */
    this.remark = "";
    saving.addEventListener("change", () => this.draw());
    this.draw();
  }

  draw() {
    const { saving } = this;
    const isWrong = ["offline", "refused", "conflict"].includes(saving.state);
    this.line.classList.toggle("wrong", isWrong);
    const again = html`<button class="small" @click=${() => saving.save()}>${t("saving.again")}</button>`;
    render(html`${this.remark} ${this.#told()} ${saving.state === "refused" ? again : nothing}`, this.line);
    render(
      saving.conflicts.map((conflict) => this.#choice(conflict)),
      this.choices,
    );
  }

  #told() {
    const { state, savedAt, trouble } = this.saving;
    if (state === "saved") {
      return savedAt ? t("saving.saved", { time: hour(savedAt) }) : t("saving.machine");
    }
    return t(`saving.${state}`, { why: trouble ? sentence(trouble) : "" });
  }

  #choice(conflict) {
    const settle = (isTheirs) => () => this.saving.settle(conflict, isTheirs);
    return html`
      <article class="conflict">
        <h2>${t("conflict.title")}</h2>
        <div class="versions">
          <section>
            <h3>${t("conflict.mine")}</h3>
            ${this.#version(conflict, conflict.mine)}
            <button class="small" @click=${settle(false)}>${t("conflict.keep_mine")}</button>
          </section>
          <section>
            <h3>${t("conflict.theirs")}</h3>
            ${this.#version(conflict, conflict.theirs)}
            <button class="small" @click=${settle(true)}>${t("conflict.take_theirs")}</button>
          </section>
        </div>
      </article>
    `;
  }

  #version({ home }, changes) {
    const { machine } = this.saving.text;
    const there = paragraphsOf(machine, changes).filter((one) => meet(one.home, home));
    const told = grouped(there).flatMap((group) =>
      tables(machine, group).map(({ text }, place) => ({
        text,
        name: this.speakers.name(this.speakers.of(group.paragraphs[place])),
      })),
    );
    return told.length === 0
      ? html`<p>${t("conflict.nothing")}</p>`
      : told.map(
          ({ text, name }) =>
            html`<p>${name ? html`<strong><bdi>${name}</bdi>:</strong> ` : nothing}<bdi>${text}</bdi></p>`,
        );
  }
}
