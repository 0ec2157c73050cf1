import { randomHex32, sha256Hex } from "../../config/keys.ts";
import { lazy } from "../../config/runtime/lazy.ts";
import { DomainError } from "../../db/domain/errors.ts";
import type { Storage } from "../../providers/storage.ts";
import { Redirected, Streamed } from "../endpoint.ts";

export const AVATAR_BYTES_MAX = 5 * 1024 * 1024;
/** What avatars may be, by what the file is. */
const EXTENSIONS: Record<string, string> = {
  "image/png": "png",
  "image/jpeg": "jpg",
  "image/gif": "gif",
  "image/webp": "webp",
};
/** An avatar's address stays; clients ask with another `v` when it has changed. */
const CACHED = { "Cache-Control": "public, max-age=300" };

const loadForms = lazy(() => import("../form_file.ts"));

/**
 * Keeps the picture of a form.
 *
 * @returns its address
 * @throws {DomainError} `params_invalid` for what is no picture, or too large a one,
 *   `request_malformed`, `service_unavailable`
 */
export async function keepAvatar(
  storage: Storage,
  { request, folder, origin }: { request: Request; folder: string; origin: string },
): Promise<string> {
  const { openUploadedFile, storeFile } = await loadForms();
  const file = await openUploadedFile(request, { bytesMax: AVATAR_BYTES_MAX });
  const extension = EXTENSIONS[file.mediaType ?? ""];
  if (extension === undefined) {
    await file.refuse();
    throw new DomainError("params_invalid", { message: "头像应为 PNG、JPEG、GIF 或 WebP 图片" });
  }
  const key = `image/${folder}/avatar/${randomHex32()}.${extension}`;
  const { content } = file;
  const contentType = file.mediaType!;
  await storeFile(storage, { key, contentType, isAttachment: false, content }).catch((error) => {
    const isTooLarge = error instanceof DomainError && error.kind === "request_too_large";
    // The client shows people what it reads at 400, and nothing else.
    throw isTooLarge ? new DomainError("params_invalid", { message: "头像不能超过 5 MiB" }) : error;
  });
  return storage.publicUrlOf({ key, origin });
}

/** The picture somebody has, or one drawn of their name; of whom nobody knows a neutral one. */
export function shownAvatar(
  { id, name, avatar, origin }: { id: string; name: string; avatar: string; origin: string },
): Streamed | Redirected {
  const location = addressOf(avatar, origin);
  if (location !== undefined) return new Redirected(location, CACHED);
  return new Streamed(new Blob([drawn(id, name)]).stream(), {
    "Content-Type": "image/svg+xml",
    "Content-Security-Policy": "default-src 'none'",
    ...CACHED,
  });
}

/** Clients also keep paths of ours, this one's own among them, which would lead back here. */
function addressOf(avatar: string, origin: string): string | undefined {
  const url = avatar === "" ? null : URL.parse(avatar, `${origin}/`);
  if (!url || !/^https?:$/.test(url.protocol)) return undefined;
  return /\/(users|groups)\/[^/]+\/avatar$/.test(url.pathname) ? undefined : url.href;
}

function drawn(id: string, name: string): string {
  const hue = parseInt(sha256Hex(id).slice(0, 4), 16) % 360;
  const [initial = ""] = name.trim();
  const letter = initial.toUpperCase()
    .replaceAll(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 120" width="120" height="120">` +
    `<rect width="120" height="120" fill="hsl(${hue},45%,52%)"/>` +
    `<text x="60" y="60" dy="0.36em" text-anchor="middle" font-family="sans-serif" ` +
    `font-size="56" fill="#fff">${letter}</text></svg>`;
}
