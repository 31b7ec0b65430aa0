/** One paragraph in the page: its text, and in the margin its time and its speaker. */

import { t } from "../texts.js";
import { clock } from "./clock.js";
import { normal } from "./words.js";

export class Turn {
  /**
   * @param {number} id of the paragraph
   * @param {string} language of what is said
   */
  constructor(id, language) {
    this.element = document.createElement("div");
    [this.who, this.time] = [button("who"), button("time")];
    this.words = document.createElement("p");
    this.element.className = "turn";
    this.words.className = "words";
    this.words.lang = language;
    this.words.dir = "auto";
    this.words.tabIndex = -1;
    this.words.append("");
    for (const element of [this.element, this.words, this.who, this.time]) {
      element.dataset.id = String(id);
    }
    this.element.append(this.who, this.time, this.words);
    /** What the margin shows, as a text: it is drawn when that is another. */
    this.told = "";
    /** @type {import("./words.js").Table | null} */
    this.table = null;
  }

  /** The text as one node of the page. */
  get node() {
    return this.words.firstChild;
  }

  /** Lets the text be edited, or not. */
  open(isOpen) {
    if (isOpen) {
      makeEditable(this.words);
      this.words.setAttribute("role", "textbox");
      this.words.setAttribute("aria-multiline", "true");
    } else {
      ["contenteditable", "role", "aria-multiline", "aria-label"].forEach((name) => this.words.removeAttribute(name));
    }
    this.told = "";
  }

  /** Shows a paragraph's text; what is being typed may have other spaces. Returns whether it is another. */
  write(table) {
    if (this.table === table) {
      return false;
    }
    this.table = table;
    const shown = this.words.textContent;
    const isTyped = document.activeElement === this.words && normal(shown) === table.text;
    if (shown !== table.text && !isTyped) {
      this.words.textContent = table.text;
    }
    return true;
  }

  /**
   * Shows whose paragraph it is, and since when.
   *
   * @param {{name: string, colour: number | null, isSame: boolean, isNamed: boolean, mayChange: boolean,
   *   isOpen: boolean}} how `isSame`: as in the paragraph before; `isNamed`: somebody has a name here
   */
  margin({ name, colour, isSame, isNamed, mayChange, isOpen }) {
    const start = this.table.words[0]?.start;
    const told = `${name} ${colour} ${isSame} ${isOpen} ${start}`;
    if (this.told === told) {
      return;
    }
    this.told = told;
    const time = start === undefined ? "" : clock(start);
    const shown = name || t("speaker.none");
    this.element.classList.toggle("begins", !isSame);
    this.element.dataset.speaker = colour === null ? "" : String(colour);
    this.who.textContent = shown;
    this.who.hidden = isSame || !isNamed;
    this.who.disabled = !mayChange;
    this.who.setAttribute("aria-label", t("speaker.of", { name: shown, time }));
    this.time.textContent = time;
    this.time.setAttribute("aria-label", t("time.play", { time }));
    if (isOpen) {
      this.words.setAttribute("aria-label", t("paragraph.of", { name: shown, time }));
    }
  }
}

function button(name) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = name;
  made.tabIndex = -1;
  return made;
}

/** Plain text alone, where the browser knows that; elsewhere what is pasted is made plain all the same. */
function makeEditable(element) {
  try {
    element.contentEditable = "plaintext-only";
  } catch {
    element.contentEditable = "true";
  }
}
