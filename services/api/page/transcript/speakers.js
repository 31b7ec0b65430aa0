/** Who speaks: names for people, and a colour for each. */

import { t } from "../texts.js";

const COLOURS = 8;
/** So many speakers have names in the service. */
export const MOST_SPEAKERS = 50;

export class Speakers {
  /**
   * @param {{speakers_asked: boolean, names: (string | null)[], segments: {channel: number}[]}} answer of `…/words`
   * @param {import("./document.js").Document} text
   * @param {import("./words.js").Machine} machine
   */
  constructor(answer, text, machine) {
    this.areAsked = answer.speakers_asked;
    this.names = [...answer.names];
    this.found = answer.speakers.length;
    this.text = text;
    this.channels = answer.segments.some(({ channel }) => channel > 0)
      ? answer.segments.map(({ channel }) => channel)
      : [];
    this.machine = machine;
  }

  /** Who says a paragraph; null: not known. Where speakers were not told apart, channels are. */
  of({ speaker, home }) {
    if (this.areAsked || this.channels.length === 0) {
      return speaker;
    }
    return this.channels[this.machine.places.get(home.first) ?? this.channels.length - 1];
  }

  /** Everybody: whom the machine found, who has a name, and who says something. */
  get all() {
    const said = this.text.paragraphs.map((one) => (this.of(one) ?? -1) + 1);
    const count = Math.min(MOST_SPEAKERS, Math.max(this.found, this.names.length, ...new Set(said)));
    return Array.from({ length: count }, (_, speaker) => speaker);
  }

  /** What people call a speaker; empty for nobody. */
  name(speaker) {
    return speaker === null ? "" : (this.names[speaker] ?? this.#unnamed(speaker));
  }

  /** It is asked for each paragraph, and making it takes long. */
  #unnamed(speaker) {
    this.#made[speaker] ??= t("speaker.number", { number: String(speaker + 1) });
    return this.#made[speaker];
  }

  #made = [];

  /** Which of the colours is the speaker's. */
  colour(speaker) {
    return speaker % COLOURS;
  }

  /** The names with another one in its place, as the service takes them; an empty name takes it away. */
  renamed(speaker, name) {
    const names = Array.from({ length: Math.max(this.names.length, speaker + 1) }, (_, at) => this.names[at] ?? null);
    names[speaker] = name.trim() || null;
    while (names.length > 0 && names.at(-1) === null) {
      names.pop();
    }
    return names;
  }
}
