/** The page: who is signed in, which view is open, and in which language. */

import { Api } from "./api.js";
import { brought } from "./loading.js";
import { Session } from "./session.js";
import { shell, signIn } from "./shell.js";
import { t } from "./texts.js";
import { failure } from "./troubles.js";
import { forgetAll } from "./recordings/records.js";
import { Uploads } from "./recordings/uploads.js";
import { render } from "./vendor/lit-html.js";

const session = new Session();
/** What goes on while views come and go: the uploads of whoever is signed in. */
let uploads = null;
let close = () => {};
/** Counts the openings: a view that is loaded late is not shown any more. */
let opening = 0;

/** Shows what the address asks for. */
async function show() {
  const turn = ++opening;
  close();
  close = () => {};
  const root = shell({ signedIn: session.key !== null, signOut });
  const token = location.hash.match(/^#share=(.+)$/)?.[1];
  const job = location.hash.match(/^#\/(job_[a-z0-9]+)$/)?.[1];
  try {
    if (token) {
      await transcript(root, turn, new Api(token), "api/shared", true);
    } else if (session.key === null) {
      close = signIn(root, session, begin);
    } else if (job) {
      await transcript(root, turn, api(), `api/jobs/${job}`, false);
    } else {
      await recordings(root, turn);
    }
  } catch (error) {
    // A module that is not there any more: the service was upgraded since this page was loaded.
    render(failure(error, t("page.reload")), root);
  }
}

async function recordings(root, turn) {
  await brought("recordings/");
  const view = await import("./recordings/view.js");
  if (turn === opening) {
    close = view.open(root, { api: api(), uploads });
  }
  // Whoever has a list opens a text next.
  brought("transcript/");
}

async function transcript(root, turn, asked, base, shared) {
  await brought("transcript/");
  const view = await import("./transcript/view.js");
  if (turn === opening) {
    close = view.open(root, { api: asked, base, shared, onLeave: () => (location.hash = "#/") });
  }
}

function api() {
  return new Api(session.key, () => signOut(t("sign_in.wrong")));
}

/** After signing in. */
function begin() {
  uploads = new Uploads(api());
  show();
}

/** `reason`: why the page does it by itself; whoever comes back may then go on with uploads that were broken off. */
function signOut(reason = "") {
  if (session.key !== null) {
    uploads.close();
    uploads = null;
    if (!reason) {
      forgetAll();
    }
    session.end(reason);
    show();
  }
}

window.addEventListener("hashchange", async () => {
  await show();
  // Whoever listens to the page, or uses no mouse, is where the new view begins.
  document.querySelector("main").focus({ preventScroll: true });
});
window.addEventListener("textschange", show);
// A file that is dropped where no view takes it would otherwise be opened in the page's place.
for (const kind of ["dragover", "drop"]) {
  window.addEventListener(kind, (event) => event.dataTransfer.types.includes("Files") && event.preventDefault());
}
window.addEventListener("beforeunload", (event) => {
  if (uploads?.isBusy) {
    event.preventDefault();
  }
});
if (session.key === null) {
  show();
} else {
  begin();
}
