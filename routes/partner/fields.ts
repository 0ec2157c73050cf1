import { z } from "zod";
import {
  jsonNumberOf,
  LONG_INTEGER_MAX,
  type LongInteger,
  longIntegerOf,
} from "../../config/runtime/long_integer.ts";
import { DomainError } from "../../db/domain/errors.ts";
import { AVATAR_LENGTH_MAX, NAME_LENGTH_MAX } from "../../db/domain/partners/rules.ts";
import { isPicture, isUpTo, maybeNameUpTo, Text } from "../fields.ts";
import type { PartnerActor } from "./surface.ts";

/** A number of ours, of a group or a desk, as a number or as digits; always answered as a number. */
export const Id = z.union([z.number(), z.string().regex(/^\d{1,16}$/).transform(Number)])
  .pipe(z.number().int().min(1).max(Number.MAX_SAFE_INTEGER));

const isInRange = (it: LongInteger) => it !== 0 && BigInt(it) <= LONG_INTEGER_MAX;

/** A number of the partner's own choice, of a person or a chat room, as a number or as digits. */
export const Uid = z.union([z.int().min(1), z.string().regex(/^\d{1,19}$/)])
  .transform((given) => longIntegerOf(String(given)))
  .refine(isInRange, `{}应为1到${LONG_INTEGER_MAX}的整数`)
  .meta({ format: "int64" });

/** The same in an answer: a JSON number with all its digits. */
export const AnsweredUid = z.custom<LongInteger>().transform(jsonNumberOf)
  .meta({ type: "integer", format: "int64", minimum: 0 });

/** Text that may be left out, as nothing, null or blank. */
export function optionalText(max: number) {
  return Text.transform((text) => text.trim()).refine(
    ...isUpTo(max),
  ).nullish().transform((text) => text || undefined);
}

/** A person's name and picture as partners send them; left out, or invisible: as they were. */
export const OptionalName = Text.pipe(maybeNameUpTo(NAME_LENGTH_MAX)).nullish()
  .transform((name) => name || undefined);
export const OptionalAvatar = optionalText(AVATAR_LENGTH_MAX)
  .refine((address) => address === undefined || isPicture(address));

export const NamedPerson = z.object({
  uid: Uid.describe("用户id"),
  name: OptionalName.describe("名字"),
  avatar: OptionalAvatar.describe("头像"),
}).transform(({ uid, name, avatar }) => ({ appUid: uid, name, avatar }));

const BarePerson = Uid.transform((appUid) => ({ appUid, name: undefined, avatar: undefined }));

/** People as the contract writes them: objects, or bare numbers. */
export const peopleUpTo = (countMax: number) =>
  z.array(z.union([BarePerson, NamedPerson])).max(countMax);

/** An on-off switch, as a boolean, as 0/1, or as the words some servers send. */
export const Switch = z.union([
  z.boolean(),
  z.literal([0, 1]).transform((value) => value === 1),
  z.literal(["0", "1", "true", "false"]).transform((value) => value === "1" || value === "true"),
]);

/** What an operation answers that has nothing to say. */
export const Nothing = z.object({});
export const nothing = {};

/** The app's server, on an operation that takes nobody else. */
export function asServer(actor: PartnerActor): Extract<PartnerActor, { kind: "server" }> {
  if (actor.kind !== "server") throw new DomainError("session_invalid");
  return actor;
}

/** One of the app's people, on an operation that takes nobody else. */
export function asClient(actor: PartnerActor): Extract<PartnerActor, { kind: "client" }> {
  if (actor.kind !== "client") throw new DomainError("session_invalid");
  return actor;
}
