/** The files that somebody drops or pastes anywhere on the page, folders opened. */

/**
 * @param {(files: File[]) => void} take
 * @param {AbortSignal} signal ends it
 */
export function whenDropped(take, signal) {
  const mark = (isOver) => document.body.classList.toggle("dropping", isOver);
  const taken = async (transfer) => take(await filesOf(transfer));
  const holdsFiles = (event) => event.dataTransfer.types.includes("Files");
  const dropped = (event) => {
    mark(false);
    taken(event.dataTransfer);
  };
  document.addEventListener("dragover", (event) => holdsFiles(event) && mark(true), { signal });
  // Only what leaves the window has nowhere to go.
  document.addEventListener("dragleave", (event) => event.relatedTarget ?? mark(false), { signal });
  document.addEventListener("drop", (event) => holdsFiles(event) && dropped(event), { signal });
  document.addEventListener("paste", (event) => taken(event.clipboardData), { signal });
  signal.addEventListener("abort", () => mark(false));
}

/** @param {DataTransfer} transfer */
async function filesOf(transfer) {
  // All of it is asked for at once: after the event, the transfer is empty.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const files = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) {
    return files;
  }
  const found = await Promise.all(entries.filter(Boolean).map(opened));
  return found.flat();
}

async function opened(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    // What systems leave in folders, such as .DS_Store, is no recording.
    return file.name.startsWith(".") ? [] : [file];
  }
  const reader = entry.createReader();
  const entries = [];
  for (;;) {
    // A reader gives a hundred at a time.
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) {
      return (await Promise.all(entries.map(opened))).flat();
    }
    entries.push(...some);
  }
}
