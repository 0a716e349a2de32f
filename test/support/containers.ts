import { createRequire } from "node:module";
import { connect } from "node:net";
import { installOnce } from "../../.ci/install-once.ts";

/** A container that runs. */
export interface RunningContainer {
  getHost(): string;
  getMappedPort(port: number): number;
  stop(): Promise<unknown>;
}

/** The part of testcontainers that the tests use. It is installed where a Docker engine runs, and nowhere else. */
interface Containers {
  readonly GenericContainer: new (image: string) => ContainerToStart;
  readonly Wait: { forLogMessage(message: RegExp, times: number): unknown };
}

interface ContainerToStart {
  withEnvironment(environment: Readonly<Record<string, string>>): ContainerToStart;
  withExposedPorts(port: number): ContainerToStart;
  withWaitStrategy(strategy: unknown): ContainerToStart;
  start(): Promise<RunningContainer>;
}

/** What container to start, and when it is ready. */
export interface ContainerSettings {
  readonly image: string;
  readonly port: number;
  readonly environment?: Readonly<Record<string, string>>;
  /** The container is ready when its log has had this so many times. */
  readonly ready: readonly [message: RegExp, times: number];
}

/** Starts a container with testcontainers. */
export async function startContainer({
  image,
  port,
  environment,
  ready,
}: ContainerSettings): Promise<RunningContainer> {
  await installOnce("test/containers");
  const { GenericContainer, Wait }: Containers = createRequire(new URL("../containers/", import.meta.url))(
    "testcontainers",
  );
  return new GenericContainer(image)
    .withEnvironment(environment ?? {})
    .withExposedPorts(port)
    .withWaitStrategy(Wait.forLogMessage(...ready))
    .start();
}

/** Asks the Docker engine's socket, since a `docker` program on the PATH says nothing about an engine. */
export function dockerAnswers(): Promise<boolean> {
  const host = process.env.DOCKER_HOST;
  if (host !== undefined && !host.startsWith("unix://")) return Promise.resolve(true);
  return new Promise((resolve) => {
    const socket = connect(host?.slice("unix://".length) ?? "/var/run/docker.sock");
    const answer = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(500, () => answer(false));
    socket.once("error", () => answer(false));
    socket.once("data", (data) => answer(data.toString().startsWith("HTTP/1.1 200")));
    socket.once("connect", () => socket.write("GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"));
  });
}
