/** Takes the text along as a file. */

export const FORMATS = ["txt", "docx", "srt", "vtt", "tsv", "json"];
const LATER_MS = 60_000;

/**
 * Downloads the corrected text.
 *
 * @param {import("../api.js").Api} api
 * @param {string} base
 * @param {string} format one of `FORMATS`
 * @param {string} recording the recording's file name
 */
export async function download(api, base, format, recording) {
  const { body } = await api.get(`${base}/transcript?format=${format}&version=latest`);
  const content = body instanceof Blob ? body : new Blob([JSON.stringify(body, null, 1)], { type: "application/json" });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = `${recording.replace(/\.[^.]*$/u, "") || "transcript"}.${format}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), LATER_MS);
}
