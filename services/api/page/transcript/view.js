/** The transcript of one recording: read it, listen to it, correct it. */

import "./texts.js";
import { t } from "../texts.js";
import { Drafts, fingerprint } from "../drafts.js";
import { failure } from "../troubles.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { back } from "./back.js";
import { Workplace } from "./workplace.js";

const STYLE = new URL("transcript.css", import.meta.url).href;

/**
 * @param {HTMLElement} root
 * @param {{api: import("../api.js").Api, base: string, shared: boolean, onLeave: () => void}} wanted
 * @returns {() => void} closes it
 */
export function open(root, { api, base, shared }) {
  const ending = new AbortController();
  // A share's token begins with the id of its job.
  const job = shared ? api.authorization.split(".")[0] : base.split("/").at(-1);
  /** @type {Workplace | null} */
  let workplace = null;
  const draw = (content) =>
    render(
      html`${shared ? nothing : back()}
        <h1>${t("transcript.text")}</h1>
        ${content}`,
      root,
    );
  draw(html`<p aria-busy="true">${t("transcript.loading")}</p>`);
  const writer = fingerprint(api.authorization);
  Promise.all([loaded(api, base, ending.signal), writer, styled()])
    .then(([what, who]) => {
      if (!ending.signal.aborted) {
        render(nothing, root);
        workplace = new Workplace(root, { api, base, shared, job, who, ...what });
      }
    })
    .catch(async (error) => {
      if (error.code === "NOT_FOUND") {
        Drafts.forget(job, await writer);
      }
      ending.signal.aborted || draw(failure(error, ""));
    });
  return () => {
    ending.abort();
    workplace?.close();
    render(nothing, root);
  };
}

async function loaded(api, base, signal) {
  const [about, words, correction] = await Promise.all(
    [base, `${base}/words`, `${base}/correction`].map((path) => api.get(path, { signal })),
  );
  return { about: about.body, words: words.body, correction: correction.body };
}

/** The view's own styles, once. */
function styled() {
  if (document.querySelector(`link[href="${STYLE}"]`)) {
    return undefined;
  }
  const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: STYLE });
  const there = new Promise((resolve) => {
    link.onload = resolve;
    link.onerror = resolve;
  });
  document.head.append(link);
  return there;
}
