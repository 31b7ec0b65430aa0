/** How one recording looks in the list: while it is sent, and from then on. */

import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { html, nothing } from "../vendor/lit-html.js";
import { about, clock, dollars, moment, share, size } from "./amounts.js";
import { explained, waitingFor } from "./explained.js";
import { hasBegun } from "./records.js";

/** Marks beside the words, so that nothing is told by colour alone. */
const MARKS = { completed: "✓", failed: "!", expired: "!", canceled: "–" };

/**
 * @param {import("./uploads.js").Upload} upload
 * @param {{retry: (upload: any) => void, remove: (upload: any) => void}} act
 */
export function uploadRow(upload, act) {
  const { file, state, bytes, error } = upload;
  const fraction = file.size ? bytes / file.size : 0;
  const told =
    state === "sending" ? t("upload.sending", { share: share(fraction), size: size(file.size) }) : t(`upload.${state}`);
  return html`
    <li class="row" data-state=${state}>
      <p class="title"><bdi>${file.name}</bdi></p>
      ${state === "failed"
        ? html`<p class="wrong">${explained(error)}</p>`
        : html`<p class="stage">${told}</p>${bar(fraction, t("upload.bar", { name: file.name }))}`}
      <p class="actions">
        ${state === "failed" ? button("upload.retry", file.name, () => act.retry(upload)) : nothing}
        ${button(state === "failed" ? "upload.dismiss" : "upload.stop", file.name, () => act.remove(upload))}
      </p>
    </li>
  `;
}

/**
 * @param {any} job as the API shows it
 * @param {{cancel: (job: any) => void, retry: (job: any) => void, erase: (job: any) => void}} act
 * @param {unknown} trouble why the last action on it did not work
 */
export function jobRow(job, act, trouble) {
  const { status, file_name: name, progress } = job;
  const isOpen = ["awaiting_upload", "queued", "running"].includes(status);
  const title = html`<bdi>${name}</bdi>`;
  return html`
    <li class="row" data-state=${status} data-job=${job.job_id} tabindex="-1">
      <p class="title">${status === "completed" ? html`<a href="#/${job.job_id}">${title}</a>` : title}</p>
      <p class="stage">
        ${status in MARKS ? html`<span class="mark" aria-hidden="true">${MARKS[status]}</span>` : nothing}
        ${stage(job)}
      </p>
      ${["queued", "running"].includes(status) ? bar(progress.fraction, t("job.bar", { name })) : nothing}
      ${job.waiting ? html`<p class="waits">${waitingFor(job.waiting)}</p>` : nothing}
      ${job.error ? html`<p class="wrong">${explained(job.error)}</p>` : nothing}
      <p class="facts">${facts(job)}</p>
      ${trouble ? html`<p class="wrong" role="alert">${sentence(trouble)}</p>` : nothing}
      <p class="actions">
        ${isOpen ? button("job.cancel", name, () => act.cancel(job)) : nothing}
        ${job.error?.retryable ? button("job.retry", name, () => act.retry(job)) : nothing}
        ${button("job.erase", name, () => act.erase(job))}
      </p>
    </li>
  `;
}

function stage({ job_id: id, status, progress }) {
  const { stage: now, queue_position: place, estimated_seconds: left, fraction } = progress;
  const key =
    now === "ended"
      ? status
      : now === "queued" && place
        ? "queued_at"
        : now === "awaiting_upload" && hasBegun(id)
          ? "broken_off"
          : now;
  const words = t(`job.${key}`, { place: place ?? "" });
  const done = now === "transcribing" && fraction ? ` ${share(fraction)}` : "";
  return left === null ? words + done : `${words}${done} · ${t("job.left", { time: about(left) })}`;
}

function facts(job) {
  const told = [
    moment(job.created_at),
    ...(job.duration ? [t("job.length", { time: clock(job.duration) })] : []),
    ...(job.cost?.dollars ? [t("job.cost", { sum: dollars(job.cost.dollars) })] : []),
    ...(job.reference ? [job.reference] : []),
  ];
  return told.map((fact, number) => html`${number ? " · " : nothing}<bdi>${fact}</bdi>`);
}

/** A bar; without a value where nobody knows how far it is. */
function bar(fraction, name) {
  return fraction === null
    ? html`<progress aria-label=${name}></progress>`
    : html`<progress aria-label=${name} max="1" .value=${fraction}></progress>`;
}

/** A button whose name says what it is about. */
function button(key, name, act) {
  return html`<button class="small" aria-label=${t(`${key}.of`, { name })} @click=${act}>${t(key)}</button>`;
}
