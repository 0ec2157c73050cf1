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

const OWNER_ONLY = 0o600;

/**
 * Takes the folder for this process alone; the lock goes with the process, however that ends.
 * @throws {DataDirInUseError}
 */
export async function lockDataDir(dataDir: string): Promise<void> {
  await Deno.mkdir(dataDir, { recursive: true });
  const file = await Deno.open(`${dataDir}/lock`, { create: true, write: true });
  if (!await file.tryLock(true)) {
    file.close();
    throw new DataDirInUseError(dataDir);
  }
}

/** The secret key kept in the folder; made there the first time. */
export function keepKeys(dataDir: string): KeptKeys {
  Deno.mkdirSync(dataDir, { recursive: true });
  const path = `${dataDir}/keys.json`;
  const made: KeptKeys = { secretKey: randomBytes(32).toString("hex") };
  try {
    Deno.writeTextFileSync(path, JSON.stringify(made), { createNew: true, mode: OWNER_ONLY });
    return made;
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    return JSON.parse(Deno.readTextFileSync(path));
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
  await Deno.writeTextFile(`${path}.new`, JSON.stringify(credentials, null, 2) + "\n", {
    mode: OWNER_ONLY,
  });
  await Deno.rename(`${path}.new`, path);
}
