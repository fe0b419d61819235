/** Replays that something else overtakes: another PUT, a rollback, a deletion. Decisions over the stream's state. */
import { describe, expect, it } from "vitest";
import { createStream } from "../../../edge/stream/configuration.ts";
import { wantedGenerations } from "../../../edge/stream/generations.ts";
import {
  comparingReplays,
  concludeComparison,
  observeReplays,
  promoteReplay,
  rollBackView,
  startReplay,
} from "../../../edge/stream/replays.ts";
import type { ReplayRequest } from "../../../edge/stream/rpc.ts";
import type { StreamState } from "../../../edge/stream/state.ts";
import { deleteView, putView, viewOf } from "../../../edge/stream/views.ts";
import { CLICKS_PER_AD, DEFAULTS, FROM_PHONES, heard, view } from "./example.ts";

const NAME = CLICKS_PER_AD.name;
const FROM_TABLETS = view(NAME, { where: { device: "tablet" } });
const DIFF = { rowsCompared: 10, rowsChanged: 0, totals: {}, largest: [] };
const manual: Omit<ReplayRequest, "view"> = { from: null, mode: "build", promote: "manual", maxDuty: 0.5 };

function expectOk<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (!result.ok) throw new Error(`refused: ${JSON.stringify(result.failure)}`);
  return result.value;
}

/** The only partition has caught up with a job, and its comparison has ended. */
function done(state: StreamState, id: string): StreamState {
  const { view: name, generation } = state.replays.get(id) ?? { view: "", generation: 0 };
  const status = { view: name, generation, from: 0, next: 9, target: 9, startedAt: 0, carried: [], missing: [] };
  const report = { ...status, state: "caught-up", caughtUpAt: 1_000 } as const;
  const next = observeReplays(state, heard(id, new Map([[0, report]])), 1_000);
  return comparingReplays(next).reduce(
    (all, job) => concludeComparison(all, job.id, { diff: job.against === null ? null : DIFF, error: null }, 1_000),
    next,
  );
}

const birth = { name: "clicks", streamId: "00", seed: [1, 2, 3, 4] as const, secret: "00", keys: [] };
const first = done(expectOk(createStream(birth, { views: [CLICKS_PER_AD] }, DEFAULTS, 0)), `${NAME}-1`);
/** Generation 2 answers, and 1 did before. */
const second = done(expectOk(putView(first, FROM_PHONES, 2_000)).state, `${NAME}-2`);
const job = (state: StreamState, generation: number) => state.replays.get(`${NAME}-${generation}`);
const wanted = (state: StreamState) => wantedGenerations(viewOf(state, NAME)).map(({ generation }) => generation);

describe("a PUT that another one overtakes", () => {
  it("ends with a reason, and whatever was said of it later changes nothing", () => {
    const changed = expectOk(putView(second, FROM_TABLETS, 3_000)).state;
    const again = expectOk(putView(changed, view(NAME, { groupBy: ["country"] }), 3_001)).state;
    expect(job(again, 3)).toMatchObject({ state: "cancelled", error: "another PUT of the view took its place" });
    expect(wanted(again)).toEqual([2, 1, 4]);
    expect(done(again, `${NAME}-3`)).toEqual(again);
    expect(job(expectOk(deleteView(again, NAME, 3_002)), 4)).toMatchObject({
      state: "cancelled",
      error: "the view was deleted",
    });
  });

  it("is taken back by a PUT of what answers, also after a rollback", () => {
    const changed = expectOk(putView(second, FROM_TABLETS, 3_000)).state;
    const rolledBack = expectOk(rollBackView(changed, NAME, 3_001));
    const back = expectOk(putView(rolledBack, CLICKS_PER_AD, 3_002));
    expect(job(back.state, 3)?.state).toBe("cancelled");
    expect(wanted(back.state)).toEqual([1, 2]);
    expect(viewOf(back.state, NAME).config).toEqual(CLICKS_PER_AD);
  });

  it("is never one that somebody started by hand, though it computes what is in force again", () => {
    const { state } = expectOk(startReplay(second, { ...manual, view: NAME, promote: "auto" }, 3_000));
    expect(putView(state, FROM_TABLETS, 3_001)).toMatchObject({
      failure: { reason: "replay_running", id: `${NAME}-3` },
    });
    expect(wanted(expectOk(putView(state, FROM_PHONES, 3_001)).state)).toEqual([2, 1, 3]);
  });
});

describe("a rollback to a generation by its number", () => {
  it("that is asked for twice, or after somebody else, is done once", () => {
    const once = expectOk(rollBackView(second, NAME, 3_000, undefined, 1));
    expect(wanted(once)).toEqual([1, 2]);
    expect(expectOk(rollBackView(once, NAME, 3_001, undefined, 1))).toBe(once);
    expect(rollBackView(second, NAME, 3_000, undefined, 7)).toMatchObject({
      failure: { reason: "nothing_to_roll_back" },
    });
    expect(wanted(expectOk(rollBackView(once, NAME, 3_001))), "without a number it is there and back").toEqual([2, 1]);
  });
});

describe("a rollback meanwhile", () => {
  const request = { ...manual, view: FROM_TABLETS, promote: "auto", promoteIf: { rowsChangedMax: 0.5 } } as const;

  it("lets a replay wait that was to be promoted for changing little: what it was compared with does not answer", () => {
    const { state } = expectOk(startReplay(second, request, 3_000));
    expect(job(done(state, `${NAME}-3`), 3)?.state, "without a rollback").toBe("promoted");
    const held = done(expectOk(rollBackView(state, NAME, 3_001)), `${NAME}-3`);
    expect(job(held, 3)).toMatchObject({
      state: "caught-up",
      held: "it was compared with generation 2, and generation 1 answers",
    });
    expect(expectOk(promoteReplay(held, `${NAME}-3`, 3_002)).job.state, "by hand").toBe("promoted");
    const there = expectOk(rollBackView(expectOk(rollBackView(state, NAME, 3_001)), NAME, 3_002));
    expect(job(done(there, `${NAME}-3`), 3)?.state, "there and back").toBe("promoted");
  });
});
