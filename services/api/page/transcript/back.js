/** The way back to the list of recordings. */

import { t } from "../texts.js";
import { html } from "../vendor/lit-html.js";

export function back() {
  return html`<nav><a href="#/">← ${t("transcript.back")}</a></nav>`;
}
