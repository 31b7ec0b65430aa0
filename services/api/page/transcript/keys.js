/** Keys, on keyboards and on foot pedals, which send function or media keys. The Tab key stays as it is. */

/** What each does; `Ctrl` is also a Mac's command key. The first key of an act is the one that is told. */
export const KEYS = {
  toggle: ["Ctrl+Space", "F4", "MediaPlayPause"],
  back: ["F2", "Ctrl+,", "MediaTrackPrevious", "MediaRewind"],
  forward: ["F9", "Ctrl+.", "MediaTrackNext", "MediaFastForward"],
  nextDoubt: ["F8"],
  previousDoubt: ["Shift+F8"],
  confirm: ["F10"],
  here: ["Enter", "Ctrl+Enter"],
  correct: ["Ctrl+E"],
  speaker: ["Ctrl+M"],
  find: ["Ctrl+F"],
  undo: ["Ctrl+Z"],
  redo: ["Ctrl+Y", "Ctrl+Shift+Z"],
};
const MODIFIERS = new Set(["Control", "Shift", "Alt", "Meta", "AltGraph"]);

/**
 * Calls what a key stands for.
 *
 * @param {Record<string, (event: KeyboardEvent) => boolean | void>} acts by their names in `KEYS`; one that returns
 *   false did nothing, and the browser does its own
 * @param {() => void} any is called at each key before that
 * @param {AbortSignal} signal ends it
 */
export function listen(acts, any, signal) {
  const handler = (event) => {
    if (MODIFIERS.has(event.key) || event.isComposing || event.defaultPrevented) {
      return;
    }
    any();
    const pressed = named(event);
    for (const [act, keys] of Object.entries(KEYS)) {
      if (keys.includes(pressed) && acts[act] && acts[act](event) !== false) {
        event.preventDefault();
        return;
      }
    }
  };
  document.addEventListener("keydown", handler, { signal });
}

function named({ key, code, ctrlKey, metaKey, shiftKey, altKey }) {
  const name = code === "Space" ? "Space" : key.length === 1 ? key.toUpperCase() : key;
  return `${ctrlKey || metaKey ? "Ctrl+" : ""}${altKey ? "Alt+" : ""}${shiftKey ? "Shift+" : ""}${name}`;
}
