/** Sizes, times and sums as people write them. */

import { locale, t } from "../texts.js";

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
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(text));
}

/** What something cost, to the cent. */
export function dollars(sum) {
  const cents = number(Math.max(sum, 0.01), { style: "currency", currency: "USD", currencyDisplay: "narrowSymbol" });
  return sum < 0.01 ? t("amount.less", { sum: cents }) : cents;
}

/** How long something may take, no more exactly than an estimate is. */
export function about(seconds) {
  if (seconds < 50) {
    return t("about.moment");
  }
  const isShort = seconds < 5400;
  return t(isShort ? "about.minutes" : "about.hours", { n: Math.round(seconds / (isShort ? 60 : 3600)) });
}

/** `62 %`, never more than there is. */
export function share(fraction) {
  return number(Math.floor(fraction * 100) / 100, { style: "percent" });
}

function number(value, how) {
  return new Intl.NumberFormat(locale(), how).format(value);
}
