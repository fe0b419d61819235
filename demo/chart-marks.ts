/**
 * Marking a stretch of bars: by pointer, a click or a drag; by keyboard, arrows, Shift and Enter. Knows bars by their
 * number only; what a marked stretch means is its owner's to say.
 */

/** A hand on a mouse, and a finger more so, moves a little while it clicks. */
const CLICK_SLACK_PX = 6;

/** Bars that Page Up and Page Down pass over. */
const PAGE_BARS = 10;

export interface MarkOwner {
  bars(): number;
  /** The number of the bar at a place across the plot. */
  barAt(px: number): number;
  /** Another bar is looked at, or others are marked. */
  onMove(): void;
  /** First and last bar, both included; the same twice for a click or an Enter on one. */
  onChoose(first: number, last: number): void;
  onLeave(): void;
}

export class Marks {
  readonly #owner: MarkOwner;
  /** Where a drag or a Shift began; null: nothing is marked. */
  #anchor: number | null = null;
  /** The bar that is looked at; null: none is, and the newest stands for it. */
  #at: number | null = null;

  constructor(host: HTMLElement, owner: MarkOwner) {
    this.#owner = owner;
    host.addEventListener("keydown", (event) => this.#onKey(event));
    host.addEventListener("blur", () => this.#clear());
  }

  get at(): number | null {
    return this.#at;
  }

  /** First and last marked bar; null: nothing is marked. */
  get marked(): readonly [number, number] | null {
    if (this.#anchor === null || this.#at === null) return null;
    return [Math.min(this.#anchor, this.#at), Math.max(this.#anchor, this.#at)];
  }

  /** Listens on a new drawing. */
  watch(over: HTMLElement): void {
    over.style.touchAction = "pan-y"; // across is ours, down scrolls the page
    let downX: number | null = null;
    const pxOf = (event: PointerEvent) => event.clientX - over.getBoundingClientRect().left;
    over.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      downX = pxOf(event);
      over.setPointerCapture(event.pointerId);
    });
    over.addEventListener("pointermove", (event) => {
      const px = pxOf(event);
      this.#at = this.#owner.barAt(px);
      if (downX !== null && Math.abs(px - downX) > CLICK_SLACK_PX) this.#anchor = this.#owner.barAt(downX);
      this.#moved();
    });
    over.addEventListener("pointerup", (event) => {
      if (downX === null) return;
      const at = this.#owner.barAt(pxOf(event));
      const [first, last] = this.marked ?? [at, at];
      downX = null;
      this.#clear();
      this.#owner.onChoose(first, last);
    });
    over.addEventListener("pointercancel", () => {
      downX = null;
      this.#clear();
    });
    over.addEventListener("pointerleave", () => {
      if (downX === null) this.#clear();
    });
  }

  #clear(): void {
    this.#anchor = null;
    this.#at = null;
    this.#moved();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const last = this.#owner.bars() - 1;
    const at = this.#at ?? last;
    const targets: Readonly<Record<string, number>> = {
      ArrowLeft: at - 1,
      ArrowDown: at - 1,
      ArrowRight: at + 1,
      ArrowUp: at + 1,
      PageDown: at - PAGE_BARS,
      PageUp: at + PAGE_BARS,
      Home: 0,
      End: last,
    };
    const target = targets[event.key];
    if (target !== undefined && last >= 0) {
      if (!event.shiftKey) this.#anchor = null;
      else this.#anchor ??= at;
      this.#at = Math.min(last, Math.max(0, target));
      this.#moved();
    } else if (event.key === "Enter" && last >= 0) {
      const [first, end] = this.marked ?? [at, at];
      this.#clear();
      this.#owner.onChoose(first, end);
    } else if (event.key === "Escape") {
      if (this.marked === null) this.#owner.onLeave();
      this.#clear();
    } else return;
    event.preventDefault();
  }

  #moved(): void {
    this.#owner.onMove();
  }
}
