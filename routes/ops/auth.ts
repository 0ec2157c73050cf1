import { z } from "zod";
import { DomainError } from "../../db/domain/errors.ts";
import { logInWithMixin } from "../../db/domain/operators/log_in.ts";
import { revokeOperatorToken } from "../../db/domain/operators/revoke.ts";
import { perAddress } from "../../middleware/rate_limit.ts";
import { type Mixin, MixinRefusedError } from "../../providers/mixin.ts";
import { Nothing } from "../fields.ts";
import { endpoint, openEndpoint } from "./surface.ts";

const CODE_LENGTH_MAX = 256;
/** Codes of Mixin's stand-in: they say who somebody is, and prove nothing. */
const DEVELOPMENT_CODE = /^dev:/i;

export const logInByMixin = openEndpoint({
  method: "post",
  path: "/v1/auth/mixin",
  summary: "Log in with the code of Mixin's page",
  description: "A code is good once. The call carries no `state` and no PKCE verifier, which the " +
    "contract does not have: a page that starts the login has to compare the `state` it sent by " +
    "itself. At a door of development `dev:<Mixin user id>` is a code (and, because each is good " +
    "once, `dev:<Mixin user id>:<anything>`).",
  needs: null,
  rate: perAddress(10, "1 min"),
  body: z.object({ code: z.string().trim().min(1).max(CODE_LENGTH_MAX) }),
  data: z.object({ access_token: z.string().describe("Good for seven days") }),
  errors: ["auth_code_invalid", "operator_unknown", "mixin_failed"],
  async handle({ body: { code }, ctx, providers, isAtDevDoor }) {
    if (DEVELOPMENT_CODE.test(code) && !isAtDevDoor) throw new DomainError("auth_code_invalid");
    const exchangeCode = (code: string) => userBehind(providers.mixin, code);
    return { access_token: await logInWithMixin(ctx, { code, exchangeCode }) };
  },
});

async function userBehind(mixin: Mixin, code: string) {
  try {
    return await mixin.exchangeCode(code);
  } catch (cause) {
    const isRefused = cause instanceof MixinRefusedError;
    throw new DomainError(isRefused ? "auth_code_invalid" : "mixin_failed", { cause });
  }
}

export const logOut = endpoint({
  method: "post",
  path: "/v1/auth/logout",
  summary: "End this token, at once and for good",
  description: "The operator's other tokens stay good.",
  needs: null,
  data: Nothing,
  async handle({ actor, ctx }) {
    if (actor.kind !== "operator") throw new DomainError("session_invalid");
    await revokeOperatorToken(ctx, { operatorId: actor.operatorId, jti: actor.jti, actor });
    return {};
  },
});
