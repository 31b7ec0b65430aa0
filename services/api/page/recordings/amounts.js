/** Sizes, times and sums as people write them. */

import { language, t } from "../texts.js";

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** `12.5 MB` */
export function size(bytes) {
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), UNITS.length - 1);
  return number(bytes / 1000 ** power, {
    style: "unit",
    unit: UNITS[power],
    unitDisplay: "short",
    maximumFractionDigits: power ? 1 : 0,
  });
}

/** `1:02:03`, or `2:03` below an hour. */
export function clock(seconds) {
  const [hours, minutes, rest] = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map(Math.floor);
  const two = (value) => String(value).padStart(2, "0");
  return hours ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** The day and time of an RFC 3339 moment. */
export function moment(text) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
}

/** What a job cost, with as many digits as say something. */
export function dollars(sum) {
  return number(sum, { style: "currency", currency: "USD", maximumSignificantDigits: 2 });
}

/** How long something may take, no more exactly than an estimate is. */
export function about(seconds) {
  if (seconds < 50) {
    return t("about.moment");
  }
  return seconds < 5400 ? t("about.minutes", { n: Math.round(seconds / 60) }) : t("about.hours", { n: Math.round(seconds / 3600) });
}

/** `62 %`, never more than there is. */
export function share(fraction) {
  return number(Math.floor(fraction * 100) / 100, { style: "percent" });
}

function number(value, how) {
  return new Intl.NumberFormat(language(), how).format(value);
}
