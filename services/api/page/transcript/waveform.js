/**
 * A picture of the sound, on which a place is chosen. It is drawn twice at once, as it is before and behind the place
 * that plays; afterwards only the border between the two moves.
 */

import { t } from "../texts.js";
import { clock } from "./clock.js";
import { SKIP_SECONDS } from "./player.js";

const HEIGHT = 48;
const GZIP = [0x1f, 0x8b];
const PAGE_SECONDS = 60;

export class Waveform {
  /**
   * @param {HTMLElement} root
   * @param {import("./player.js").Player} player
   * @param {number} duration seconds
   */
  constructor(root, player, duration) {
    Object.assign(this, { root, player, duration });
    /** @type {Uint8Array | null} */
    this.peaks = null;
    this.ending = new AbortController();
    this.layers = ["rest", "played"].map((name) =>
      Object.assign(document.createElement("canvas"), { className: name }),
    );
    root.append(...this.layers);
    const listen = (name, act) => root.addEventListener(name, act);
    listen("pointerdown", (event) => this.#pressed(event));
    listen("pointermove", (event) => root.hasPointerCapture(event.pointerId) && this.#seek(event));
    listen("keydown", (event) => this.#key(event));
    const { signal } = this.ending;
    player.addEventListener("moved", () => this.tick(), { signal });
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(root);
    this.colours = matchMedia("(prefers-color-scheme: dark)");
    this.colours.addEventListener("change", () => this.draw(), { signal });
    root.setAttribute("aria-label", t("player.place"));
    root.setAttribute("aria-valuemin", "0");
    root.setAttribute("aria-valuemax", String(Math.round(duration)));
    this.tick();
  }

  close() {
    this.ending.abort();
    this.sizes.disconnect();
  }

  /** Gets the peaks; without them there is a line. */
  async load() {
    const link = this.player.recording?.peaks;
    if (!link) {
      return;
    }
    try {
      const reply = await fetch(link.url, {
        credentials: "omit",
        referrerPolicy: "no-referrer",
        signal: this.ending.signal,
      });
      if (reply.ok) {
        this.peaks = await unpacked(new Uint8Array(await reply.arrayBuffer()));
        this.draw();
      }
    } catch {
      // The place can be chosen without a picture.
    }
  }

  /** Moves the border to where it plays. */
  tick() {
    const { time } = this.player;
    const share = this.duration ? Math.min(1, time / this.duration) : 0;
    this.layers[1].style.clipPath = `inset(0 ${((1 - share) * 100).toFixed(3)}% 0 0)`;
    const second = Math.floor(time);
    if (second !== this.second) {
      this.second = second;
      this.root.setAttribute("aria-valuenow", String(second));
      this.root.setAttribute("aria-valuetext", t("player.at", { now: clock(time), end: clock(this.duration) }));
    }
  }

  draw() {
    const width = Math.floor(this.root.clientWidth * devicePixelRatio);
    const height = Math.floor(HEIGHT * devicePixelRatio);
    if (width === 0) {
      return;
    }
    const heights = columns(this.peaks, Math.max(1, Math.floor(width / (2 * devicePixelRatio))));
    const style = getComputedStyle(this.root);
    this.layers.forEach((canvas, place) => {
      Object.assign(canvas, { width, height });
      const context = canvas.getContext("2d");
      context.fillStyle = style.getPropertyValue(place === 0 ? "--wave" : "--wave-played");
      const step = width / heights.length;
      heights.forEach((share, column) => {
        const tall = Math.max(devicePixelRatio, share * height);
        context.fillRect(column * step, (height - tall) / 2, step * 0.75, tall);
      });
    });
  }

  #pressed(event) {
    if (event.button === 0) {
      this.root.setPointerCapture(event.pointerId);
      this.#seek(event);
    }
  }

  #seek({ clientX }) {
    const { left, width } = this.root.getBoundingClientRect();
    this.player.seek(((clientX - left) / width) * this.duration);
  }

  #key(event) {
    const steps = {
      ArrowLeft: -SKIP_SECONDS,
      ArrowDown: -SKIP_SECONDS,
      ArrowRight: SKIP_SECONDS,
      ArrowUp: SKIP_SECONDS,
      PageDown: -PAGE_SECONDS,
      PageUp: PAGE_SECONDS,
      Home: -Infinity,
      End: Infinity,
    };
    const step = event.ctrlKey || event.altKey || event.metaKey ? undefined : steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      this.player.seek(Math.min(this.duration, Math.max(0, this.player.time + step)));
    }
  }
}

/** The loudest sample of each column, from 0 to 1. */
function columns(peaks, count) {
  return Array.from({ length: count }, (_, column) => {
    if (!peaks?.length) {
      return 0;
    }
    const from = Math.floor((column * peaks.length) / count);
    const to = Math.max(from + 1, Math.floor(((column + 1) * peaks.length) / count));
    let most = 0;
    for (let at = from; at < to; at += 1) {
      most = Math.max(most, peaks[at]);
    }
    return most / 255;
  });
}

/** Browsers unpack what says that it is packed; if it does not say it, it is done here. */
async function unpacked(bytes) {
  if (!GZIP.every((byte, place) => bytes[place] === byte)) {
    return bytes;
  }
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
