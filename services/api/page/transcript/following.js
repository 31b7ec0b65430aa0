/** The text follows the sound: the word being said is marked and kept in view, until the person looks elsewhere. */

/** The part of the window in which the spoken word is left where it is, from its upper edge. */
const CALM = { from: 0.15, to: 0.65 };
/** Where it is put otherwise. */
const PLACE = 0.3;
/** For so long after our own scrolling, what scrolls is not the person, unless a wheel, a finger or a key does it. */
const OURS_MS = 1_000;

/** Tells by `change` that it follows, or does not any more. */
export class Following extends EventTarget {
  /**
   * @param {import("./player.js").Player} player
   * @param {import("./column.js").Column} column
   * @param {import("./marks.js").Marks} marks
   */
  constructor(player, column, marks) {
    super();
    Object.assign(this, { player, column, marks });
    this.isOn = true;
    /** @type {{id: number, place: number} | null} the word being said */
    this.word = null;
    this.scrolled = -OURS_MS;
    this.ending = new AbortController();
    const { signal } = this.ending;
    player.addEventListener("moved", () => this.tick(), { signal });
    player.addEventListener("change", () => this.#run(), { signal });
    for (const name of ["wheel", "touchmove", "keydown"]) {
      addEventListener(name, () => (this.scrolled = -OURS_MS), { signal, passive: true });
    }
    addEventListener("scroll", () => this.#left(), { signal, passive: true });
    this.refresh();
  }

  close() {
    this.ending.abort();
    cancelAnimationFrame(this.frame);
  }

  /** The text is another: where its paragraphs begin is looked up anew. */
  refresh() {
    const { text } = this.column;
    const spoken = text.paragraphs.filter(({ id }) => text.table(id).words.length > 0);
    const start = ({ id }) => text.table(id).words[0].start;
    // Who speak at once are told one after the other.
    this.order = spoken.sort((one, other) => start(one) - start(other));
    this.starts = this.order.map(start);
    this.word = null;
    this.tick();
  }

  /** Goes back to where it plays. */
  goBack() {
    this.#set(true);
    this.#keepInView(true);
  }

  /** The person is led elsewhere. */
  pause() {
    this.#set(false);
  }

  /** Marks the word that is said now. */
  tick() {
    const now = this.#wordAt(this.player.time);
    if (now?.id === this.word?.id && now?.place === this.word?.place) {
      return;
    }
    this.word = now;
    this.marks.say(now?.id, now && this.column.text.table(now.id).words[now.place]);
    if (this.isOn && this.player.isPlaying) {
      this.#keepInView();
    }
  }

  #run() {
    cancelAnimationFrame(this.frame);
    if (this.player.isPlaying) {
      this.player.again();
      this.tick();
      this.frame = requestAnimationFrame(() => this.#run());
    }
  }

  /** The last word that has begun. */
  #wordAt(time) {
    const at = lastNotAfter(this.starts, time + 0.02, (start) => start);
    if (at < 0 || (time === 0 && !this.player.isPlaying)) {
      return null;
    }
    const { id } = this.order[at];
    const place = lastNotAfter(this.column.text.table(id).words, time + 0.02, ({ start }) => start);
    return { id, place: Math.max(0, place) };
  }

  #box() {
    if (!this.word) {
      return null;
    }
    const { from, to } = this.column.text.table(this.word.id).words[this.word.place];
    return this.column.box(this.word.id, from, to);
  }

  #keepInView(always = false) {
    const box = this.#box();
    if (!box || (!always && box.top >= innerHeight * CALM.from && box.bottom <= innerHeight * CALM.to)) {
      return;
    }
    this.scrolled = performance.now();
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    scrollBy({ top: box.top - innerHeight * PLACE, behavior: isCalm ? "instant" : "smooth" });
  }

  /** The person scrolls: if the spoken word is out of sight then, it is not followed any more. */
  #left() {
    if (!this.isOn || !this.player.isPlaying || performance.now() - this.scrolled < OURS_MS) {
      return;
    }
    const box = this.#box();
    if (box && (box.bottom < 0 || box.top > innerHeight)) {
      this.#set(false);
    }
  }

  #set(isOn) {
    if (this.isOn !== isOn) {
      this.isOn = isOn;
      this.dispatchEvent(new Event("change"));
    }
  }
}

/** The place of the last entry whose number is not beyond a limit, or -1; the numbers rise. */
function lastNotAfter(entries, limit, number) {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (number(entries[middle]) <= limit) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}
