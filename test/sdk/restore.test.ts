import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CLEARED_LIMITS } from "../../sdk/log/limits.ts";
import type { Held, LogRecord, LogState } from "../../sdk/log/log.ts";
import { endOf, freshState } from "../../sdk/log/plan.ts";
import { afterClearing, awaitsRestores, planRestore, retire } from "../../sdk/log/restore.ts";

const seen: LogState = { ...freshState("old", "log-1"), next: 10, acknowledged: 2, floor: 2, events: 8, bytes: 80 };
const cleared = afterClearing(seen, "log-2", 1_000);
const commit = (sequence: number, count: number, commitId = `commit-${sequence}`) => ({
  sequence,
  commitId,
  events: Array.from({ length: count }, (_, i) => `{"n":${sequence + i}}`),
});
const held = (...commits: Held["commits"]): Held => ({ producerId: "old", floor: 2, commits });
const sequences = (records: readonly LogRecord[]) => records.map((record) => [record.sequence, endOf(record)]);

describe("a log in a storage that was cleared", () => {
  it("counts all that it held as lost, until somebody puts it back", () => {
    expect(cleared).toMatchObject({ logId: "log-2", producerId: "old", next: 10, events: 0, lost: { cleared: 8 } });
    const { state } = planRestore(cleared, [], held(commit(2, 3), commit(5, 5)), 1);
    expect(state).toMatchObject({ events: 8, floor: 2, next: 10, lost: {} });
  });

  it("puts events back under the sequences that they had, a commit acknowledged in part included", () => {
    const { records, state } = planRestore(cleared, [], held(commit(0, 4), commit(7, 2)), 1);
    expect(sequences(records)).toEqual([
      [0, 4],
      [7, 9],
    ]);
    expect(state).toMatchObject({ events: 4, floor: 2, lost: { cleared: 4 } });
  });

  it("appends what comes too late for that, without what was acknowledged", () => {
    const anew = freshState("new", "log-3");
    const { records, state } = planRestore(anew, [], held(commit(0, 4)), 1);
    expect(sequences(records)).toEqual([[0, 2]]);
    expect(records[0]?.events).toEqual(['{"n":2}', '{"n":3}']);
    expect(state).toMatchObject({ producerId: "new", events: 2, next: 2 });
  });

  it("makes room for another tab that was faster", () => {
    const first = planRestore(cleared, [], held(commit(4, 4, "theirs")), 1);
    const second = planRestore(first.state, first.records, held(commit(4, 2, "ours")), 1);
    expect(sequences(second.records)).toEqual([[10, 12]]);
    expect(second.state).toMatchObject({ events: 6, next: 12 });
  });

  it("adds up, and changes nothing when it is asked again", () => {
    const commits = fc.array(fc.record({ sequence: fc.nat(12), count: fc.integer({ min: 1, max: 4 }) }), {
      maxLength: 5,
    });
    fc.assert(
      fc.property(commits, (drawn) => {
        const disjoint = drawn
          .toSorted((a, b) => a.sequence - b.sequence)
          .filter(({ sequence }, i, all) => i === 0 || sequence >= (all[i - 1]?.sequence ?? 0) + 4);
        const given = held(...disjoint.map(({ sequence, count }) => commit(sequence, count)));
        const once = planRestore(cleared, [], given, 1);
        const unacknowledged = once.records.reduce((sum, r) => sum + endOf(r) - Math.max(r.sequence, 2), 0);
        expect(once.state.events).toBe(unacknowledged);
        const twice = planRestore(once.state, once.records, given, 2);
        expect(twice.records).toEqual([]);
        expect(twice.state).toEqual(once.state);
      }),
    );
  });

  it("waits with sending until all pages had time to put back what they hold", () => {
    expect(awaitsRestores(cleared, 1_000)).toBe(true);
    expect(awaitsRestores(cleared, 1_000 + CLEARED_LIMITS.restoreMaxMs)).toBe(false);
    // A clock that was set back must not stop it for longer than that.
    expect(awaitsRestores(cleared, 1_000 - CLEARED_LIMITS.restoreMaxMs)).toBe(false);
    expect(awaitsRestores(seen, 1_000)).toBe(false);
  });

  it("takes a new producer id once nothing is held under the old one, and still declares what was lost", () => {
    const retired = retire(cleared, "new");
    expect(retired).toMatchObject({ producerId: "new", retiring: false, next: 8, floor: 8, acknowledged: 0 });
    expect(retire({ ...cleared, events: 1 }, "new").producerId).toBe("old");
    expect(retire({ ...seen, events: 0 }, "new").producerId).toBe("old");
  });
});
