/** The player's bar: play, skip, speed and place. */

import { t } from "../texts.js";
import { sentence } from "../troubles.js";
import { html, nothing, render } from "../vendor/lit-html.js";
import { clock } from "./clock.js";
import { SKIP_SECONDS, SPEEDS } from "./player.js";

export class Controls {
  /**
   * @param {HTMLElement} root
   * @param {import("./player.js").Player} player
   * @param {number} duration seconds, as the transcript has them
   */
  constructor(root, player, duration) {
    Object.assign(this, { root, player, duration });
    player.addEventListener("change", () => this.draw());
    player.addEventListener("moved", () => this.#tick());
    this.draw();
  }

  draw() {
    const { player } = this;
    const isThere = player.media !== null && player.trouble === null;
    render(
      html`
        ${player.trouble ? html`<p class="wrong" role="alert">${this.#why()}</p>` : nothing}
        <div class="keys" role="group" aria-label=${t("player.name")}>
          <button
            class="small"
            ?disabled=${!isThere}
            aria-label=${t("player.back")}
            title=${`${t("player.back")} (F2)`}
            @click=${() => player.skip(-SKIP_SECONDS)}
          >
            −5
          </button>
          <button
            class="play"
            ?disabled=${!isThere}
            title=${`${this.#playName()} (Ctrl+Space, F4)`}
            aria-label=${this.#playName()}
            @click=${() => player.toggle()}
          >
            <span class=${player.isPlaying ? "pausing" : "playing"} aria-hidden="true"></span>
          </button>
          <button
            class="small"
            ?disabled=${!isThere}
            aria-label=${t("player.forward")}
            title=${`${t("player.forward")} (F9)`}
            @click=${() => player.skip(SKIP_SECONDS)}
          >
            +5
          </button>
          <span class="moment"><span class="now"></span> / ${clock(this.duration)}</span>
          <span class="speeds" role="group" aria-label=${t("player.speed")}>
            ${SPEEDS.map(
              (speed) =>
                html`<button
                  class="small"
                  aria-pressed=${speed === player.speed ? "true" : "false"}
                  @click=${() => player.setSpeed(speed)}
                >
                  ${t("player.times", { speed })}
                </button>`,
            )}
          </span>
        </div>
      `,
      this.root,
    );
    this.#tick();
  }

  #playName() {
    return this.player.isPlaying ? t("player.pause") : t("player.play");
  }

  #why() {
    return this.player.gone ? sentence(this.player.trouble) : t("player.trouble");
  }

  /** The clock alone, which is often another; it is no value of lit's. */
  #tick() {
    const shown = this.root.querySelector(".now");
    const now = clock(this.player.time);
    if (shown && shown.textContent !== now) {
      shown.textContent = now;
    }
  }
}
