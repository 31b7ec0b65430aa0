/** What goes wrong, in sentences that say what to do. */

import { Refusal, Unreachable } from "./api.js";
import { add, has, t } from "./texts.js";
import { html } from "./vendor/lit-html.js";

add({
  en: {
    "trouble.unreachable": "The service cannot be reached. Look whether you are online, and try again.",
    "trouble.TOO_MANY_REQUESTS": "Too much at once: wait a minute, and try again.",
    "trouble.UNAVAILABLE": "The service is busy: try again in a moment.",
    "trouble.INTERNAL": "Something went wrong in the service: try again later.",
    "trouble.NOT_FOUND": "There is no such recording, or it belongs to somebody else. It may have been erased.",
    "trouble.NOT_COMPLETED": "The text of this recording is not there.",
    "trouble.CONFLICT": "Somebody else changed this at the same moment: look again, and repeat it if it is still right.",
    "trouble.ALREADY_ENDED": "It has ended already.",
    "trouble.NOT_FAILED": "It has not failed: there is nothing to try again.",
    "trouble.TOO_LARGE": "This file is larger than the service takes.",
    "trouble.MODEL_UNAVAILABLE": "The service does not offer this style, or does not tell speakers apart: choose other options.",
    "trouble.UNKNOWN_VOCABULARY": "This word list is not there any more: choose another one.",
    "trouble.other": "That did not work ({why}).",
  },
  sv: {
    "trouble.unreachable": "Tjänsten går inte att nå. Se efter om du är uppkopplad, och försök igen.",
    "trouble.TOO_MANY_REQUESTS": "För mycket på en gång: vänta en minut, och försök igen.",
    "trouble.UNAVAILABLE": "Tjänsten är upptagen: försök igen om en stund.",
    "trouble.INTERNAL": "Något gick fel i tjänsten: försök igen senare.",
    "trouble.NOT_FOUND": "Inspelningen finns inte, eller tillhör någon annan. Den kan ha raderats.",
    "trouble.NOT_COMPLETED": "Inspelningens text finns inte.",
    "trouble.CONFLICT": "Någon annan ändrade detta samtidigt: titta igen, och gör om det om det fortfarande är rätt.",
    "trouble.ALREADY_ENDED": "Den är redan avslutad.",
    "trouble.NOT_FAILED": "Den har inte misslyckats: det finns inget att försöka igen.",
    "trouble.TOO_LARGE": "Filen är större än vad tjänsten tar emot.",
    "trouble.MODEL_UNAVAILABLE": "Tjänsten erbjuder inte den stilen, eller skiljer inte på talare: välj andra alternativ.",
    "trouble.UNKNOWN_VOCABULARY": "Ordlistan finns inte längre: välj en annan.",
    "trouble.other": "Det gick inte ({why}).",
  },
});

/** A sentence about an error. A refusal without a text of ours is told in the API's own words. */
export function sentence(error) {
  if (error instanceof Unreachable) {
    return t("trouble.unreachable");
  }
  if (error instanceof Refusal) {
    const key = `trouble.${error.code}`;
    return has(key) ? t(key) : t("trouble.other", { why: error.sentence });
  }
  return t("trouble.other", { why: String(error?.message ?? error) });
}

/** What is shown in place of a view that cannot be shown. */
export function failure(error, advice) {
  console.warn(error);
  return html`
    <p class="wrong" role="alert">${sentence(error)} ${advice}</p>
    <button @click=${() => location.reload()}>${t("page.reload_now")}</button>
  `;
}
