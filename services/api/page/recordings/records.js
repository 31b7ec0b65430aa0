/**
 * What is remembered of uploads that have begun, so that the same file goes on where it stopped when it is dropped again:
 * the job, by the file's name, size and date. No key is among it.
 */

const BEGINNING = "upload ";
/** The service keeps parts as long. */
const KEPT_MS = 2 * 24 * 3600 * 1000;

/** @param {File} file */
export function recordOf(file) {
  const name = BEGINNING + JSON.stringify([file.name, file.size, file.lastModified]);
  return {
    /** The id of the job for which the file was sent, or null. */
    read() {
      return parsed(localStorage.getItem(name))?.job ?? null;
    },
    write(job) {
      forgetOldOnes();
      try {
        localStorage.setItem(name, JSON.stringify({ job, at: Date.now() }));
      } catch {
        // There is no room: the upload goes on, and would begin anew if it were broken off.
      }
    },
    remove() {
      localStorage.removeItem(name);
    },
  };
}

/** Whether an upload for this job has begun in this browser, and is not done. */
export function hasBegun(job) {
  return names().some((name) => parsed(localStorage.getItem(name))?.job === job);
}

/** Forgets all of them, as when somebody signs out. */
export function forgetAll() {
  names().forEach((name) => localStorage.removeItem(name));
}

function forgetOldOnes() {
  for (const name of names()) {
    if (!(parsed(localStorage.getItem(name))?.at > Date.now() - KEPT_MS)) {
      localStorage.removeItem(name);
    }
  }
}

function names() {
  return Object.keys(localStorage).filter((name) => name.startsWith(BEGINNING));
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
