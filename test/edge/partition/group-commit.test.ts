import { expect, test } from "vitest";
import { GroupCommit } from "../../../edge/partition/group-commit.ts";

/** A storage whose synchronizations end when the test says so. */
function committer(overrides: { waitingRequestsMax?: number; commitRecordsMax?: number; fails?: boolean } = {}) {
  const commits: number[][] = [];
  const syncs: (() => void)[] = [];
  const waits: number[] = [];
  const group = new GroupCommit<number, string>({
    commit: (requests) => {
      if (overrides.fails === true) throw new Error("disk full");
      commits.push([...requests]);
      return requests.map((request) => `took ${request}`);
    },
    sync: () => new Promise((resolve) => syncs.push(resolve)),
    wait: (ms) => Promise.resolve(void waits.push(ms)),
    sharedGapMs: 2,
    recordsOf: () => 1,
    weightOf: (request) => request,
    waitingRequestsMax: overrides.waitingRequestsMax ?? 100,
    waitingWeightMax: 1_000,
    commitRequestsMax: 4,
    commitRecordsMax: overrides.commitRecordsMax ?? 100,
  });
  const synced = async () => {
    syncs.shift()?.();
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  return { group, commits, waits, synced };
}

test("an idle object commits at once; what comes meanwhile waits for the disk, and goes together", async () => {
  const { group, commits, waits, synced } = committer();
  const first = group.add(1);
  expect(commits).toEqual([[1]]);
  const others = [2, 3, 4].map((request) => group.add(request));
  expect(commits).toEqual([[1]]);
  expect(await first).toBe("took 1");
  await synced();
  expect(commits).toEqual([[1], [2, 3, 4]]);
  expect(await Promise.all(others)).toEqual(["took 2", "took 3", "took 4"]);
  // Only after a commit that was shared a little time passes.
  expect(waits).toEqual([2]);
  await synced();
  void group.add(5);
  expect(commits.at(-1)).toEqual([5]);
  expect(waits).toEqual([2]);
});

test("a commit is bounded in requests and records; the rest goes with the next", async () => {
  const { group, commits, synced } = committer();
  for (let request = 1; request <= 7; request++) void group.add(request);
  await synced();
  await synced();
  expect(commits).toEqual([[1], [2, 3, 4, 5], [6, 7]]);
  const small = committer({ commitRecordsMax: 2 });
  for (let request = 1; request <= 4; request++) void small.group.add(request);
  await small.synced();
  expect(small.commits).toEqual([[1], [2, 3]]);
});

test("too much that waits is refused at once, but a single request never", async () => {
  const { group, synced } = committer({ waitingRequestsMax: 2 });
  void group.add(1);
  expect(group.add(5_000)).not.toBeNull();
  expect(group.add(2)).toBeNull();
  await synced();
  expect(group.add(3)).not.toBeNull();
  expect(group.add(4)).not.toBeNull();
  expect(group.add(5)).toBeNull();
});

test("if a commit fails, everyone who waits is told", async () => {
  const { group } = committer({ fails: true });
  await expect(group.add(1)).rejects.toThrow("disk full");
});
