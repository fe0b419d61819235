/** A sleep that can be cut short. */
export class Alarm {
  #wake: (() => void) | null = null;
  #rung = false;

  /** Ends the sleep under way, or the next one before it begins. */
  ring(): void {
    this.#rung = true;
    this.#wake?.();
  }

  /** Forgets a ring that nobody slept through. */
  reset(): void {
    this.#rung = false;
  }

  /** Sleeps until the time is over, the alarm rings, or the signal is aborted. */
  async sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, ms);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", this.#wake, { once: true });
      });
      if (this.#wake !== null) signal.removeEventListener("abort", this.#wake);
      this.#wake = null;
    }
    this.#rung = false;
  }
}
