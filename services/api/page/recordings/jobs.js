/** The jobs of whoever is signed in, newest first, kept up to date as long as somebody looks. */

import { Refusal } from "../api.js";

const PAGE = 20;
/** How long after an answer it is asked for again: where jobs are open, where none is, and where nobody looks. */
const BUSY_MS = 1_500;
const MORE_EACH_MS = 300;
const LONGEST_MS = 6_000;
const CALM_MS = 15_000;
const HIDDEN_MS = 60_000;
/** And where there was no answer. */
const TROUBLED_MS = 5_000;
/** A list tells no estimate; so many jobs that are under way are read by themselves. */
const READ_ALONE = 10;
/** With a filter, a page may be empty although more follows. */
const MOST_EMPTY_PAGES = 5;
const UNDER_WAY = new Set(["queued", "running"]);
const OPEN = new Set(["awaiting_upload", ...UNDER_WAY]);

/** Tells of each change by an event `change`, and by `ended` of a job that has just ended. */
export class Jobs extends EventTarget {
  /** @param {import("../api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
    /** @type {any[]} as the API shows them */
    this.all = [];
    /** Where the list goes on; null: it ends here. */
    this.next = null;
    this.filter = { statuses: [], words: "" };
    this.isLoaded = false;
    this.error = null;
    this.ending = new AbortController();
    this.timer = 0;
    const signal = this.ending.signal;
    document.addEventListener("visibilitychange", () => document.hidden || this.refresh(), { signal });
    window.addEventListener("online", () => this.refresh(), { signal });
  }

  close() {
    clearTimeout(this.timer);
    this.ending.abort(new DOMException("closed", "AbortError"));
  }

  /** Shows other jobs from now on. */
  choose(filter) {
    this.filter = filter;
    Object.assign(this, { all: [], next: null, isLoaded: false });
    this.#tell();
    return this.refresh();
  }

  /** Asks for the newest jobs now, and then again and again. */
  async refresh() {
    clearTimeout(this.timer);
    const filter = this.filter;
    try {
      const { jobs, next } = await this.#page(null);
      const details = await this.#alone(jobs);
      if (filter !== this.filter) {
        return;
      }
      this.#merge(jobs, next, details);
      Object.assign(this, { isLoaded: true, error: null });
    } catch (error) {
      if (this.ending.signal.aborted || filter !== this.filter) {
        return;
      }
      this.error = error;
    }
    this.#tell();
    this.#again();
  }

  /** Shows the next page too. */
  async more() {
    const filter = this.filter;
    const { jobs, next } = await this.#page(this.next);
    if (filter === this.filter) {
      const known = new Set(this.all.map((job) => job.job_id));
      this.all = [...this.all, ...jobs.filter((job) => !known.has(job.job_id))];
      this.next = next;
      this.#tell();
    }
  }

  /** What an action has answered of a job; null: the job is gone. */
  put(jobId, job) {
    this.all = this.all.flatMap((one) => (one.job_id !== jobId ? [one] : job ? [job] : []));
    this.#tell();
  }

  async #page(after) {
    for (let pages = 1; ; pages++) {
      const query = new URLSearchParams({ limit: String(PAGE) });
      this.filter.statuses.forEach((status) => query.append("status", status));
      Object.entries({ q: this.filter.words, after }).forEach(([name, value]) => value && query.append(name, value));
      const { body } = await this.api.get(`api/jobs?${query}`, { signal: this.ending.signal });
      if (body.jobs.length || !body.next || pages === MOST_EMPTY_PAGES) {
        return body;
      }
      after = body.next;
    }
  }

  /** By id, what the API tells of single jobs: of those under way, and of those that have left the first page. */
  async #alone(firsts) {
    const newest = new Set(firsts.map((job) => job.job_id));
    const asked = [
      ...firsts.filter((job) => UNDER_WAY.has(job.status)),
      ...this.all.filter((job) => OPEN.has(job.status) && !newest.has(job.job_id)),
    ].slice(0, READ_ALONE);
    const read = async ({ job_id: id }) => {
      try {
        return [id, (await this.api.get(`api/jobs/${id}`, { signal: this.ending.signal })).body];
      } catch (error) {
        if (error instanceof Refusal && error.status === 404) {
          return [id, null];
        }
        throw error;
      }
    };
    return new Map(await Promise.all(asked.map(read)));
  }

  #merge(firsts, next, details) {
    const newest = new Set(firsts.map((job) => job.job_id));
    const last = firsts.at(-1)?.created_at ?? "";
    const rest = next ? this.all.filter((job) => !newest.has(job.job_id) && job.created_at <= last) : [];
    const fresh = [...firsts, ...rest].map((job) => details.get(job.job_id) ?? (details.has(job.job_id) ? null : job));
    const before = new Map(this.all.map((job) => [job.job_id, job.status]));
    // Where further pages were shown, the list goes on behind those.
    this.next = rest.length ? this.next : next;
    this.all = fresh.filter(Boolean);
    for (const job of this.all) {
      if (OPEN.has(before.get(job.job_id)) && !OPEN.has(job.status)) {
        this.dispatchEvent(new CustomEvent("ended", { detail: job }));
      }
    }
  }

  #again() {
    const open = this.all.filter((job) => OPEN.has(job.status)).length;
    const watched = open ? Math.min(BUSY_MS + MORE_EACH_MS * open, LONGEST_MS) : CALM_MS;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.refresh(), document.hidden ? HIDDEN_MS : this.error ? TROUBLED_MS : watched);
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
