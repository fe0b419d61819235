// A progress bar on a terminal; a line now and then where there is none.

const BAR_CELLS = 30;
const TERMINAL_REFRESH_MS = 100;
const LOG_REFRESH_MS = 5_000;

export class Progress {
  #startedAt = Date.now();
  #shownAt = 0;
  #out;

  /** @param {NodeJS.WriteStream} out */
  constructor(out) {
    this.#out = out;
  }

  /**
   * @param {number} share 0..1
   * @param {number} rows
   */
  show(share, rows) {
    const now = Date.now();
    if (now - this.#shownAt < (this.#out.isTTY ? TERMINAL_REFRESH_MS : LOG_REFRESH_MS)) return;
    this.#shownAt = now;
    const rate = Math.round(rows / Math.max((now - this.#startedAt) / 1000, 0.001));
    const filled = Math.round(share * BAR_CELLS);
    const bar = "█".repeat(filled) + "░".repeat(BAR_CELLS - filled);
    const line = `${bar} ${(share * 100).toFixed(0).padStart(3)} %  ${format(rows)} rows  ${format(rate)}/s`;
    this.#out.write(this.#out.isTTY ? `\r${line}\x1b[K` : `${line}\n`);
  }

  end() {
    if (this.#out.isTTY) this.#out.write("\r\x1b[K");
  }
}

/** @param {number} number */
export const format = (number) => number.toLocaleString("en");
