/** Why a recording has no text, or none yet, in sentences for people. */

import { add, has, t } from "../texts.js";
import { sentence } from "../troubles.js";
import { StorageRefusal, Unreadable } from "./sending.js";

add({
  en: {
    "waiting.capacity": "No machine is free at Amazon at this moment. It is asked for again by itself.",
    "waiting.image": "The machines cannot be started: whoever runs the service has to mend it.",
    "waiting.breaker": "The last machines did not start. It is tried again by itself; if it takes an hour, tell whoever runs the service.",
    "waiting.quota": "The account may not start a machine: whoever runs the service has to mend it.",
    "waiting.other": "It waits for a machine.",
    "error.INVALID_MEDIA": "This file holds no sound or film that can be read.",
    "error.NO_AUDIO_TRACK": "This film has no sound.",
    "error.AUDIO_TOO_LONG": "This recording is longer than the service takes: cut it in pieces.",
    "error.SOURCE_GONE": "The recording was deleted before it could be read. Upload it again.",
    "error.SOURCE_REPLACED": "The recording was replaced before it could be read. Upload it again.",
    "error.MODEL_UNAVAILABLE": "The service does not have what these options need: choose others.",
    "error.REPEATED_CRASH": "The machines cannot work with this recording. Tell whoever runs the service.",
    "error.LOST_TOO_OFTEN": "The machines were lost too often. Try again.",
    "error.DECODER_FAILED": "The machine failed. Try again.",
    "error.READING_DIFFERS": "The recording was read differently each time. Try again, or upload it again.",
    "error.RECORDING_TOO_LARGE": "The recording is larger than the machines' disks: send the sound without the picture.",
    "error.DISK_FULL": "The machine's disk was full. Try again.",
    "error.INTERNAL": "Something went wrong in the service. Try again.",
    "error.other": "It failed ({why}).",
    "upload.unreadable": "The file cannot be read, or was changed: choose it again.",
    "upload.refused": "The storage does not take the file ({why}).",
  },
  sv: {
    "waiting.capacity": "Ingen maskin är ledig hos Amazon just nu. En ny förfrågan görs av sig själv.",
    "waiting.image": "Maskinerna kan inte startas: den som driver tjänsten måste åtgärda det.",
    "waiting.breaker": "De senaste maskinerna startade inte. Nya försök görs av sig själv; säg till den som driver tjänsten om det tar en timme.",
    "waiting.quota": "Kontot får inte starta någon maskin: den som driver tjänsten måste åtgärda det.",
    "waiting.other": "Den väntar på en maskin.",
    "error.INVALID_MEDIA": "Filen innehåller inget ljud och ingen film som går att läsa.",
    "error.NO_AUDIO_TRACK": "Filmen har inget ljud.",
    "error.AUDIO_TOO_LONG": "Inspelningen är längre än vad tjänsten tar emot: dela upp den.",
    "error.SOURCE_GONE": "Inspelningen togs bort innan den kunde läsas. Ladda upp den igen.",
    "error.SOURCE_REPLACED": "Inspelningen byttes ut innan den kunde läsas. Ladda upp den igen.",
    "error.MODEL_UNAVAILABLE": "Tjänsten har inte det som alternativen kräver: välj andra.",
    "error.REPEATED_CRASH": "Maskinerna klarar inte inspelningen. Säg till den som driver tjänsten.",
    "error.LOST_TOO_OFTEN": "Maskinerna försvann för många gånger. Försök igen.",
    "error.DECODER_FAILED": "Maskinen gick sönder. Försök igen.",
    "error.READING_DIFFERS": "Inspelningen lästes olika varje gång. Försök igen, eller ladda upp den igen.",
    "error.RECORDING_TOO_LARGE": "Inspelningen är större än maskinernas diskar: skicka ljudet utan bild.",
    "error.DISK_FULL": "Maskinens disk var full. Försök igen.",
    "error.INTERNAL": "Något gick fel i tjänsten. Försök igen.",
    "error.other": "Det gick inte ({why}).",
    "upload.unreadable": "Filen går inte att läsa, eller har ändrats: välj den igen.",
    "upload.refused": "Lagringen tar inte emot filen ({why}).",
  },
});

/** Why there is no machine yet. */
export function waitingFor(waiting) {
  const key = `waiting.${waiting}`;
  return t(has(key) ? key : "waiting.other");
}

/** Why a job or an upload has failed: the API's `{code, message}`, or an error. */
export function explained(error) {
  if (error instanceof Unreadable) {
    return t("upload.unreadable");
  }
  if (error instanceof StorageRefusal) {
    return t("upload.refused", { why: error.message });
  }
  if (error instanceof Error) {
    return sentence(error);
  }
  const key = `error.${error.code}`;
  return has(key) ? t(key) : t("error.other", { why: error.message });
}
