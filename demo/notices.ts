/** What the reader must know before trusting the numbers: what is missing, carried over, cut short, or why there are none. */
import { ApiProblem, Unreachable } from "./api.ts";
import type { Answer } from "./api-schemas.ts";
import { byId, create, setText } from "./dom.ts";
import { formatDuration, formatMoment } from "./format.ts";

export type Liveness = "connecting" | "live" | "offline" | "failing";

interface Notice {
  readonly kind: "warning" | "error";
  readonly text: string;
  /** Offer to enter other keys. */
  readonly connect?: boolean;
}

/** `missing` can name every trimmed interval; a list longer than this is a wall. */
const MISSING_SHOWN = 4;

export function showLiveness(state: Liveness, text: string): void {
  const element = byId("liveness", HTMLElement);
  element.dataset["state"] = state;
  setText(element, text);
}

/** @param answeredAt when the numbers on the page were answered; null: there are none yet */
export function showFailure(error: unknown, retryInMs: number, answeredAt: number | null, nowMs: number): void {
  const stale = answeredAt === null ? "" : ` The numbers shown are from ${formatMoment(answeredAt, nowMs)}.`;
  const again = ` Trying again in ${formatDuration(retryInMs)}.`;
  if (error instanceof Unreachable) {
    const why = navigator.onLine ? error.message : "This device is offline.";
    showLiveness("offline", "Offline");
    show([{ kind: "warning", text: why + stale + again }]);
    return;
  }
  showLiveness("failing", "Refused");
  if (!(error instanceof ApiProblem)) {
    show([{ kind: "error", text: `Something in this page went wrong: ${String(error)}` }]);
    reportError(error);
    return;
  }
  const isKey = error.status === 401 || error.status === 403;
  show([
    { kind: "error", text: `${error.message.replace(/\.$/, "")} (${error.code}).${stale}${again}`, connect: isKey },
  ]);
}

/** Clears everything that an answer without gaps makes untrue. */
export function showGaps(answer: Answer, nowMs: number): void {
  const at = (time: number) => formatMoment(time, nowMs);
  const missing = answer.missing.map(({ partition, from, to, reason }): string =>
    partition !== undefined
      ? `partition ${partition}, which ${reasonInWords(reason)}`
      : from !== undefined && to !== undefined
        ? `${at(from)} to ${at(to)}, which ${reasonInWords(reason)}`
        : reason,
  );
  const notices: Notice[] = [];
  if (!answer.complete) {
    const more = missing.length > MISSING_SHOWN ? ` and ${missing.length - MISSING_SHOWN} more` : "";
    const named = missing.slice(0, MISSING_SHOWN).join("; ");
    notices.push({ kind: "warning", text: `These numbers are not complete. Missing is ${named || "a part"}${more}.` });
  }
  const [carried] = answer.carried;
  if (carried !== undefined) {
    const span = `${at(carried.from)} to ${at(carried.to)}`;
    const text = `${span} could not be recomputed and was taken over from generation ${carried.generation}.`;
    notices.push({ kind: "warning", text });
  }
  show(notices);
}

const REASONS: Readonly<Record<string, string>> = {
  trimmed: "was trimmed from the log",
  rolled_up: "is kept in wider windows than asked for",
  archive_unavailable: "could not be read from the archive",
  unavailable: "does not answer",
  timeout: "did not answer in time",
};

const reasonInWords = (reason: string): string => REASONS[reason] ?? `is not there (${reason})`;

let shown = "";

function show(notices: readonly Notice[]): void {
  const key = JSON.stringify(notices);
  if (key === shown) return;
  shown = key;
  byId("notices", HTMLUListElement).replaceChildren(
    ...notices.map(({ kind, text, connect }) => {
      const item = create("li", { class: kind }, text);
      if (connect === true) {
        item.append(
          " ",
          create("button", { type: "button", class: "link", "data-action": "connect" }, "Enter other keys"),
        );
      }
      return item;
    }),
  );
}
