/** What the page says, in the reader's language. Each room brings its own texts with `add`. */

const KEPT = "language";
const LANGUAGES = ["sv", "en"];
/** @type {Record<string, Record<string, string>>} */
const texts = { sv: {}, en: {} };
let chosen = kept() ?? preferred();

/** The language, `sv` or `en`. */
export function language() {
  return chosen;
}

/** How numbers and dates are written: as the reader's browser says it for this language. */
export function locale() {
  return navigator.languages.find((tag) => tag.toLowerCase().startsWith(chosen)) ?? { sv: "sv-SE", en: "en-GB" }[chosen];
}

/** Speaks another language from now on, and after the next visit. The window is told by an event `textschange`. */
export function setLanguage(code) {
  chosen = code;
  localStorage.setItem(KEPT, code);
  window.dispatchEvent(new Event("textschange"));
}

/** Adds texts by their keys; `{sv: {...}, en: {...}}`. */
export function add(more) {
  for (const code of LANGUAGES) {
    Object.assign(texts[code], more[code]);
  }
}

/**
 * A text with its `{values}` filled in. Where a text has the forms `key.one` and `key.other`, the value `n` chooses one.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const form = "n" in values ? `${key}.${new Intl.PluralRules(chosen).select(Number(values.n))}` : key;
  const text = texts[chosen][form] ?? texts[chosen][key] ?? texts.en[form] ?? texts.en[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? said(values[name]) : whole));
}

/** Whether there is a text of this key. */
export function has(key) {
  return key in texts[chosen];
}

function said(value) {
  return typeof value === "number" ? new Intl.NumberFormat(locale()).format(value) : value;
}

function kept() {
  const code = localStorage.getItem(KEPT);
  return LANGUAGES.includes(code) ? code : null;
}

function preferred() {
  const spoken = navigator.languages.map((tag) => tag.slice(0, 2).toLowerCase());
  return spoken.find((code) => LANGUAGES.includes(code)) ?? "en";
}
