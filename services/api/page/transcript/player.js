/** Plays the recording by links that end, and gets a new one when it has to. */

import { Refusal } from "../api.js";

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
export const SKIP_SECONDS = 5;
/** A link is renewed so long before it ends. */
const EARLY_MS = 60_000;
/** A link that fails sooner than this after it was got is not the trouble. */
const FRESH_MS = 5_000;

/** Tells by events: `change` (playing, speed, trouble), `moved` (another place), `ready` (there is a recording). */
export class Player extends EventTarget {
  /**
   * @param {import("../api.js").Api} api
   * @param {string} base
   */
  constructor(api, base) {
    super();
    this.api = api;
    this.base = base;
    /** @type {HTMLMediaElement | null} */
    this.media = null;
    /** @type {{url: string, video: boolean, expires_at: string, peaks: {url: string, per_second: number} | null} | null} */
    this.recording = null;
    /** Why nothing can be heard: an error, or null. */
    this.trouble = null;
    this.speed = 1;
    /** @type {{start: number, end: number} | null} what is played again and again */
    this.loop = null;
    this.ending = new AbortController();
  }

  /** Gets the first link. */
  async open() {
    await this.#renew();
    this.dispatchEvent(new Event("ready"));
  }

  close() {
    this.ending.abort();
    this.media?.pause();
    this.media?.removeAttribute("src");
    this.media?.load();
    if ("mediaSession" in navigator) {
      for (const action of ["play", "pause", "seekbackward", "seekforward", "previoustrack", "nexttrack"]) {
        navigator.mediaSession.setActionHandler(action, null);
      }
    }
  }

  get isPlaying() {
    return this.media !== null && !this.media.paused;
  }

  get time() {
    return this.wanted ?? this.media?.currentTime ?? 0;
  }

  toggle() {
    if (this.isPlaying) {
      this.media.pause();
    } else {
      this.play();
    }
  }

  async play() {
    if (this.media === null) {
      return;
    }
    if (!this.recording || Date.parse(this.recording.expires_at) - Date.now() < EARLY_MS) {
      await this.#renew();
    }
    // It is refused if the person has done nothing yet, or another place is chosen meanwhile: both are seen.
    await this.media.play().catch(() => {});
  }

  playFrom(seconds) {
    this.seek(seconds);
    return this.play();
  }

  skip(seconds) {
    this.seek(this.time + seconds);
  }

  seek(seconds) {
    if (this.media === null) {
      return;
    }
    const last = Number.isFinite(this.media.duration) ? this.media.duration : Infinity;
    const place = Math.min(Math.max(0, seconds), last);
    if (this.media.readyState === HTMLMediaElement.HAVE_NOTHING) {
      this.wanted = place;
    } else {
      this.media.currentTime = place;
    }
    this.dispatchEvent(new Event("moved"));
  }

  setSpeed(speed) {
    this.speed = speed;
    if (this.media) {
      this.media.defaultPlaybackRate = speed;
      this.media.playbackRate = speed;
    }
    this.#told();
  }

  /** Plays a part again and again, until another one is given, or null. */
  repeat(part) {
    this.loop = part;
    return part ? this.playFrom(part.start) : undefined;
  }

  async #renew() {
    try {
      const how = { signal: this.ending.signal };
      this.recording = (await this.api.get(`${this.base}/recording`, how)).body;
    } catch (error) {
      if (this.ending.signal.aborted) {
        return;
      }
      this.trouble = error;
      this.gone = error instanceof Refusal;
      this.#told();
      return;
    }
    this.trouble = null;
    this.renewed = Date.now();
    this.#load();
  }

  /** Plays by the newest link, from where it was. */
  #load() {
    const [place, goesOn] = [this.time, this.isPlaying];
    this.media ??= this.#made();
    this.media.src = this.recording.url;
    this.wanted = place;
    this.setSpeed(this.speed);
    if (goesOn) {
      this.media.play().catch(() => {});
    }
  }

  #made() {
    const media = document.createElement(this.recording.video ? "video" : "audio");
    media.preload = "metadata";
    media.playsInline = true;
    const on = (names, act) =>
      names.forEach((name) => media.addEventListener(name, act, { signal: this.ending.signal }));
    on(["loadedmetadata"], () => this.#arrive());
    on(["play", "pause", "ended", "ratechange", "durationchange"], () => this.#told());
    on(["timeupdate", "seeked"], () => this.dispatchEvent(new Event("moved")));
    on(["error"], () => this.#failed());
    on(["click"], () => this.toggle());
    this.#answerKeys();
    return media;
  }

  #arrive() {
    if (this.wanted) {
      this.media.currentTime = this.wanted;
    }
    this.wanted = undefined;
    this.#told();
  }

  /** Begins what is repeated again, if its end is reached. It is asked at each frame. */
  again() {
    const { loop } = this;
    if (loop && (this.time >= loop.end || this.time < loop.start - 1)) {
      this.media.currentTime = loop.start;
    }
  }

  /** A link that has ended gives way to a new one; what fails at once again cannot be played. */
  #failed() {
    const { error } = this.media;
    if (!error || Date.now() - (this.renewed ?? 0) < FRESH_MS) {
      this.trouble = new Error(error?.message ?? "");
      this.#told();
      return;
    }
    this.#renew();
  }

  /** Keys for media on keyboards, headsets and pedals. */
  #answerKeys() {
    if (!("mediaSession" in navigator)) {
      return;
    }
    const answers = {
      play: () => this.play(),
      pause: () => this.media.pause(),
      seekbackward: () => this.skip(-SKIP_SECONDS),
      seekforward: () => this.skip(SKIP_SECONDS),
      previoustrack: () => this.skip(-SKIP_SECONDS),
      nexttrack: () => this.skip(SKIP_SECONDS),
    };
    for (const [action, answer] of Object.entries(answers)) {
      navigator.mediaSession.setActionHandler(action, answer);
    }
  }

  #told() {
    this.dispatchEvent(new Event("change"));
  }
}
