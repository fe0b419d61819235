/**
 * The least that a Worker of Headwater's shape can do and still be told apart from one that does nothing: parse the request's
 * JSON, one call to one Durable Object, one row for all the requests that wait together, a reply when that row is durable. What
 * it takes is the platform's own price; what Headwater takes beyond it is Headwater's.
 *
 * Lacks keys, validation, exactly-once, columns, dictionaries and views: it stores what came, and could not answer anything.
 *
 * JavaScript, because workerd runs it as it stands.
 */
import { DurableObject } from "cloudflare:workers";

/** As the partition's group commit: see `edge/partition/group-commit.ts`. */
const SHARED_GAP_MS = 2;

export default {
  async fetch(request, env) {
    const body = new Uint8Array(await request.arrayBuffer());
    const { events } = JSON.parse(new TextDecoder().decode(body));
    return Response.json(await env.LOG.getByName("clicks").append(body, events.length));
  },
};

export class FloorLog extends DurableObject {
  #waiting = [];
  #running = false;

  constructor(ctx, env) {
    super(ctx, env);
    ctx.storage.sql.exec("CREATE TABLE IF NOT EXISTS log (id INTEGER PRIMARY KEY, count INTEGER, batch BLOB) STRICT");
  }

  append(body, count) {
    return new Promise((resolve) => {
      this.#waiting.push({ body, count, resolve });
      if (!this.#running) void this.#run();
    });
  }

  async #run() {
    this.#running = true;
    while (this.#waiting.length > 0) {
      const group = this.#take();
      this.#commit(group);
      const gap = group.length > 1 ? scheduler.wait(SHARED_GAP_MS) : null;
      await Promise.all([this.ctx.storage.sync(), gap]);
    }
    this.#running = false;
  }

  /** As many as one row has room for. */
  #take() {
    let bytes = 0;
    let taken = 0;
    while (taken < this.#waiting.length) {
      bytes += this.#waiting[taken].body.byteLength;
      if (taken > 0 && bytes > 1_000_000) break;
      taken += 1;
    }
    return this.#waiting.splice(0, taken);
  }

  #commit(group) {
    const batch = new Uint8Array(group.reduce((sum, { body }) => sum + body.byteLength, 0));
    let count = 0;
    let at = 0;
    for (const waiting of group) {
      batch.set(waiting.body, at);
      at += waiting.body.byteLength;
      count += waiting.count;
    }
    this.ctx.storage.sql.exec("INSERT INTO log (count, batch) VALUES (?, ?)", count, batch);
    for (const { resolve, count: accepted } of group) resolve({ accepted });
  }
}
