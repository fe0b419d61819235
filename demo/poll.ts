/**
 * Asks again and again: one question at a time, none while nobody looks, slower while it fails, at once when the page is
 * back in sight, back online or told to.
 */
export interface Poll {
  /** Asks now; if a question is under way, right after it. */
  readonly kick: () => void;
}

/** A failing edge is asked at least this often, so that the page recovers soon after it. */
const BACKOFF_MAX_MS = 15_000;

/**
 * @param everyMs from one answer to the next question: asked after each
 * @param task one round; its rejection counts as a failure
 * @param onFailure told why, and in how many milliseconds it is tried again
 */
export function startPoll(
  everyMs: () => number,
  task: () => Promise<void>,
  onFailure: (error: unknown, retryInMs: number) => void,
): Poll {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running = false;
  let again = false;
  let failures = 0;

  const run = async (): Promise<void> => {
    clearTimeout(timer);
    if (running) {
      again = true;
      return;
    }
    running = true;
    let waitMs = 0;
    try {
      await task();
      failures = 0;
      waitMs = everyMs();
    } catch (error) {
      waitMs = Math.min(BACKOFF_MAX_MS, everyMs() * 2 ** failures++);
      onFailure(error, waitMs);
    }
    running = false;
    if (again) waitMs = 0;
    again = false;
    if (!document.hidden) timer = setTimeout(kick, waitMs);
  };
  const kick = () => void run();

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) kick();
  });
  addEventListener("online", kick);
  kick();
  return { kick };
}
