/** A progress bar on a terminal; a line now and then where there is none. On standard error: it is not the answer. */
import { OUTPUT_LIMITS } from "./limits.ts";
import { showNumber } from "./output.ts";

export interface Out {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

export class Progress {
  readonly #out: Out;
  #shownAt: number;

  constructor(out: Out = process.stderr) {
    this.#out = out;
    // A bar at once; where lines stay, none for what is over soon.
    this.#shownAt = this.#drawsBar ? 0 : Date.now();
  }

  /**
   * @param share 0..1
   * @param detail what stands beside the bar
   */
  show(share: number, detail: string): void {
    const now = Date.now();
    const { barCells, logRefreshMs, terminalRefreshMs } = OUTPUT_LIMITS;
    const drawsBar = this.#drawsBar;
    if (now - this.#shownAt < (drawsBar ? terminalRefreshMs : logRefreshMs)) return;
    this.#shownAt = now;
    const percent = `${Math.floor(share * 100)} %`.padStart(5);
    const filled = Math.round(Math.min(Math.max(share, 0), 1) * barCells);
    const bar = "█".repeat(filled) + "░".repeat(barCells - filled);
    this.#out.write(drawsBar ? `\r${bar} ${percent}  ${detail}\x1b[K` : `${percent.trimStart()}  ${detail}\n`);
  }

  /** Takes the bar away. */
  end(): void {
    if (this.#drawsBar) this.#out.write("\r\x1b[K");
  }

  get #drawsBar(): boolean {
    return this.#out.isTTY === true && process.env.TERM !== "dumb";
  }
}

/** Counts what has passed since it was made. */
export class Rate {
  readonly #startedAt = Date.now();

  /** `1,234,567 rows  98,000/s` */
  show(count: number, what: string): string {
    const seconds = Math.max((Date.now() - this.#startedAt) / 1000, 0.001);
    return `${showNumber(count)} ${what}  ${showNumber(Math.round(count / seconds))}/s`;
  }
}
