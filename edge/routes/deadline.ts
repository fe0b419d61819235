/** A span of time for what has to be waited for. */
export interface Deadline {
  /** What comes of the work, or a {@link DeadlineError} when the time is over. The work itself cannot be taken back. */
  race<T>(work: Promise<T>): Promise<T>;
  stop(): void;
}

export class DeadlineError extends Error {}

export function startDeadline(ms: number): Deadline {
  const { promise: over, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new DeadlineError("no answer in time")), ms);
  // Nobody may be waiting for it at the moment when it comes.
  over.catch(() => {});
  return {
    race: (work) => Promise.race([work, over]),
    stop: () => clearTimeout(timer),
  };
}
