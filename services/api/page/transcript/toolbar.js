/** The tools above the text. */

import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { FORMATS, download } from "./downloads.js";
import { KEYS } from "./keys.js";

/** What it does by a key's name, with its first key. */
function titled(act) {
  return `${t(`key.${act}`)} (${KEYS[act][0]})`;
}

export class Toolbar {
  /**
   * @param {HTMLElement} root
   * @param {import("./workplace.js").Workplace} workplace
   */
  constructor(root, workplace) {
    Object.assign(this, { root, workplace });
    this.trouble = null;
    this.draw();
  }

  draw() {
    const { mayCorrect, shared, doubts, sharing } = this.workplace;
    const { count } = doubts;
    render(
      html`
        ${mayCorrect ? this.#correcting() : nothing}
        <button class="small" ?disabled=${count === 0} title=${titled("nextDoubt")} @click=${() => doubts.go(1)}>
          ${count ? t("doubt.next", { count }) : t("doubt.none")}
        </button>
        ${this.#downloads()}
        ${shared ? nothing : html`<button class="small" @click=${() => sharing.open()}>${t("share.button")}</button>`}
        ${this.#keys()}
        ${this.trouble ? html`<span class="wrong" role="alert">${sentence(this.trouble)}</span>` : nothing}
      `,
      this.root,
    );
  }

  #correcting() {
    const { column, text, editing } = this.workplace;
    const isOpen = column.isOpen;
    return html`
      <button
        class="small"
        aria-pressed=${isOpen ? "true" : "false"}
        title=${titled("correct")}
        @click=${() => this.workplace.correct(!isOpen)}
      >
        ${t("transcript.correct")}
      </button>
      <button class="small" ?disabled=${!text.canUndo} title=${titled("undo")} aria-label=${t("edit.undo")} @click=${() => editing.undo()}>
        ↶
      </button>
      <button class="small" ?disabled=${!text.canRedo} title=${titled("redo")} aria-label=${t("edit.redo")} @click=${() => editing.redo()}>
        ↷
      </button>
    `;
  }

  #downloads() {
    return html`
      <button class="small" popovertarget="downloads">${t("download.button")}</button>
      <div id="downloads" class="menu" popover>
        ${FORMATS.map((form) => html`<button class="quiet" @click=${() => this.#download(form)}>${t(`download.${form}`)}</button>`)}
      </div>
    `;
  }

  #keys() {
    return html`
      <button class="small" popovertarget="keys">${t("keys.button")}</button>
      <div id="keys" class="menu" popover>
        <dl>
          ${Object.entries(KEYS).map(
            ([act, keys]) =>
              html`<dt>${keys.filter(isShown).join(", ")}</dt>
                <dd>${t(`key.${act}`)}</dd>`,
          )}
        </dl>
      </div>
    `;
  }

  async #download(form) {
    const { api, base, about, saving } = this.workplace;
    this.root.querySelector("#downloads").hidePopover();
    this.trouble = null;
    try {
      await saving?.save();
      await download(api, base, form, about.file_name);
    } catch (error) {
      this.trouble = error;
    }
    this.draw();
  }
}

function isShown(key) {
  return !key.startsWith("Media");
}
