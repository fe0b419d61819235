/**
 * What the build of a generation leaves out because the log has lost records of it, and who answers that instead: whole windows of the
 * generation before, or nobody. Lacks the generations' lives: views.ts.
 */
import { addInterval, clip, coarsen, DAY_MS, type Intervals, subtract, toWindows, type ViewSpec } from "#engine";
import { type CarriedWindows, clipCarried, type Generation, isSameTable } from "./generation.ts";
import { PARTITION_LIMITS } from "./limits.ts";
import type { GenerationConfig } from "./rpc.ts";

/** Whether the windows of one generation can stand among those of another. */
const canTakeOver = (config: GenerationConfig, origin: Generation | undefined): origin is Generation =>
  origin?.isLive === true && isSameTable(config.spec, origin.config.spec);

/**
 * The windows that a build leaves out, whole ones. Where the generation that it may have them from has rolled windows up, they are
 * as wide as its own: one that was rolled up cannot be carried over in part.
 *
 * @param byId generations by their row ids
 */
export function excludedFrom(
  config: GenerationConfig,
  trimmed: Intervals,
  origin: Generation | undefined,
  byId: (id: number) => Generation | undefined,
): Intervals {
  const { windowMs } = config.spec;
  const lost = toWindows(affectedBy(trimmed, config.spec), windowMs);
  const before = config.from === null ? 0 : Math.floor(config.from / windowMs) * windowMs;
  const excluded = addInterval(lost, { from: 0, to: before });
  if (!canTakeOver(config, origin)) return excluded;
  const windowAt = (time: number) => {
    const [carried] = clipCarried(origin.record.carried, time, time + 1);
    const source = carried === undefined ? origin : byId(carried.id);
    return source?.wideWindowAt(time) ?? { from: time, to: time };
  };
  return excluded.reduce<Intervals>((sum, { from, to }) => {
    const last = windowAt(to);
    return addInterval(sum, { from: windowAt(from).from, to: last.from === to ? to : last.to });
  }, []);
}

/** Event times of which something may depend on lost records: a rule that needs order looks that far around each. */
function affectedBy(lost: Intervals, { spam, session }: ViewSpec): Intervals {
  // No session goes beyond its day.
  if (session !== undefined) return toWindows(lost, DAY_MS);
  const within = spam?.within ?? 0;
  return lost.map(({ from, to }) => ({ from: Math.max(0, from - within), to: to + within }));
}

/** Which of the windows that a build had to leave out are answered from the origin, and which by nobody. */
export function takeOver(
  excluded: Intervals,
  config: GenerationConfig,
  origin: Generation | undefined,
): { readonly carried: readonly CarriedWindows[]; readonly missing: Intervals } {
  if (!canTakeOver(config, origin)) return { carried: [], missing: excluded };
  const older = origin.record;
  const carried: CarriedWindows[] = [];
  let missing: Intervals = [];
  for (const { from, to } of excluded) {
    const own = subtract([{ from, to }], older.excluded);
    carried.push(...own.map((part) => ({ ...part, id: origin.id, generation: origin.config.generation })));
    carried.push(...clipCarried(older.carried, from, to));
    missing = union(missing, clip(older.missing, from, to));
  }
  return { carried: carried.sort((a, b) => a.from - b.from), missing };
}

/**
 * Times at which a generation's windows must not become one: where what it leaves out, or what another carries over from it or from
 * others, begins or ends.
 */
export const divisionsOf = ({ config }: Generation, all: readonly Generation[]): readonly number[] =>
  all
    .filter((other) => other.config.view === config.view)
    .flatMap(({ record }) => [...record.excluded, ...record.carried])
    .flatMap(({ from, to }) => [from, to]);

/** Of two bounded lists, another: what it covers beyond both is the price. */
export const union = (a: Intervals, b: Intervals): Intervals =>
  coarsen(
    b.reduce<Intervals>((sum, { from, to }) => addInterval(sum, { from, to }), a),
    PARTITION_LIMITS.trimmedIntervalsMax,
  );
