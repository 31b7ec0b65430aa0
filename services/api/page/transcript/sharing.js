/** Links for others: made, listed and taken back. */

import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { day } from "./clock.js";

const DAYS = [1, 7, 30, 90];

export class Sharing {
  /**
   * @param {HTMLElement} root where the dialog is put
   * @param {import("../api.js").Api} api
   * @param {string} base
   */
  constructor(root, api, base) {
    Object.assign(this, { root, api, base });
    this.shares = [];
    this.made = null;
    this.trouble = null;
    this.isCopied = false;
  }

  /** Shows the dialog. */
  async open() {
    this.made = null;
    this.isCopied = false;
    this.#draw();
    this.root.querySelector("dialog").showModal();
    await this.#tried(() => this.#list());
  }

  async #list() {
    this.shares = (await this.api.get(`${this.base}/shares`)).body.shares;
  }

  async #create(event) {
    event.preventDefault();
    const form = new FormData(event.target);
    const wanted = { right: form.get("right"), days: Number(form.get("days")) };
    const label = String(form.get("label")).trim();
    await this.#tried(async () => {
      const { body } = await this.api.send("POST", `${this.base}/shares`, label ? { ...wanted, label } : wanted);
      this.made = body.url ?? `${location.origin}${location.pathname}#share=${body.token}`;
      this.isCopied = false;
      await this.#list();
    });
  }

  #remove(share) {
    return this.#tried(async () => {
      await this.api.send("DELETE", `${this.base}/shares/${share.share_id}`);
      this.made = null;
      await this.#list();
    });
  }

  async #copy() {
    await navigator.clipboard.writeText(this.made).then(
      () => (this.isCopied = true),
      () => this.root.querySelector("[name=link]").select(),
    );
    this.#draw();
  }

  async #tried(act) {
    this.trouble = null;
    try {
      await act();
    } catch (error) {
      this.trouble = error;
    }
    this.#draw();
  }

  #draw() {
    const close = () => this.root.querySelector("dialog").close();
    render(
      html`
        <dialog aria-labelledby="share-title">
          <article>
            <h2 id="share-title">${t("share.title")}</h2>
            <p class="hint">${t("share.what")}</p>
            ${this.trouble ? html`<p class="wrong" role="alert">${sentence(this.trouble)}</p>` : nothing}
            <form @submit=${(event) => this.#create(event)}>
              <label
                >${t("share.right")}
                <select name="right">
                  <option value="read">${t("share.read")}</option>
                  <option value="correct">${t("share.correct")}</option>
                </select>
              </label>
              <label
                >${t("share.days")}
                <select name="days">
                  ${DAYS.map((n) => html`<option value=${n} ?selected=${n === 7}>${t("share.day", { n })}</option>`)}
                </select>
              </label>
              <label>${t("share.label")} <input name="label" maxlength="80" autocomplete="off" /></label>
              <button>${t("share.create")}</button>
            </form>
            ${this.made ? this.#new() : nothing}
            ${
              this.shares.length
                ? html`<h3>${t("share.list")}</h3>
                    <ul class="shares">
                      ${this.shares.map((share) => this.#row(share))}
                    </ul>`
                : nothing
            }
            <p class="actions"><button class="small" @click=${close}>${t("share.close")}</button></p>
          </article>
        </dialog>
      `,
      this.root,
    );
  }

  #new() {
    return html`
      <label
        >${t("share.link")} <input name="link" readonly .value=${this.made} @focus=${(event) => event.target.select()}
      /></label>
      <p class="actions">
        <button class="small" @click=${() => this.#copy()}>${t("share.copy")}</button>
        <span role="status">${this.isCopied ? t("share.copied") : t("share.once")}</span>
      </p>
    `;
  }

  #row(share) {
    const name = share.label ?? t("share.unnamed");
    return html`<li>
      <bdi>${name}</bdi>: ${t(`share.${share.right}`)}, ${t("share.until", { day: day(share.ends_at) })}
      <button class="small" aria-label=${t("share.remove.of", { name })} @click=${() => this.#remove(share)}>
        ${t("share.remove")}
      </button>
    </li>`;
  }
}
