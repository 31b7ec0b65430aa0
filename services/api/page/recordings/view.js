/** Recordings: dropped, sent, watched, and what can be done with each. */

import "./texts.js";
import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { repeat } from "../vendor/directives/repeat.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { erasing } from "./erasing.js";
import { whenDropped } from "./files.js";
import { Jobs } from "./jobs.js";
import { Options } from "./options.js";
import { jobRow, uploadRow } from "./rows.js";

const FILTERS = {
  all: [],
  open: ["awaiting_upload", "queued", "running"],
  completed: ["completed"],
  failed: ["failed", "expired"],
  canceled: ["canceled"],
};
/** How long after the last letter a search begins. */
const TYPED_MS = 300;
/** Containers that some systems do not know as sound or film. */
const ACCEPT = "audio/*,video/*,.mxf,.caf,.w64,.wv,.tta,.amr,.opus,.ac3";

/**
 * @param {HTMLElement} root
 * @param {{api: import("../api.js").Api, uploads: import("./uploads.js").Uploads}} wanted
 * @returns {() => void} closes it
 */
export function open(root, { api, uploads }) {
  const view = new View(root, api, uploads);
  return () => view.close();
}

class View {
  constructor(root, api, uploads) {
    this.root = root;
    this.api = api;
    this.uploads = uploads;
    this.jobs = new Jobs(api);
    this.options = new Options(() => this.draw());
    /** Why the last action on a job did not work, by its id. */
    this.troubles = new Map();
    this.said = "";
    this.ending = new AbortController();
    this.frame = 0;
    this.#listen();
    this.draw();
    this.jobs.refresh();
    this.#readVocabularies();
  }

  close() {
    this.ending.abort();
    this.jobs.close();
    cancelAnimationFrame(this.frame);
    clearTimeout(this.typing);
    render(nothing, this.root);
  }

  #listen() {
    const signal = this.ending.signal;
    const soon = () => {
      cancelAnimationFrame(this.frame);
      this.frame = requestAnimationFrame(() => this.draw());
    };
    this.jobs.addEventListener("change", soon, { signal });
    this.jobs.addEventListener("ended", ({ detail }) => this.#say(detail), { signal });
    this.uploads.addEventListener("change", soon, { signal });
    this.uploads.addEventListener("done", () => this.#forgetDone(), { signal });
    whenDropped((files) => this.uploads.add(files, this.options.toJson()), signal);
    this.#forgetDone();
  }

  #chosen(event) {
    this.uploads.add([...event.target.files], this.options.toJson());
    // The same file may be chosen again.
    event.target.value = "";
  }

  /** What is sent is shown among the jobs, once the list has it. */
  async #forgetDone() {
    const done = this.uploads.all.filter((one) => one.state === "done");
    if (done.length) {
      await this.jobs.refresh();
      done.forEach((one) => this.uploads.remove(one));
    }
  }

  async #readVocabularies() {
    try {
      const { body } = await this.api.get("api/vocabularies", { signal: this.ending.signal });
      this.options.vocabularies = body.vocabularies.map((one) => one.name);
      this.draw();
    } catch {
      // Without their names, none can be chosen.
    }
  }

  #say(job) {
    this.said = t("list.ended", { name: job.file_name, stage: t(`job.${job.status}`) });
  }

  async #act(job, acting) {
    this.troubles.delete(job.job_id);
    try {
      const { body } = await acting();
      this.jobs.put(job.job_id, body);
      this.draw();
      // The button that was pressed is gone.
      this.root.querySelector(`[data-job="${job.job_id}"]`)?.focus();
      this.jobs.refresh();
    } catch (error) {
      this.troubles.set(job.job_id, error);
      this.draw();
    }
  }

  async #erase(job) {
    if (await erasing(this.root.querySelector(".dialogs"), this.api, job)) {
      this.jobs.put(job.job_id, null);
      this.root.querySelector("#jobs-title").focus();
    }
  }

  #typed(event) {
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.#filter({ words: event.target.value.trim().slice(0, 100) }), TYPED_MS);
  }

  #filter(change) {
    return this.jobs.choose({ ...this.jobs.filter, ...change });
  }

  async #more() {
    try {
      await this.jobs.more();
    } catch (error) {
      this.jobs.error = error;
      this.draw();
    }
  }

  draw() {
    const uploads = this.uploads.all.filter((one) => one.state !== "done");
    render(
      html`
        <h1>${t("list.title")}</h1>
        ${this.#dropping()} ${this.options.template()}
        ${uploads.length ? this.#sending(uploads) : nothing}
        <section aria-labelledby="jobs-title">
          <h2 id="jobs-title" tabindex="-1">${t("list.jobs")}</h2>
          ${this.#filters()} ${this.#list()}
        </section>
        <p class="unseen" role="status">${this.said}</p>
        <div class="dialogs"></div>
      `,
      this.root,
    );
  }

  #dropping() {
    return html`
      <label class="drop">
        <strong>${t("drop.title")}</strong>
        <span class="hint">${t("drop.hint")}</span>
        <span class="choose">${t("drop.choose")}</span>
        <input
          class="unseen"
          type="file"
          multiple
          accept=${ACCEPT}
          @change=${(event) => this.#chosen(event)}
        />
      </label>
    `;
  }

  #sending(uploads) {
    const act = { retry: (one) => this.uploads.retry(one), remove: (one) => this.uploads.remove(one) };
    return html`
      <section aria-labelledby="uploads-title">
        <h2 id="uploads-title">${t("list.uploads")}</h2>
        <ul class="rows" role="list">
          ${repeat(
            uploads,
            (one) => one,
            (one) => uploadRow(one, act),
          )}
        </ul>
      </section>
    `;
  }

  #filters() {
    const choose = (event) => this.#filter({ statuses: FILTERS[event.target.value] });
    return html`
      <search class="filters">
        <input
          type="search"
          maxlength="100"
          aria-label=${t("list.search")}
          placeholder=${t("list.search")}
          @input=${(event) => this.#typed(event)}
        />
        <select aria-label=${t("list.filter")} @change=${choose}>
          ${Object.keys(FILTERS).map((name) => html`<option value=${name}>${t(`list.${name}`)}</option>`)}
        </select>
      </search>
    `;
  }

  #list() {
    const { all, next, isLoaded, error, filter } = this.jobs;
    const sending = new Set(this.uploads.all.map((one) => one.state !== "done" && one.job));
    const shown = all.filter((job) => !sending.has(job.job_id));
    const act = {
      cancel: (job) => this.#act(job, () => this.api.send("POST", `api/jobs/${job.job_id}/cancel`)),
      retry: (job) => this.#act(job, () => this.api.send("POST", `api/jobs/${job.job_id}/retry`)),
      erase: (job) => this.#erase(job),
    };
    const isFiltered = filter.words || filter.statuses.length;
    return html`
      ${error ? html`<p class="wrong" role="alert">${sentence(error)}</p>` : nothing}
      ${isLoaded || error ? nothing : html`<p aria-busy="true">${t("list.loading")}</p>`}
      ${isLoaded && !shown.length ? html`<p class="hint">${t(isFiltered ? "list.none" : "list.empty")}</p>` : nothing}
      <ul class="rows" role="list">
        ${repeat(
          shown,
          (job) => job.job_id,
          (job) => jobRow(job, act, this.troubles.get(job.job_id)),
        )}
      </ul>
      ${next ? html`<button class="secondary" @click=${() => this.#more()}>${t("list.more")}</button>` : nothing}
    `;
  }
}
