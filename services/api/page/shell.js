/** What is around every view: the page's name, the language, signing in and out. */

import { add, language, setLanguage, t } from "./texts.js";
import { sentence } from "./troubles.js";
import { html, nothing, render } from "./vendor/lit-html.js";

add({
  en: {
    "page.name": "GPU Transcriber",
    "page.other_language": "Svenska",
    "page.sign_out": "Sign out",
    "page.to_content": "To the content",
    "page.reload": "Load the page again: the service may have been upgraded.",
    "page.reload_now": "Load again",
    "sign_in.title": "Sign in",
    "sign_in.key": "API key",
    "sign_in.hint": "Whoever runs the service gives you one. It is kept in this tab, and forgotten when you close it.",
    "sign_in.button": "Sign in",
    "sign_in.wrong": "The service does not know this key, or it was taken back. Ask whoever runs it for another.",
  },
  sv: {
    "page.name": "GPU Transcriber",
    "page.other_language": "English",
    "page.sign_out": "Logga ut",
    "page.to_content": "Till innehållet",
    "page.reload": "Ladda om sidan: tjänsten kan ha uppgraderats.",
    "page.reload_now": "Ladda om",
    "sign_in.title": "Logga in",
    "sign_in.key": "API-nyckel",
    "sign_in.hint": "Den som driver tjänsten ger dig en. Den finns kvar i den här fliken, och glöms när du stänger den.",
    "sign_in.button": "Logga in",
    "sign_in.wrong": "Tjänsten känner inte till nyckeln, eller så är den återkallad. Be den som driver tjänsten om en ny.",
  },
});

/**
 * Draws the frame; returns the element in which a view is drawn, empty.
 *
 * @param {{signedIn: boolean, signOut: () => void}} state
 */
export function shell({ signedIn, signOut }) {
  document.documentElement.lang = language();
  document.title = t("page.name");
  const other = language() === "sv" ? "en" : "sv";
  const leave = html`<button class="quiet" @click=${() => signOut()}>${t("page.sign_out")}</button>`;
  render(
    html`
      <a class="skip" href="#content" @click=${toContent}>${t("page.to_content")}</a>
      <header>
        <a class="name" href="#/">${t("page.name")}</a>
        <span class="actions">
          <button class="quiet" lang=${other} @click=${() => setLanguage(other)}>${t("page.other_language")}</button>
          ${signedIn ? leave : nothing}
        </span>
      </header>
      <main id="content" tabindex="-1"></main>
    `,
    document.body,
  );
  const root = document.createElement("div");
  root.className = "view";
  document.querySelector("main").replaceChildren(root);
  return root;
}

function toContent(event) {
  event.preventDefault();
  document.querySelector("main").focus();
}

/**
 * Asks for a key until one is known, then calls `begin`; returns what ends it.
 *
 * @param {HTMLElement} root
 * @param {import("./session.js").Session} session
 * @param {() => void} begin
 */
export function signIn(root, session, begin) {
  let wrong = session.reason;
  let isBusy = false;

  const tried = async (event) => {
    event.preventDefault();
    const field = event.target.elements.namedItem("key");
    isBusy = true;
    draw();
    try {
      if (await session.begin(field.value.trim())) {
        begin();
        return;
      }
      wrong = t("sign_in.wrong");
    } catch (error) {
      wrong = sentence(error);
    }
    isBusy = false;
    draw();
    field.focus();
  };

  const draw = () =>
    render(
      html`
        <form class="sign-in" @submit=${tried}>
          <h1>${t("sign_in.title")}</h1>
          <label>
            ${t("sign_in.key")}
            <input
              name="key"
              type="password"
              required
              autocomplete="off"
              spellcheck="false"
              aria-describedby="key-hint key-wrong"
              aria-invalid=${wrong ? "true" : nothing}
            />
          </label>
          <p id="key-hint" class="hint">${t("sign_in.hint")}</p>
          <p id="key-wrong" class="wrong" role="alert">${wrong}</p>
          <button ?disabled=${isBusy} aria-busy=${isBusy ? "true" : nothing}>${t("sign_in.button")}</button>
        </form>
      `,
      root,
    );

  draw();
  root.querySelector("input").focus();
  return () => render(nothing, root);
}
