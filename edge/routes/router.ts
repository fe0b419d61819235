/**
 * Hono's router with a memory. Finding the handlers of a path takes its trie as long as parsing a click, and nearly all
 * requests are for a few paths: the streams' events.
 *
 * Remembers what was found, which depends on nothing but method and path. Lacks routing: that is the router's behind it.
 */
import type { Result, Router } from "hono/router";
import { ROUTER_LIMITS } from "./limits.ts";

export class RememberingRouter<T> implements Router<T> {
  readonly name = "RememberingRouter";
  readonly #router: Router<T>;
  readonly #found = new Map<string, Result<T>>();

  constructor(router: Router<T>) {
    this.#router = router;
  }

  add(method: string, path: string, handler: T): void {
    this.#router.add(method, path, handler);
    this.#found.clear();
  }

  match(method: string, path: string): Result<T> {
    const request = `${method} ${path}`;
    const known = this.#found.get(request);
    if (known !== undefined) return known;
    const found = this.#router.match(method, path);
    if (request.length > ROUTER_LIMITS.pathLengthMax) return found;
    // Whoever asks for paths without end empties it, and slows down nobody but to what it was without a memory.
    if (this.#found.size >= ROUTER_LIMITS.pathsMax) this.#found.clear();
    this.#found.set(request, found);
    return found;
  }
}
