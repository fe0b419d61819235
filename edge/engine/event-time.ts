/**
 * Event time: what a client says about when something happened, and how far that is believed. No clock: `now` is passed in.
 */
import { fail, ok, type Rejection, type Result, TIME_LIMITS } from "#protocol";

/**
 * The time under which an event is logged.
 *
 * A page's clock may be wrong: `sentAt` is its reading when the batch left, and if that is off by more than a minute all
 * its times are moved by the difference. What is then still in the future becomes now. An import is believed.
 *
 * @param time what the event says, in milliseconds since the epoch; null: now
 * @param sentAt the client's clock when it sent the batch; null: not said
 */
export function eventTime(
  kind: "write" | "import",
  time: number | null,
  sentAt: number | null,
  now: number,
): Result<number, Rejection> {
  if (kind === "import") {
    if (time === null) return ok(now);
    if (time > now + TIME_LIMITS.importAheadMaxMs) {
      return fail({ code: "in_future", detail: "more than a day ahead of the edge's clock" });
    }
    return ok(time);
  }
  const skew = sentAt === null ? 0 : now - sentAt;
  const moved = Math.abs(skew) > TIME_LIMITS.clockSkewMaxMs ? skew : 0;
  const believed = Math.min(time === null ? now : time + moved, now);
  if (believed < now - TIME_LIMITS.eventAgeMaxMs) return fail({ code: "too_old", detail: "more than 90 days ago" });
  return ok(believed);
}

/** Whether a page's record came after its window was final. */
export const isLate = (time: number, appendTime: number, allowedLatenessMs: number): boolean =>
  time + allowedLatenessMs < appendTime;

/** An idle partition's watermark follows its clock at this distance: what is on its way takes less. */
const IDLE_LAG_MS = 60_000;

/**
 * How far event time has come in a partition: the greatest event time that it logged, never beyond that record's append
 * time, or its clock less a minute.
 */
export const watermarkOf = (greatestTime: number, lastAppendTime: number, now: number): number =>
  Math.max(Math.min(greatestTime, lastAppendTime), now - IDLE_LAG_MS);
