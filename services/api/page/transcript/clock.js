/** Times and days, as people read them. */

import { language } from "../texts.js";

/** Seconds as `1:02:03`, or `2:03` if they are less than an hour. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const last = String(rest).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${last}` : `${minutes}:${last}`;
}

/** A day, such as 3 December 2026. */
export function day(moment) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "long" }).format(new Date(moment));
}

/** A time of this day, such as 14:03. */
export function hour(moment) {
  return new Intl.DateTimeFormat(language(), { timeStyle: "short" }).format(new Date(moment));
}
