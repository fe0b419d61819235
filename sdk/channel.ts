/** What the tabs of one log tell each other, so that nobody has to look into the log to find out. Lost messages cost time. */
import type { LogSummary } from "./worker-api.ts";
import type { TrackerProblem } from "./types.ts";

export type TabMessage =
  | { readonly kind: "logged"; readonly log: LogSummary }
  | { readonly kind: "settled"; readonly log: LogSummary; readonly delivered: number }
  | { readonly kind: "flush" }
  | { readonly kind: "refused"; readonly problem: TrackerProblem };

export class TabChannel {
  readonly #name: string;
  readonly #listen: (message: TabMessage) => void;
  #channel: BroadcastChannel | null = null;

  constructor(name: string, listen: (message: TabMessage) => void) {
    this.#name = name;
    this.#listen = listen;
  }

  static get available(): boolean {
    return typeof BroadcastChannel === "function";
  }

  /** An open channel keeps pages out of the back/forward cache in some browsers: it is closed on the way there. */
  open(): void {
    if (this.#channel !== null || !TabChannel.available) return;
    this.#channel = new BroadcastChannel(this.#name);
    // Only tabs of this origin with this SDK speak here; a message of another version is at worst ignored.
    this.#channel.onmessage = ({ data }: MessageEvent<TabMessage>) => this.#listen(data);
  }

  tell(message: TabMessage): void {
    this.#channel?.postMessage(message);
  }

  close(): void {
    this.#channel?.close();
    this.#channel = null;
  }
}
