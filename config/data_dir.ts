import { randomBytes } from "node:crypto";
import type { KeptKeys } from "./config.ts";

export class DataDirInUseError extends Error {
  override name = "DataDirInUseError";
  constructor(dataDir: string) {
    super(
      `${dataDir} is in use by another Plaza process; stop it, or set DATA_DIR to a folder of its own`,
    );
  }
}

/** The folder cannot be made, read or written, for the reason the message gives. */
export class DataDirError extends Error {
  override name = "DataDirError";
  constructor(dataDir: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message || cause.name : String(cause);
    super(`DATA_DIR (${dataDir}) cannot be used: ${reason.split("\n")[0]}`, { cause });
  }
}

const OWNER_ONLY = 0o600;
const OWNERS_FOLDER = 0o700;
/** What a group and others may do, in a file's mode. */
const OTHERS = 0o077;

/**
 * Takes the folder for this process alone; the lock goes with the process, however that ends.
 * @throws {DataDirInUseError}
 * @throws {DataDirError}
 */
export async function lockDataDir(dataDir: string): Promise<void> {
  try {
    await Deno.mkdir(dataDir, { recursive: true, mode: OWNERS_FOLDER });
    const file = await Deno.open(`${dataDir}/lock`, { create: true, write: true });
    if (await file.tryLock(true)) return;
    file.close();
  } catch (error) {
    throw new DataDirError(dataDir, error);
  }
  throw new DataDirInUseError(dataDir);
}

/**
 * Takes from the group and from others what they may do with the folder and all that is in it.
 * Versions of before made it as the umask said, for every account of the machine to read and write.
 * @returns what was done, or could not be, for whoever starts Plaza; undefined: nothing was open
 */
export function keepToOwner(dataDir: string): string | undefined {
  try {
    // What a closed folder holds is out of their reach; walking through it takes a start its time.
    if (!closeToOthers(dataDir)) return undefined;
    let count = 1;
    for (const path of allInside(dataDir)) count += closeToOthers(path) ? 1 : 0;
    return `${dataDir} was open to other accounts of this machine: ${count} files and folders are ` +
      "their owner's alone now";
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    return `${dataDir} stays open to other accounts of this machine: ${(error as Error).message}`;
  }
}

function* allInside(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const path = `${folder}/${entry.name}`;
    // A link's own mode says nothing, and what it leads to need not be ours.
    if (entry.isDirectory || entry.isFile) yield path;
    if (entry.isDirectory) yield* allInside(path);
  }
}

function closeToOthers(path: string): boolean {
  const { mode } = Deno.statSync(path);
  if (mode === null || (mode & OTHERS) === 0) return false;
  Deno.chmodSync(path, mode & 0o7777 & ~OTHERS);
  return true;
}

/**
 * The secret key kept in the folder; made there the first time.
 * @throws {DataDirError}
 */
export function keepKeys(dataDir: string): KeptKeys {
  const path = `${dataDir}/keys.json`;
  const made: KeptKeys = { secretKey: randomBytes(32).toString("hex") };
  try {
    Deno.mkdirSync(dataDir, { recursive: true, mode: OWNERS_FOLDER });
    Deno.writeTextFileSync(path, JSON.stringify(made), { createNew: true, mode: OWNER_ONLY });
    return made;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw new DataDirError(dataDir, error);
  }
  try {
    return JSON.parse(Deno.readTextFileSync(path));
  } catch (error) {
    throw new DataDirError(dataDir, error);
  }
}

export interface Credentials {
  operator: { token: string };
  ops_key: { id: string; secret: string };
  partner: { appid: number; appsecret: string };
  demo_group_id: string;
}

const credentialsPath = (dataDir: string) => `${dataDir}/credentials.json`;

export async function readCredentials(dataDir: string): Promise<Credentials | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(credentialsPath(dataDir)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Readable by the owner alone; replaced as a whole, so a crash leaves the old or the new. */
export async function writeCredentials(dataDir: string, credentials: Credentials): Promise<void> {
  const path = credentialsPath(dataDir);
  const text = JSON.stringify(credentials, null, 2) + "\n";
  try {
    await Deno.writeTextFile(`${path}.new`, text, { mode: OWNER_ONLY });
    await Deno.rename(`${path}.new`, path);
  } catch (error) {
    throw new DataDirError(dataDir, error);
  }
}
