import { randomBytes, randomUUID } from "node:crypto";
import { hmacHex, sameSecret } from "../config/keys.ts";
import { mediaTypeOf, SIGNATURE_BYTES } from "./file_types.ts";
import type { Storage } from "./storage.ts";

const UPLOAD_BYTES_MAX = 32 * 1024 * 1024;
const KEY_LENGTH_MAX = 200;
/** No dots but the one before the extension, so no key leads out of the folder. */
const KEY = /^(?:[a-z0-9][a-z0-9_-]*\/)+[a-z0-9][a-z0-9_-]*\.[a-z0-9]{1,8}$/;

export type UploadFailure = "forbidden" | "wrong_type" | "expired" | "too_large" | "no_image";

class UploadRefusedError extends Error {
  constructor(readonly reason: UploadFailure) {
    super(reason);
  }
}

export interface Upload {
  key: string;
  expires: string;
  signature: string;
  /** The type that was granted. */
  type: string;
  /** The type it comes as. */
  contentType: string;
  /** What `Content-Length` promises, if it was sent. */
  byteCount: number | undefined;
  content: AsyncIterable<Uint8Array>;
}

/** A storage in a folder of ours, for machines without an account at Aliyun. */
export interface DevelopmentStorage extends Storage {
  /**
   * Keeps an upload whose address was granted; all of it or nothing.
   * @returns why it was not kept, if so
   */
  keep(upload: Upload): Promise<UploadFailure | undefined>;
  /** A picture. */
  read(key: string): Promise<ReadFile | undefined>;
  /** A file of any kind; without a type one that nobody's page shall show. */
  readAny(
    key: string,
  ): Promise<Partial<Pick<ReadFile, "contentType">> & ReadFileContent | undefined>;
}

interface ReadFileContent {
  content: ReadableStream<Uint8Array<ArrayBuffer>>;
}

interface ReadFile extends ReadFileContent {
  contentType: string;
}

export function developmentStorage(
  folder: string,
  { now = () => new Date() }: { now?: () => Date } = {},
): DevelopmentStorage {
  const secret = randomBytes(32);
  const signatureOf = (key: string, contentType: string, expires: string) =>
    hmacHex(secret, JSON.stringify([key, contentType, expires]));
  const readAny = async (key: string) => {
    if (!isKey(key)) return undefined;
    const path = `${folder}/${key}`;
    try {
      const contentType = await typeOf(path);
      return {
        content: (await Deno.open(path)).readable,
        ...contentType !== undefined && { contentType },
      };
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  };
  return {
    signPut({ key, contentType = "", expiresInMs, origin }) {
      const expires = String(now().getTime() + expiresInMs);
      const query = new URLSearchParams({
        expires,
        type: contentType,
        signature: signatureOf(key, contentType, expires),
      });
      const publicUrl = publicUrlOf({ key, origin });
      return { uploadUrl: `${publicUrl}?${query}`, publicUrl };
    },
    publicUrlOf,
    async put({ key, content }) {
      if (!isKey(key)) throw new RangeError("no key of ours");
      await writeWhole(`${folder}/${key}`, content);
    },
    async keep({ key, expires, signature, type, contentType, byteCount = 0, content }) {
      const isGranted = isKey(key) && sameSecret(signature, signatureOf(key, type, expires));
      if (!isGranted) return "forbidden";
      if (contentType.toLowerCase() !== type) return "wrong_type";
      if (now().getTime() >= Number(expires)) return "expired";
      if (byteCount > UPLOAD_BYTES_MAX) return "too_large";
      try {
        await writeWhole(`${folder}/${key}`, content, { isPicture: true });
      } catch (error) {
        if (error instanceof UploadRefusedError) return error.reason;
        throw error;
      }
    },
    async read(key) {
      const file = await readAny(key);
      if (isPicture(file?.contentType)) return file as ReadFile;
      await file?.content.cancel();
      return undefined;
    },
    readAny,
  };
}

const publicUrlOf = ({ key, origin }: { key: string; origin: string }) =>
  `${origin}/dev/upload/${key}`;

const isPicture = (contentType: string | undefined) => contentType?.startsWith("image/") ?? false;

function isKey(key: string): boolean {
  return key.length <= KEY_LENGTH_MAX && KEY.test(key);
}

/** Under its name there is the whole file or none: it is moved there when it is complete. */
async function writeWhole(
  path: string,
  content: AsyncIterable<Uint8Array>,
  { isPicture: mustBePicture = false } = {},
) {
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  const unfinished = `${path}.${randomUUID()}`;
  try {
    using file = await Deno.open(unfinished, { createNew: true, write: true });
    let byteCount = 0;
    for await (const chunk of content) {
      byteCount += chunk.length;
      if (byteCount > UPLOAD_BYTES_MAX) throw new UploadRefusedError("too_large");
      await writeAll(file, chunk);
    }
    if (mustBePicture && !isPicture(await typeOf(unfinished))) {
      throw new UploadRefusedError("no_image");
    }
    await Deno.rename(unfinished, path);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {});
    throw error;
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array) {
  for (let at = 0; at < bytes.length;) at += await file.write(bytes.subarray(at));
}

async function typeOf(path: string): Promise<string | undefined> {
  using file = await Deno.open(path);
  const head = new Uint8Array(SIGNATURE_BYTES);
  await file.read(head);
  return mediaTypeOf(head);
}
