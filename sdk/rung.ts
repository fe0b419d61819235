/** What each rung of the ladder is to the page. */
import type { WorkerApi } from "./worker-api.ts";

export interface Rung {
  readonly api: WorkerApi;
  /** Resolves when nobody answers any more. */
  readonly died: Promise<"died">;
  readonly die: () => void | Promise<void>;
}
