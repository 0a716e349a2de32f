import { createRequire } from "node:module";
import { createClient, createCluster } from "redis";
import { beforeAll, vi } from "vitest";
import { installOnce } from "../../.ci/install-once.ts";
import {
  type GlideLike,
  glideOptions,
  nodeRedisClusterOptions,
  nodeRedisOptions,
  type OtherRedisClient,
} from "../../src/redis.ts";

interface Address {
  readonly host: string;
  readonly port: number;
}

/** A connected client, with what a test asks of it whatever its make. */
export interface OtherTestClient extends AsyncDisposable {
  readonly client: OtherRedisClient;
  /** True while commands reach Redis. */
  works(): Promise<boolean>;
}

/** A make of clients beside ioredis. */
export interface ClientMake {
  readonly name: string;
  /** Connects to one server, with the recommended settings. */
  connect(to: { readonly port: number }): Promise<OtherTestClient>;
  /** @param natMap - Where the client is to connect instead, by the address that the nodes give themselves. */
  connectCluster(nodes: readonly Address[], natMap?: Record<string, Address>): Promise<OtherTestClient>;
}

/** node-redis and Valkey GLIDE. */
export const otherMakes: readonly ClientMake[] = [
  {
    name: "node-redis",
    async connect({ port }) {
      const client = createClient({ url: `redis://127.0.0.1:${port}`, ...nodeRedisOptions() });
      client.on("error", () => undefined);
      await client.connect();
      return {
        client,
        works: async () => client.isReady,
        [Symbol.asyncDispose]: async () => client.destroy(),
      };
    },
    async connectCluster(nodes, natMap = {}) {
      const cluster = createCluster({
        rootNodes: nodes.map((node) => ({ socket: natMap[`${node.host}:${node.port}`] ?? node })),
        nodeAddressMap: (address) => natMap[address],
        ...nodeRedisClusterOptions(),
      });
      cluster.on("error", () => undefined);
      await cluster.connect();
      return {
        client: cluster,
        works: async () => cluster.masters.every(({ client }) => client?.isReady === true),
        [Symbol.asyncDispose]: async () => cluster.destroy(),
      };
    },
  },
  {
    name: "Valkey GLIDE",
    connect: async ({ port }) => {
      const { GlideClient } = glide();
      return glideTestClient(
        await GlideClient.createClient({
          addresses: [{ host: "127.0.0.1", port }],
          ...glideOptions({ requestTimeout }),
        }),
      );
    },
    connectCluster: async (nodes, natMap = {}) => {
      const { GlideClusterClient } = glide();
      return glideTestClient(
        await GlideClusterClient.createClient({
          addresses: nodes,
          addressResolver: (host: string, port: number) => {
            const to = natMap[`${host}:${port}`];
            return to === undefined ? [host, port] : [to.host, to.port];
          },
          ...glideOptions({ requestTimeout }),
        }),
      );
    },
  },
];

/** Shorter than the timeout of the repositories under test. Milliseconds. */
const requestTimeout = 400;

interface GlideMaker {
  createClient(configuration: object): Promise<GlideLike>;
}

interface Glide {
  readonly GlideClient: GlideMaker;
  readonly GlideClusterClient: GlideMaker;
  readonly Logger: { init(level: string): void };
}

/**
 * Makes both makes of clients ready. The servers of the file are those of Valkey where it is installed: ioredis has its tests
 * on Redis.
 */
export function useOtherClients(): void {
  vi.stubEnv("REDIS_PROGRAM", "valkey-server");
  useGlide();
}

/** Installs Valkey GLIDE, where no test has done so before, and has it log nothing. */
export function useGlide(): void {
  beforeAll(async () => {
    await installOnce("test/redis-clients");
    glide().Logger.init("off");
  }, 300_000);
}

/** Valkey GLIDE. It is not installed with a clone, so its types are not at hand. */
export function glide(): Glide {
  return createRequire(new URL("../redis-clients/package.json", import.meta.url))("@valkey/valkey-glide");
}

function glideTestClient(client: GlideLike): OtherTestClient {
  return {
    client,
    // A key on each of three nodes.
    works: async () => {
      const answers = ["a", "b", "c"].map((key) => client.customCommand(["GET", key]));
      return (await Promise.allSettled(answers)).every(({ status }) => status === "fulfilled");
    },
    [Symbol.asyncDispose]: async () => client.close(),
  };
}
