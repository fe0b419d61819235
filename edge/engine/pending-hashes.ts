/**
 * Hashes that wait to be given to their groups, in the order in which they came; see distinct.ts. The lists of tables that are
 * closed serve those that are opened next, and one pair of arrays serves all sorting, because only one list is sorted at a time.
 */
const ROOM_MIN = 1_024;
/** Lists that are kept for the next table, of about as many as are open at a time. */
const SPARE_MAX = 32;

interface Room {
  readonly groups: Uint32Array;
  /** Two words a hash. */
  readonly words: Uint32Array;
}

const NO_ROOM: Room = { groups: new Uint32Array(0), words: new Uint32Array(0) };

const spare: Room[] = [];
let sortedWords = new Uint32Array(0);
let sortedEnds = new Uint32Array(0);

export class PendingHashes {
  count = 0;
  #room = NO_ROOM;

  get groups(): Uint32Array {
    return this.#room.groups;
  }

  get words(): Uint32Array {
    return this.#room.words;
  }

  /** How many more there is room for. */
  get free(): number {
    return this.groups.length - this.count;
  }

  /** Makes room for `count` more. */
  reserve(count: number): void {
    if (count <= this.free) return;
    let length = ROOM_MIN;
    while (length < this.count + count) length *= 2;
    let room = this.#room === NO_ROOM ? spare.pop() : undefined;
    if (room === undefined || room.groups.length < length) {
      room = { groups: new Uint32Array(length), words: new Uint32Array(2 * length) };
    }
    room.groups.set(this.groups.subarray(0, this.count));
    room.words.set(this.words.subarray(0, 2 * this.count));
    this.#room = room;
  }

  push(group: number, low: number, high: number): void {
    this.reserve(1);
    this.groups[this.count] = group;
    this.words[2 * this.count] = low;
    this.words[2 * this.count + 1] = high;
    this.count++;
  }

  /** Lets go of the room; nothing must be pending. */
  release(): void {
    if (this.#room !== NO_ROOM && spare.length < SPARE_MAX) spare.push(this.#room);
    this.#room = NO_ROOM;
  }

  /**
   * The hashes by group, and where those of each group end, counted in hashes. Both are overwritten by the next sorting.
   *
   * @param groupCount groups are below it
   */
  sorted(groupCount: number): { readonly words: Uint32Array; readonly ends: Uint32Array } {
    const { count, groups, words } = this;
    if (sortedWords.length < 2 * count) sortedWords = new Uint32Array(4 * count);
    if (sortedEnds.length <= groupCount) sortedEnds = new Uint32Array(2 * groupCount + 1);
    const into = sortedWords;
    // Places begin where those of the group before end, and are where each group ends when all are placed.
    const places = sortedEnds.fill(0, 0, groupCount + 1);
    for (let i = 0; i < count; i++) {
      const next = (groups[i] as number) + 1;
      places[next] = (places[next] as number) + 1;
    }
    for (let group = 1; group <= groupCount; group++) {
      places[group] = (places[group] as number) + (places[group - 1] as number);
    }
    for (let i = 0; i < count; i++) {
      const group = groups[i] as number;
      const place = places[group] as number;
      places[group] = place + 1;
      into[2 * place] = words[2 * i] as number;
      into[2 * place + 1] = words[2 * i + 1] as number;
    }
    return { words: into, ends: places };
  }
}
