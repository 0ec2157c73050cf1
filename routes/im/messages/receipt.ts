import { z } from "zod";
import { DomainError } from "../../../db/domain/errors.ts";
import { listReaders } from "../../../db/domain/messages/message_extras.ts";
import { HexId } from "../../fields.ts";
import { endpoint } from "../surface.ts";

export const list = endpoint({
  method: "get",
  path: "/messages/{message_id}/receipt",
  summary: "消息回执列表",
  description:
    "Not in the contract. Who has read a message of one's own, the first one first; at " +
    "most 500.",
  params: z.object({ message_id: z.coerce.number().int().positive() }),
  data: z.array(z.object({
    uid: HexId,
    name: z.string(),
    readed_at: z.number().int().describe("Seconds"),
  })),
  errors: ["message_missing"],
  async handle({ params, actor, ctx }) {
    const readers = await listReaders(ctx, {
      userId: actor.userId,
      messageId: params.message_id,
    });
    if (!readers) throw new DomainError("message_missing");
    return readers.map(({ uid, name, readAtMs }) => ({
      uid,
      name,
      readed_at: Math.floor(readAtMs / 1000),
    }));
  },
});
