/** The text of one recording, to be read. */

import { add, t } from "./texts.js";
import { sentence } from "./troubles.js";
import { html, nothing, render } from "./vendor/lit-html.js";

add({
  en: { "text.title": "Transcript", "text.back": "All recordings", "text.loading": "The text is on its way." },
  sv: { "text.title": "Utskrift", "text.back": "Alla inspelningar", "text.loading": "Texten är på väg." },
});

/**
 * @param {HTMLElement} root
 * @param {{api: import("./api.js").Api, base: string, shared: boolean, onLeave: () => void}} wanted
 * @returns {() => void} closes it
 */
export function open(root, { api, base, shared }) {
  const ending = new AbortController();
  const draw = (content) =>
    render(
      html`
        ${shared ? nothing : html`<nav><a href="#/">← ${t("text.back")}</a></nav>`}
        <h1>${t("text.title")}</h1>
        ${content}
      `,
      root,
    );
  draw(html`<p aria-busy="true">${t("text.loading")}</p>`);
  api
    .get(`${base}/transcript?format=txt&version=latest`, { signal: ending.signal })
    .then(async ({ body }) => draw(html`<article class="text">${await body.text()}</article>`))
    .catch((error) => ending.signal.aborted || draw(html`<p class="wrong" role="alert">${sentence(error)}</p>`));
  return () => {
    ending.abort();
    render(nothing, root);
  };
}
