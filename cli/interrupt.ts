/** Ctrl-C, for commands that have something to say or to clean up before they end. */
import { Interrupted } from "./failure.ts";

/**
 * Runs until its end or the first SIGINT or SIGTERM; a second one ends the process at once.
 *
 * @param farewell what is said then: what goes on without us, and how to come back
 */
export async function untilInterrupted<T>(
  body: (signal: AbortSignal) => Promise<T>,
  farewell: () => string,
): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => {
    release();
    controller.abort();
  };
  const release = (): void => {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  };
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  try {
    return await body(controller.signal);
  } catch (error) {
    if (controller.signal.aborted) throw new Interrupted(farewell());
    throw error;
  } finally {
    release();
  }
}
