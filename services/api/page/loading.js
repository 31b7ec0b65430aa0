/**
 * Brings the modules of a view into the browser's cache, a few at a time, before they are imported.
 *
 * Each file is a request to the API's function, and a new AWS account may run ten of them at once. A browser would ask
 * for all modules of a view in the same moment, and for none of them again.
 */

import { passed } from "./api.js";

const AT_ONCE = 4;
const WAITS_MS = [500, 1_500, 4_000];

/** @param {string} folder whose modules are wanted, such as `transcript/` */
export async function brought(folder) {
  const all = document.querySelector('meta[name="modules"]').content.split(" ");
  const wanted = all.filter((path) => path.startsWith(folder));
  const bring = async () => {
    for (let path = wanted.shift(); path; path = wanted.shift()) {
      await one(new URL(path, import.meta.url));
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, bring));
}

/** A file that does not come is no trouble yet: its import tells of it. */
async function one(address) {
  for (const wait of [...WAITS_MS, null]) {
    const reply = await fetch(address, { cache: "force-cache" }).catch(() => null);
    // Only what was read to its end is kept.
    await reply?.arrayBuffer().catch(() => null);
    if (reply?.ok || reply?.status === 404 || wait === null) {
      return;
    }
    await passed(wait);
  }
}
