import type { InvalidationConnection, InvalidationSubscriber } from "../../src/storage/cached/invalidation.ts";
import { until } from "./redis-topologies.ts";

/** Writes down what an invalidation channel says. */
export class RecordingSubscriber implements InvalidationSubscriber {
  readonly heard: (string | "all")[] = [];
  readonly connections: InvalidationConnection[] = [];

  onInvalidate(names: Iterable<string> | "all"): void {
    if (names === "all") this.heard.push("all");
    else this.heard.push(...names);
  }

  onConnectionChange(connection: InvalidationConnection): void {
    this.connections.push(connection);
  }

  /** Resolves once the name was heard. */
  async hears(name: string): Promise<void> {
    await until(() => this.heard.includes(name));
  }

  /** Resolves once the last word on the connection is this one. */
  async is(connection: InvalidationConnection): Promise<void> {
    await until(() => this.connections.at(-1) === connection);
  }

  /** Forgets everything, so that what follows stands alone. */
  clear(): void {
    this.heard.length = 0;
    this.connections.length = 0;
  }
}
