import { z } from "zod";
import { randomHex32 } from "../../config/keys.ts";
import { lazy } from "../../config/runtime/lazy.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { perUser } from "../../middleware/rate_limit.ts";
import type { DevelopmentStorage } from "../../providers/storage_development.ts";
import { Redirected, Streamed } from "../endpoint.ts";
import { imBaseUrlOf, originOf } from "../origin.ts";
import { endpoint, openEndpoint } from "./surface.ts";

const FILE_BYTES_MAX = 32 * 1024 * 1024;
const PATH_LENGTH_MAX = 500;
/** What files are for. */
const TYPES = ["chat", "common", "report", "moment", "momentcover", "sticker", "chatbg"] as const;
const NAME = /^[a-f0-9]{32}\.[a-z0-9]{1,8}$/;
/** Under a name there is never another file. */
const FOR_EVER = "public, max-age=31536000, immutable";
const OCTETS = "application/octet-stream";

const UploadQuery = z.object({
  type: z.enum(TYPES),
  path: z.string().max(PATH_LENGTH_MAX).default("")
    .describe("How the file is called; only what it ends with counts"),
});

/** Loaded with the first upload. */
const loadForms = lazy(() => import("../form_file.ts"));

/** The end of a name where it can stand in an address. */
function extensionOf(path: string): string {
  return /\.([a-z0-9]{1,8})$/.exec(path.toLowerCase())?.[1] ?? "bin";
}

const keyOf = (type: string, name: string) => `file/${type}/${name}`;

export const showUpload = endpoint({
  method: "get",
  path: "/file/upload",
  summary: "获取文件上传地址",
  description: "Not in the contract. Where the file goes, as a form, with the token.",
  query: UploadQuery,
  data: z.object({ url: z.string() }),
  handle({ query, ctx, request }) {
    const search = new URLSearchParams(query);
    return Promise.resolve({ url: `${imBaseUrlOf(ctx.config, request)}/file/upload?${search}` });
  },
});

export const upload = endpoint({
  method: "post",
  path: "/file/upload",
  summary: "上传文件",
  description: "Not in the contract. A form with the part `file`, up to 32 MiB. The name it is " +
    "kept under is ours, so that nobody guesses it or takes another one's place.",
  query: UploadQuery,
  takesFile: true,
  body: z.object({ file: z.string().meta({ format: "binary" }) }),
  data: z.object({ path: z.string().describe("Below where this was asked; what a payload says") }),
  rate: perUser(600, "1 h"),
  async handle({ query: { type, path }, request, providers }) {
    const { openUploadedFile, storeFile } = await loadForms();
    const file = await openUploadedFile(request, { bytesMax: FILE_BYTES_MAX });
    const name = `${randomHex32()}.${extensionOf(path)}`;
    await storeFile(providers.storage, {
      key: keyOf(type, name),
      contentType: file.mediaType ?? OCTETS,
      isAttachment: file.mediaType === undefined,
      content: file.content,
    });
    return { path: `file/preview/${type}/${name}` };
  },
});

export const read = openEndpoint({
  method: "get",
  path: "/file/preview/{type}/{name}",
  summary: "下载文件",
  description:
    "Not in the contract. Whoever knows the address. Pictures, sound and films come as " +
    "what they are, anything else to be saved.",
  params: z.object({ type: z.string(), name: z.string() }),
  data: z.string().meta({ format: "binary" }),
  answersFile: ["image/*", "audio/*", "video/*", OCTETS],
  redirects: true,
  errors: ["path_unknown"],
  async handle({ params: { type, name }, ctx, request, providers: { storage, uploads } }) {
    const isOurs = (TYPES as readonly string[]).includes(type) && NAME.test(name);
    if (!isOurs) throw new DomainError("path_unknown");
    const key = keyOf(type, name);
    if (uploads) return await readOwn(uploads, key);
    const location = storage.publicUrlOf({ key, origin: originOf(ctx.config, request) });
    return new Redirected(location, { "Cache-Control": FOR_EVER });
  },
});

async function readOwn(uploads: DevelopmentStorage, key: string): Promise<Streamed> {
  const file = await uploads.readAny(key);
  if (!file) throw new DomainError("path_unknown");
  return new Streamed(file.content, {
    "Content-Type": file.contentType ?? OCTETS,
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": FOR_EVER,
    ...file.contentType === undefined && { "Content-Disposition": "attachment" },
  });
}
