import { accessSync, constants, statfsSync } from "node:fs";
import { tmpdir } from "node:os";

/** Linux keeps what is below in memory. */
const inMemory = "/dev/shm";

/** What the database files of all workers together may take, in bytes. Containers have 64 MiB there unless told otherwise. */
const needed = 512 * 1024 * 1024;

/**
 * Where tests keep the files of databases: in memory where there is room, since the tests of SQLite wait most of their time for
 * the disk. A process that is killed loses no more there than on a disk, and no test cuts the power.
 */
export function fastDisk(): string {
  try {
    accessSync(inMemory, constants.W_OK);
    const { bavail, bsize } = statfsSync(inMemory);
    return bavail * bsize >= needed ? inMemory : tmpdir();
  } catch {
    return tmpdir();
  }
}
