/** How recordings are to be transcribed: chosen once, and remembered. */

import { add, language, t } from "../texts.js";
import { html, nothing } from "../vendor/lit-html.js";

const KEPT = "options";
const DEFAULTS = { language: "sv", speakers: "off", vocabulary: "", style: "standard" };
const LANGUAGES = ["sv", "auto", "en", "nb", "da", "fi", "de", "fr", "es", "ar", "so", "fa", "pl", "uk"];
/** Where the API's code of a language is not the one that browsers know by name. */
const CODES = { nb: "no" };
const SPEAKERS = ["off", "auto", "2", "3", "4", "5", "6", "7", "8"];
const STYLES = ["standard", "subtitle", "strict"];

add({
  en: {
    "options.title": "Options",
    "options.language": "Language",
    "options.language.auto": "Find out",
    "options.speakers": "Speakers",
    "options.speakers.off": "Do not tell them apart",
    "options.speakers.auto": "Tell them apart",
    "options.speakers.count": "There are {count}",
    "options.vocabulary": "Word list",
    "options.vocabulary.none": "None",
    "options.style": "Style",
    "options.style.standard": "To read",
    "options.style.subtitle": "Subtitles: shorter",
    "options.style.strict": "Word by word",
  },
  sv: {
    "options.title": "Alternativ",
    "options.language": "Språk",
    "options.language.auto": "Ta reda på det",
    "options.speakers": "Talare",
    "options.speakers.off": "Skilj inte på dem",
    "options.speakers.auto": "Skilj på dem",
    "options.speakers.count": "De är {count}",
    "options.vocabulary": "Ordlista",
    "options.vocabulary.none": "Ingen",
    "options.style": "Stil",
    "options.style.standard": "Att läsa",
    "options.style.subtitle": "Undertexter: kortare",
    "options.style.strict": "Ord för ord",
  },
});

export class Options {
  /** @param {() => void} changed is called when something else was chosen */
  constructor(changed) {
    this.changed = changed;
    /** Names of the client's word lists. */
    this.vocabularies = /** @type {string[]} */ ([]);
    this.chosen = { ...DEFAULTS, ...kept() };
  }

  /** As the API takes them. A word list that is not there any more is left out. */
  toJson() {
    const { speakers, vocabulary, ...rest } = this.chosen;
    const count = Number(speakers);
    return {
      ...rest,
      speakers: count || speakers,
      ...(this.vocabularies.includes(vocabulary) ? { vocabulary } : {}),
    };
  }

  /** Their form. */
  template() {
    const names = new Intl.DisplayNames(language(), { type: "language" });
    const spoken = (code) => (code === "auto" ? t("options.language.auto") : capital(names.of(code)));
    const counted = (value) =>
      Number(value) ? t("options.speakers.count", { count: value }) : t(`options.speakers.${value}`);
    return html`
      <details>
        <summary>${t("options.title")}: <span class="hint">${this.#summary(spoken, counted)}</span></summary>
        <div class="options">
          ${this.#field("language", LANGUAGES, (code) => spoken(code), (code) => CODES[code] ?? code)}
          ${this.#field("speakers", SPEAKERS, counted)}
          ${this.#field("style", STYLES, (style) => t(`options.style.${style}`))}
          ${this.vocabularies.length
            ? this.#field("vocabulary", ["", ...this.vocabularies], (name) => name || t("options.vocabulary.none"))
            : nothing}
        </div>
      </details>
    `;
  }

  #summary(spoken, counted) {
    const { language: code, speakers, style, vocabulary } = this.chosen;
    const shown = LANGUAGES.find((one) => (CODES[one] ?? one) === code) ?? "sv";
    return [
      spoken(shown),
      ...(speakers === "off" ? [] : [`${t("options.speakers")}: ${counted(speakers)}`]),
      ...(style === "standard" ? [] : [t(`options.style.${style}`)]),
      ...(this.vocabularies.includes(vocabulary) ? [vocabulary] : []),
    ].join(" · ");
  }

  #field(name, values, shown, sent = (value) => value) {
    const keep = (event) => this.#keep(name, event.target.value);
    const option = (value) =>
      html`<option value=${sent(value)} ?selected=${sent(value) === this.chosen[name]}>${shown(value)}</option>`;
    return html`
      <label>${t(`options.${name}`)}<select name=${name} @change=${keep}>${values.map(option)}</select></label>
    `;
  }

  #keep(name, value) {
    this.chosen[name] = value;
    localStorage.setItem(KEPT, JSON.stringify(this.chosen));
    this.changed();
  }
}

function capital(word) {
  return word.charAt(0).toLocaleUpperCase(language()) + word.slice(1);
}

/** What was chosen before, as far as there still is such a choice. */
function kept() {
  try {
    const { language: code, speakers, vocabulary, style } = JSON.parse(localStorage.getItem(KEPT)) ?? {};
    return {
      ...(LANGUAGES.some((one) => (CODES[one] ?? one) === code) && { language: code }),
      ...(SPEAKERS.includes(speakers) && { speakers }),
      ...(STYLES.includes(style) && { style }),
      ...(typeof vocabulary === "string" && { vocabulary }),
    };
  } catch {
    return {};
  }
}
