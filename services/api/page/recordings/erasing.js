/** Asks whether a recording is to be erased, erases it, and shows the receipt. */

import { passed, Refusal } from "../api.js";
import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { html, nothing, render } from "../vendor/lit-html.js";

const MOST_TRIES = 3;
const TRY_AGAIN_MS = 500;
const KINDS = ["recording", "results", "work", "records"];
/** What the API says that ends by itself, by how its words begin. */
const AGING = { "point-in-time": "backups", logs: "logs", announcements: "announcements", idempotency: "ids", "this receipt": "receipt" };

/**
 * @param {HTMLElement} root where the dialog is drawn
 * @param {import("../api.js").Api} api
 * @param {any} job
 * @returns {Promise<boolean>} resolved when the dialog is closed: whether the job is erased
 */
export function erasing(root, api, job) {
  let state = { receipt: null, trouble: null, isBusy: false };
  return new Promise((resolve) => {
    const draw = (change) => {
      state = { ...state, ...change };
      render(dialog(job, state, erase, close), root);
    };
    const erase = async () => {
      draw({ isBusy: true, trouble: null });
      try {
        draw({ receipt: await erased(api, job.job_id), isBusy: false });
        root.querySelector("h2").focus();
      } catch (error) {
        draw({ trouble: error, isBusy: false });
      }
    };
    const close = () => root.querySelector("dialog").close();
    draw({});
    const shown = root.querySelector("dialog");
    shown.addEventListener("close", () => {
      render(nothing, root);
      resolve(state.receipt !== null);
    });
    shown.showModal();
  });
}

/** Erases; returns the receipt. It may be repeated, so it is where a machine has changed the job at the same moment. */
async function erased(api, id) {
  for (let tries = 0; ; tries++) {
    try {
      return (await api.send("DELETE", `api/jobs/${id}`)).body;
    } catch (error) {
      if (!(error instanceof Refusal && error.code === "CONFLICT") || tries === MOST_TRIES) {
        throw error;
      }
      await passed(TRY_AGAIN_MS);
    }
  }
}

function dialog(job, { receipt, trouble, isBusy }, erase, close) {
  const name = html`<bdi>${job.file_name}</bdi>`;
  return html`
    <dialog aria-labelledby="erase-title">
      <article>
        <h2 id="erase-title" tabindex="-1">${t(receipt ? "erase.done" : "erase.title")}</h2>
        <p class="title">${name}</p>
        ${receipt ? told(receipt) : html`<p>${t("erase.what")}</p>`}
        ${trouble ? html`<p class="wrong" role="alert">${sentence(trouble)}</p>` : nothing}
        <footer class="actions">
          ${receipt
            ? nothing
            : html`<button class="danger" ?disabled=${isBusy} aria-busy=${isBusy ? "true" : nothing} @click=${erase}>
                ${t("erase.button")}
              </button>`}
          <button class="secondary" autofocus @click=${close}>${t(receipt ? "erase.close" : "erase.keep")}</button>
        </footer>
      </article>
    </dialog>
  `;
}

function told({ removed, ages_out: aging, final, job_id: id }) {
  const counts = KINDS.filter((kind) => removed[kind]);
  return html`
    <p>${t("erase.removed")}</p>
    <ul>
      ${counts.map((kind) => html`<li>${t(`erase.${kind}`, { n: removed[kind] })}</li>`)}
    </ul>
    ${final ? nothing : html`<p>${t("erase.later")}</p>`}
    <details>
      <summary>${t("erase.aging")}</summary>
      <ul>
        ${aging.map(({ what, days }) => html`<li>${named(what)}: ${days === null ? "?" : t("erase.days", { n: days })}</li>`)}
      </ul>
      <p class="hint">${id}</p>
    </details>
  `;
}

function named(what) {
  const known = Object.entries(AGING).find(([beginning]) => what.startsWith(beginning));
  return known ? t(`aging.${known[1]}`) : what;
}
